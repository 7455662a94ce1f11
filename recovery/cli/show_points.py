"""How recovery points look on a terminal, and as JSON."""

import json
from collections.abc import Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from recovery.capture.adopt_point import ADOPTED
from recovery.capture.readiness import Line, verdict
from recovery.cli.safe_console import safe_console
from recovery.counts import items, things
from recovery.vault.diff_points import QUIET, Change, quiet_counts
from recovery.vault.manifest import Manifest
from recovery.vault.shelf_vault import Listed
from recovery.velociraptor.inventory import ITEMS


def summary(manifest: Manifest) -> dict[str, Any]:
    """A point in small numbers; no hash, no id of a client."""
    return {
        "point": manifest.point,
        "captured_at": manifest.captured_at.isoformat(),
        "seconds": round((manifest.finished_at - manifest.captured_at).total_seconds(), 2),
        "server": {"kind": manifest.server.kind, "version": manifest.server.version},
        "deployment": manifest.server.deployment,
        "parts": manifest.parts,
        "package": {"version": manifest.package.version, "origin": manifest.package.origin},
        "config_newer": manifest.config_newer,
        "orgs": manifest.orgs,
        "backups": len(manifest.backups),
        "flows": sum(archive.kind == "flow" for archive in manifest.archives),
        "hunts": sum(archive.kind == "hunt" for archive in manifest.archives),
        "rows": sum(archive.rows for archive in manifest.archives if archive.kind == "flow"),
        "bytes": sum(item.size for item in manifest.objects()),
        "gaps": manifest.gaps,
    }


def capture_json(manifest: Manifest) -> str:
    """The point's summary as one JSON object."""
    return json.dumps(summary(manifest), indent=1)


def capture_lines(manifest: Manifest) -> list[str]:
    """The point's summary, a line a fact."""
    facts = summary(manifest)
    length = f", in {facts['seconds']} s"
    if manifest.server.uri.startswith(ADOPTED):
        length = f", {manifest.server.uri}"
    server = f"{manifest.server.kind} {manifest.server.version}"
    newer = "config newer than the package's" if manifest.config_newer else "config as packaged"
    archives = (things(int(facts[f"{name}s"]), name) for name in ("flow", "hunt", "row"))
    return [
        f"recovery point {facts['point']}",
        f"  captured  {manifest.captured_at:%Y-%m-%d %H:%M:%S} UTC{length}",
        f"  server    {server}, deployment {manifest.server.deployment[:16]}…",
        f"  package   {manifest.package.version} ({manifest.package.origin}), {newer}",
        f"  orgs      {', '.join(manifest.orgs)}",
        f"  holds     {', '.join(manifest.parts)}",
        f"  archives  {', '.join(archives)}",
        f"  size      {facts['bytes'] / 1e6:.1f} MB in {things(len(manifest.objects()), 'object')}",
        *(f"  gap       {gap}" for gap in manifest.gaps),
    ]


def points_table(listed: Sequence[Listed]) -> None:
    """One line a point, also for those that can't be read."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("point", no_wrap=True)
    for title in ("server", "holds", "flows", "hunts", "MB", "gaps"):
        table.add_column(title, justify="left" if title in {"server", "holds"} else "right")
    for entry in listed:
        if not entry.file:
            table.add_row(entry.point, Text("refused", style="red"))
            continue
        facts = summary(entry.file.manifest)
        table.add_row(
            entry.point,
            f"{facts['server']['kind']} {facts['server']['version']}",
            " ".join(part for part in facts["parts"] if part != "redeploy"),
            str(facts["flows"]),
            str(facts["hunts"]),
            f"{facts['bytes'] / 1e6:.1f}",
            str(len(facts["gaps"])),
        )
    console = safe_console()
    none = "no recovery points; is this the vault, and is it mounted? `recovery capture` makes one"
    console.print(table if listed else none)
    for entry in listed:
        if entry.trouble:
            console.print(f"error: {entry.trouble}", style="red")


def counts_table(manifest: Manifest) -> None:
    """What was counted at the capture: a row an item, a column an org."""
    counts = manifest.inventory.counts()
    table = Table("item", *manifest.orgs, box=None, header_style="bold", pad_edge=False)
    for item in ITEMS:
        table.add_row(item, *(str(counts[org].get(item, 0)) for org in manifest.orgs))
    safe_console().print(table)


def diff_table(old: Manifest, new: Manifest, changes: Sequence[Change]) -> None:
    """Changes by name; what grows by daily work is only counted."""
    console = safe_console()
    listed = [change for change in changes if change.item not in QUIET]
    table = Table("org", "item", "name", "", "detail", box=None, header_style="bold")
    for change in listed:
        color = {"added": "green", "removed": "red"}.get(change.how, "yellow")
        table.add_row(
            change.org, change.item, change.key, Text(change.how, style=color), change.detail
        )
    console.print(f"{old.point} → {new.point}")
    console.print(table if listed else "no difference")
    for item, number in quiet_counts(list(changes)).items():
        console.print(f"{items(number, item)} changed (daily work, not listed; --json has them)")


_COLORS = {"good": "green", "warning": "yellow", "unknown": "magenta", "bad": "red"}
_WORDS = {
    "good": "recoverable now",
    "warning": "recoverable, with warnings",
    "unknown": "not known to be recoverable",
    "bad": "not recoverable as asked",
}


def status_table(lines: Sequence[Line]) -> None:
    """A line a check, the remedy under each that isn't good, then the verdict."""
    console = safe_console()
    table = Table("check", "", "found", box=None, header_style="bold", pad_edge=False)
    for line in lines:
        color = _COLORS[line.level]
        table.add_row(line.name, Text(line.level, style=color), line.says)
        if line.remedy and line.level != "good":
            table.add_row("", "", f"→ {line.remedy}")
    console.print(table)
    level = verdict(lines)
    console.print(f"verdict: {_WORDS[level]}", style=f"bold {_COLORS[level]}")
