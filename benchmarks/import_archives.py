"""Importing 1,000 flows from the vault, beside one bare `import_collection` over `glob`.

The bare query has its files on the server already, checks nothing and counts nothing. Both
ways run in turn, each on a fresh server; all are removed at the end. (ext4 passes over every
inode that was freed within the last minutes: a server writes several times slower after thousands
of files were deleted on its disk, as those of the last round's machine would be.) Both begin
without a connection to the server, and on a machine at rest: what the installation left for
later, files on their way to the disk and the server's own start, would slow down whichever comes
first after it (measured: 0.3 s of the first hundred flows). The bare way's time ends with its
answer, the other's when lock and connection are given back. Then 10,000
flows (BENCH_LARGE=1): the memory of the recovery must stay flat.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import tarfile
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import bulk_point
from recovery.drill.conduct import server_binary
from recovery.infra.docker_engine import Wanted, create, remove
from recovery.restore.import_archives import STEP
from recovery.restore.request import RestoreRequest
from recovery.restore.run_group import run_group
from recovery.settings import base_image
from recovery.target import Target, open_target
from recovery.vault.manifest import Manifest
from recovery.vault.store import Vault, open_vault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import OWNER, SERVICE, ServerConfig

FLOWS = 1000
LARGE = 10_000
LIMIT = 1.25
FLAT_MB = 150
_REST = 2.0
_BARE = f"""
SELECT import_collection(filename=OSPath, client_id="{bulk_point.CLIENT}").session_id AS Flow
FROM glob(globs="/srv/bench/*.zip") WHERE Flow
"""
_ARTIFACT = "SELECT artifact_set(definition=Definition).name AS A FROM scope()"


def run(rounds: int, binary: Path | None) -> list[str]:
    """Seconds and ratios of each way; `binary`: a real Velociraptor, else the reference server."""
    found = server_binary(binary)
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory(prefix="bench-import-") as name, ExitStack() as at_end:
        folder = Path(name)
        os.environ["XDG_STATE_HOME"] = str(folder / "state")
        vault = open_vault(str(folder / "vault"))
        config = bulk_point.make_config(found, folder)
        manifest = bulk_point.make_point(vault, found, config, folder, FLOWS, 0)
        for number in range(rounds):
            bare.append(_on_a_machine(folder, config, manifest, vault, at_end, bare=True))
            ours.append(_on_a_machine(folder, config, manifest, vault, at_end, bare=False))
            print(f"  round {number + 1}: {bare[-1]:.2f} s bare, {ours[-1]:.2f} s", file=sys.stderr)
        ratios = [one / other for one, other in zip(ours, bare, strict=True)]
        ratio = statistics.median(ratios)
        lines = [
            f"bare query of {FLOWS} flows: {statistics.median(bare):.2f} s",
            f"from the vault, checked and counted: {statistics.median(ours):.2f} s, ratio "
            f"{ratio:.2f} (min {min(ratios):.2f}, max {max(ratios):.2f}; wanted at most {LIMIT})"
            + ("" if ratio <= LIMIT else ": TOO SLOW"),
        ]
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if os.environ.get("BENCH_LARGE"):
            large = bulk_point.make_point(vault, found, config, folder, LARGE, 0)
            made = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            seconds = _on_a_machine(folder, config, large, vault, at_end, bare=False)
            more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - max(before, made)) / 1024
            fits = "" if more < FLAT_MB else ": TOO MUCH"
            lines.append(
                f"{LARGE} flows: {seconds:.1f} s, {more:.0f} MB more than before them{fits}"
            )
    return lines


def _on_a_machine(
    folder: Path,
    config: ServerConfig,
    manifest: Manifest,
    vault: Vault,
    at_end: ExitStack,
    *,
    bare: bool,
) -> float:
    """Seconds of the import alone, on a server that was just installed."""
    machine = create(Wanted(image=base_image(""), prefix="bench-import"))
    at_end.callback(remove, machine.name)
    target = open_target(f"docker://{machine.name}")
    try:
        request = RestoreRequest(
            target=target.uri,
            vault=str(folder / "vault"),
            point=manifest.point,
            strategy=["collections"],
        )
        run_group("server", request, lambda _line: None)
        with open_api(target, config) as api:
            api.query(_ARTIFACT, env={"Definition": bulk_point.DEFINITION}, min_rows=1)
        if bare:
            target.run(["install", "-d", "-m", "755", "/srv/bench"])
            _copy(vault, manifest, folder, target)
        target.run(["sync"], timeout=120)
        time.sleep(_REST)
        return _ask(target, config, manifest) if bare else _recover(request, manifest)
    finally:
        target.run(["systemctl", "stop", SERVICE], timeout=120)
        target.close()


def _ask(target: Target, config: ServerConfig, manifest: Manifest) -> float:
    begun = time.monotonic()
    with open_api(target, config) as api:
        rows = api.query(_BARE, timeout=3600)
        seconds = time.monotonic() - begun
    if len(rows) != len(manifest.archives):
        raise RuntimeError(f"{len(rows)} of {len(manifest.archives)} flows were imported")
    return seconds


def _recover(request: RestoreRequest, manifest: Manifest) -> float:
    begun = time.monotonic()
    result = run_group("collections", request, lambda _line: None)
    seconds = time.monotonic() - begun
    (outcome,) = [o for o in result.outcomes if o.step == STEP]
    wanted = f"{len(manifest.archives)} flows imported"
    if wanted not in outcome.detail or outcome.findings:
        raise RuntimeError(f"{outcome.detail}: {outcome.findings[:3]}")
    return seconds


def _copy(vault: Vault, manifest: Manifest, folder: Path, target: Target) -> None:
    bundle = folder / "bundle.tar"
    with tarfile.open(bundle, "w") as tar:
        for archive in manifest.archives:
            path = vault.fetch(archive.file, folder / "one.zip")
            tar.add(path, arcname=archive.file.name)
            path.unlink()
    with bundle.open("rb") as stream:
        script = f"tar -x -f - -C /srv/bench && chown -R {OWNER}: /srv/bench"
        target.run(["sh", "-c", script], stdin=stream, timeout=600)
