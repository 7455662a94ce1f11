"""Export and capture beside the article's bare VQL statement and a plain copy of its zips.

Alternating, on one server with imported flows. Then a second capture, with one flow in a
hundred new. The other way doesn't check, hash, index or seal; ours does.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.reference_server import CLIENT, FLOW, Server, timed
from recovery.capture.capture_point import capture
from recovery.capture.export_only import export_to
from recovery.capture.options import CaptureOptions
from recovery.drill.conduct import server_binary
from recovery.target import open_target
from recovery.vault.keys import new_keys
from recovery.vault.open import open_shelf
from recovery.vault.shelf_vault import ShelfVault
from server_deb.build import BuildRequest, build_package

FLOWS = 1_000
MANY = 10_000
AT_MOST = 1.2
SECOND_AT_MOST = 0.05
_ARTICLE = """
SELECT client_id, session_id, copy(filename=Export, accessor="fs", dest=DestDir + Export.Base) AS E
FROM foreach(row={SELECT * FROM clients()}, query={
  SELECT *, create_flow_download(client_id=client_id, flow_id=session_id, wait=TRUE) AS Export
  FROM flows(client_id=client_id)})
"""
_ARTIFACT = """name: Custom.Server.Marker
sources:
  - query: SELECT 1 AS A FROM scope()
"""
_IMPORT = (
    f"SELECT import_collection(filename=F, client_id='{CLIENT}').session_id AS s "
    "FROM range(start=0, end=N) WHERE s"
)


def run(rounds: int = 3, binary: Path | None = None) -> Iterator[str]:
    """Lines of seconds and ratios."""
    program = server_binary(binary).resolve()
    with tempfile.TemporaryDirectory(prefix="bench-capture-") as name:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        (folder / "server").mkdir()
        server = Server([str(program)], folder / "server")
        try:
            server.start()
            # A server leaves results of artifacts that it doesn't know out of its exports.
            server.rows("SELECT artifact_set(definition=D) AS A FROM scope()", D=_ARTIFACT)
            _import(server, FLOWS)
            yield from _Ways(server, folder, program).compare(rounds)
            _import(server, MANY - FLOWS)
            yield from _Ways(server, folder, program).again()
        finally:
            server.stop()


def _import(server: Server, number: int) -> None:
    for done in range(0, number, 500):
        count = min(500, number - done)
        timed(server, _IMPORT.replace("end=N", f"end={count}"), count, F=str(FLOW))


class _Ways:
    """The ways to get the flows off a server."""

    def __init__(self, server: Server, folder: Path, program: Path) -> None:
        self._server = server
        self._folder = folder
        self._store = folder / "server" / "ds"
        self._place = 0
        config = server.config
        request = BuildRequest(
            binary=program, config=config.read_bytes(), output=folder / "package"
        )
        # The package is the same at every capture: it is kept, not built anew each time.
        package = str(build_package(request).path)
        self._options: dict[str, Any] = {
            "config_path": str(config),
            "binary_path": str(program),
            "package": package,
        }
        self._keys = new_keys()

    def compare(self, rounds: int) -> Iterator[str]:
        ways = {
            "statement and copy": self._article,
            "export": self._export,
            "capture": self._capture,
        }
        seconds: dict[str, list[float]] = {what: [] for what in ways}
        for _ in range(rounds):
            for what, way in ways.items():
                shutil.rmtree(self._store / "downloads", ignore_errors=True)
                self._place += 1
                begun = time.monotonic()
                way()
                seconds[what].append(time.monotonic() - begun)
        base = median(seconds["statement and copy"])
        yield f"{FLOWS} flows by the article's statement, and copied: {base:.2f} s"
        for what in ("export", "capture"):
            ratio = median(seconds[what]) / base
            fits = "" if ratio <= AT_MOST else ": TOO SLOW"
            yield f"{what} of {FLOWS} flows: {median(seconds[what]):.2f} s, {ratio:.2f} x{fits}"

    def again(self) -> Iterator[str]:
        """A capture of many flows, then one with a hundredth more."""
        shutil.rmtree(self._store / "downloads", ignore_errors=True)
        self._place += 1
        begun = time.monotonic()
        first = self._capture()
        middle = time.monotonic()
        _import(self._server, MANY // 100)
        resumed = time.monotonic()
        second = self._capture()
        ended = time.monotonic()
        whole, more = middle - begun, ended - resumed
        if (first, second) != (MANY, MANY + MANY // 100):
            raise RuntimeError(f"{first}, then {second} flows are in the recovery points")
        fits = "" if more / whole <= SECOND_AT_MOST else ": TOO SLOW"
        yield f"first capture of {MANY} flows: {whole:.1f} s"
        yield f"second, 1 % of them new: {more:.1f} s, {100 * more / whole:.1f} %{fits}"

    def _article(self) -> int:
        made, copied = self._folder / f"made{self._place}", self._folder / f"copied{self._place}"
        made.mkdir()
        rows = self._server.rows(_ARTICLE, DestDir=f"{made}/")
        shutil.copytree(made, copied)
        return _expect(len([row for row in rows if row["E"]]))

    def _export(self) -> int:
        into = open_shelf(str(self._folder / f"export{self._place}"))
        options = CaptureOptions(**self._options, hunts=[])
        archives, gaps = export_to(open_target("local://"), into, options, lambda _: None)
        if gaps:
            raise RuntimeError(f"gaps: {gaps[:3]}")
        return _expect(len(archives))

    def _capture(self) -> int:
        vault = ShelfVault(open_shelf(str(self._folder / f"vault{self._place}")), self._keys)
        options = CaptureOptions(**self._options)
        manifest = capture(open_target("local://"), vault, options, lambda _: None)
        if manifest.gaps:
            raise RuntimeError(f"gaps: {manifest.gaps[:3]}")
        return sum(archive.kind == "flow" for archive in manifest.archives)


def _expect(number: int) -> int:
    if number < FLOWS:
        raise RuntimeError(f"{number} of {FLOWS} flows were exported")
    return number
