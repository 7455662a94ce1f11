"""How much there is on a server, by what a strategy would take of it. Read from its files alone.

One pass of ``find`` at the lowest priority, summed up on the server: a few numbers come back,
whatever the number of files. Nothing is changed and no file is opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any

from recovery.target import Target
from recovery.vault.manifest import Manifest

_MONTH = 30 * 86400
_HOURS = 2 * 3600.0
# mawk and gawk alike. The paths of an org are those of the root org, below orgs/<ID>/.
_SUM = r"""
$1 + 0 > 0 && NF >= 3 {
  age = now - $1; size = $2; path = $3
  kind = "other"
  if (path ~ /^orgs\/[^\/]+\.json\.db$/) kind = "state"
  else {
    sub(/^orgs\/[^\/]+\//, "", path)
    n = split(path, part, "/"); top = part[1]
    if (top ~ /^(acl|users|config|artifact_definitions|client_info|public)$/) kind = "state"
    else if (top ~ /^(hunts|hunt_index|notebooks|notebook_index)$/) kind = "state"
    else if (top == "clients") {
      if (n <= 3) kind = "state"
      else if (part[3] == "collections" || part[3] == "artifacts") kind = "flows"
      else kind = "events"
    }
    else if (top ~ /^server_artifact/) kind = "events"
    else if (top ~ /^(downloads|temp)$/) kind = "exports"
    else if (top == "backups") { kind = "backups"; if ($1 > newest) { newest = $1; last = size } }
    if (kind == "flows" && part[3] == "collections" && n == 4 && part[4] ~ /^F\..*\.db$/) {
      flows++; if (age <= since) kept++
    }
  }
  bytes[kind] += size; files++; total += size
  if (kind == "flows" && age <= since) recent += size
  if (age <= month) { changed += size; if (kind == "flows") grown += size }
}
END {
  for (kind in bytes) printf "%s %.0f\n", kind, bytes[kind]
  printf "files %.0f\ntotal %.0f\nchanged_month %.0f\nflows_month %.0f\nflows_kept %.0f\n", \
    files, total, changed, grown, recent
  printf "flow_count %.0f\nflow_count_kept %.0f\nbackup %.0f\n", flows, kept, last
}
"""
_SCRIPT = (
    'since=$1 month=$2 sum=$3; shift 3; cd -- "$1" || exit 3; export LC_ALL=C; '
    'nice -n 19 find -H "$@" -type f -printf "%T@ %s %P\\n" | '
    'nice -n 19 awk -v now="$(date +%s)" -v since="$since" -v month="$month" "$sum"'
)


@dataclass(frozen=True)
class Sizes:
    """Bytes, unless the name says otherwise. ``kept``: what is within the time asked for.

    ``month``: what changed in the last 30 days.
    """

    source: str
    state: int = 0
    flows: int = 0
    flows_kept: int = 0
    flows_month: int = 0
    events: int = 0
    exports: int = 0
    backup: int = 0
    """The newest backup; all of them are in ``backups``."""
    backups: int = 0
    other: int = 0
    total: int = 0
    changed_month: int = 0
    files: int = 0
    flow_count: int = 0
    flow_count_kept: int = 0
    package: int = 30 << 20
    known: bool = field(default=True)
    """False: nothing was measured, and every number is a guess of 0."""


UNKNOWN = Sizes("not measured (--measure, or a vault with a recovery point)", known=False)


def argv(folders: Sequence[str], since: timedelta | None) -> list[str]:
    """The argv that sums up ``folders``; ``since`` None counts every collection as kept."""
    seconds = int(since.total_seconds()) if since else 10**11
    return ["sh", "-c", _SCRIPT, "measure", str(seconds), str(_MONTH), _SUM, *folders]


def parse(text: str, source: str) -> Sizes:
    """What the command printed. Raises ValueError when it is something else."""
    numbers: dict[str, Any] = {
        name: int(number) for name, number in (line.split() for line in text.splitlines())
    }
    known = {item.name for item in fields(Sizes)}
    if not {"files", "total", "flow_count"} <= set(numbers) <= known:
        raise ValueError(f"not a measurement: {text[:200]!r}")
    return Sizes(source, **numbers)


def measure(target: Target, folders: Sequence[str], since: timedelta | None) -> Sizes:
    """Sums up datastore and file store (``folders``) on ``target``; two hours are allowed for it.

    Raises :class:`recovery.errors.CommandError` when the first folder isn't there.
    """
    done = target.run(argv(folders, since), timeout=_HOURS)
    return parse(done.text, f"measured on {target.uri}")


def of_point(point: Manifest) -> Sizes:
    """What a recovery point already tells: the stored sizes of what it holds."""
    state = sum(org.tar.size for org in point.state)
    flows = sum(archive.file.size for archive in point.archives)
    return Sizes(
        f"recovery point {point.point} (compressed archives; no growth known)",
        state=state,
        flows=flows,
        flows_kept=flows,
        backup=max((backup.file.size for backup in point.backups), default=0),
        total=state + flows,
        flow_count=sum(archive.kind == "flow" for archive in point.archives),
        flow_count_kept=sum(archive.kind == "flow" for archive in point.archives),
        package=point.package.file.size,
    )
