"""Step: a complete copy into the datastore, before the server's first start.

The state of the same recovery point is placed on top of it afterwards: it was read last, record
by record, has the client list as it was in memory, and lets back only the accounts allowed.
"""

import re

from recovery.counts import things
from recovery.datastore.copy import FRESH
from recovery.datastore.repository import Repository, parse_repository
from recovery.datastore.restic import Restic, open_restic
from recovery.datastore.snapshots import snapshots
from recovery.errors import BadInputError
from recovery.restore.context import Context
from recovery.restore.running_server import take_over
from recovery.restore.step import Report
from recovery.vault.manifest import DatastoreCopy
from recovery.velociraptor.config import OWNER

STEP = "place the datastore"
# Accounts come by the state, which knows who is allowed; the list of hunts is made anew from
# their records (it may be ten minutes old, and is believed at a start).
_LEFT_OUT = (
    "/acl/*",
    "/users/*",
    "/orgs/*/acl/*",
    "/hunts/index.json*",
    "/orgs/*/hunts/index.json*",
)
_PREPARE = 'install -d -o "$2" -g "$2" -m 700 "$1"'
# No link or device comes back, whoever put it there. Restic writes through one that is there
# already (seen on 0.14): as root, to wherever it points.
_NO_LINKS = """cd -- "$1" && find . -xdev ! -type f ! -type d -printf '%P\\0' -delete"""
# The fresh client lists go to their places.
_SETTLE = """set -e
cd -- "$1"
rm -rf -- "./$4"
if [ -d "$3" ]; then
  cp -R "$3/." . && rm -rf -- "./$3"
fi
chown -R "$2:$2" .
find . -type d ! -perm -700 -exec chmod u+rwx {} +
chmod 700 .
"""
# A record that was caught while the server wrote it: empty, or without its end.
_TORN = r"""cd -- "$1"
find . -type f -name '*.json.db' -print0 | xargs -0 -r grep -LZ '[]}]$' || :
"""
# Of another copy come the files that are asked for by name, and nothing else that it may hold.
_PICK = """cd -- "$1"
while IFS= read -r -d '' name; do
  [ ! -f "$2/$name" ] || mv -f -- "$2/$name" "./$name"
done
rm -rf -- "$2"
"""
_OLDER = ".recovery-older"
_MANY = 200
_WILDCARD = re.compile(r"[*?\[\\]")


def place_datastore(context: Context) -> Report:
    """Restores the copy that the recovery point names, with the owner that the package made.

    Raises :class:`BadInputError` for a machine that holds another point's datastore, and
    :class:`recovery.errors.CommandError` with restic's words.
    """
    if "datastore" not in context.request.strategy or not context.has_point:
        return Report("the strategy asks for no complete copy", skipped=True)
    copy = context.manifest.datastore
    if copy is None:
        raise BadInputError(
            f"{context.manifest.point} holds no complete copy",
            hint="choose a point that does (`recovery datastore list`), or another strategy",
        )
    if others := context.journal.others(STEP):
        raise BadInputError(
            f"this machine already holds the datastore of {', '.join(others)}",
            hint="take a new machine; the service is held, and the datastore is as it was",
        )
    take_over(context)
    where = context.config.datastore
    context.target.run(["sh", "-c", _PREPARE, "prepare", where, OWNER])
    repository = repository_of(context.request.repository, copy)
    files = things(copy.files, "file")
    brought = f"copy {copy.snapshot[:8]}: {files}, {copy.bytes / 1e6:.0f} MB"
    with open_restic(context.target, repository) as restic:
        context.say(f"{brought} …")
        _without_links(context, where)  # of an attempt that was cut off, maybe of another copy
        _bring(context, restic, copy.snapshot, where)
        links = _without_links(context, where)
        settle = ["sh", "-c", _SETTLE, "settle", where, OWNER, FRESH, _OLDER]
        context.target.run(settle, timeout=3600)
        torn = _mend(context, restic, where)
    context.facts["snapshot"] = copy.snapshot
    findings = []
    if links:
        left = things(len(links), "link or device", "links or devices")
        findings.append(f"left out of the copy: {left}, e.g. {links[0]}")
    findings += [f"{name}: caught half-written, and no earlier copy has it whole" for name in torn]
    return Report(brought, findings)


def repository_of(given: str, copy: DatastoreCopy) -> Repository:
    """Where the copy is: as the operator says, or else as the point does.

    Raises :class:`BadInputError` where a point names files of this machine: they would go to the
    new one. A capture notes none.
    """
    repository = parse_repository(given or copy.repository)
    if repository.files and not given:
        raise BadInputError(
            f"the recovery point wants files of this machine: {copy.repository}",
            target="--repository",
            hint="name the repository yourself: --repository (recovery:repository); nothing was "
            "changed on the machine",
        )
    return repository


def excludes(context: Context) -> list[str]:
    """Restic's arguments for what stays out: other orgs, and what the state brings."""
    orgs = [org for org in context.manifest.orgs if not context.wants_org(org)]
    patterns = list(_LEFT_OUT)
    for org in orgs:
        patterns += [f"/orgs/{org}", f"/orgs/{org}.json.db", f"/{FRESH}/orgs/{org}"]
    return [word for pattern in patterns for word in ("--exclude", pattern)]


def _bring(context: Context, restic: Restic, snapshot: str, where: str) -> None:
    restic.run(["restore", snapshot, "--target", where, *excludes(context)])


def _without_links(context: Context, where: str) -> list[str]:
    """Takes links and devices away; their paths."""
    argv = ["sh", "-c", _NO_LINKS, "links", where]
    return _names(context.target.run(argv, timeout=3600).stdout)


def _mend(context: Context, restic: Restic, where: str) -> list[str]:
    """Half-written records from the copies before this one; the names of those that stay so."""
    torn = _torn(context, where)
    if not torn:
        return []
    chosen = context.manifest.datastore
    before = snapshots(restic, context.manifest.server.deployment)
    taken = next((one.taken_at for one in before if chosen and one.ident == chosen.snapshot), None)
    for older in sorted(before, key=lambda one: one.taken_at, reverse=True):
        if taken is None or older.taken_at >= taken or not torn:
            continue
        wanted = [word for name in torn[:_MANY] for word in ("--include", pattern_of(name))]
        aside = f"{where}/{_OLDER}"
        context.target.run(["mkdir", "-p", "-m", "700", aside])
        restic.run(["restore", older.ident, "--target", aside, *wanted])
        _without_links(context, aside)
        pick = ["bash", "-c", _PICK, "pick", where, aside]
        context.target.run(pick, stdin="\0".join([*torn, ""]).encode(), timeout=3600)
        torn = _torn(context, where)
    context.target.run(["chown", "-R", f"{OWNER}:{OWNER}", f"{where}/."], timeout=3600)
    return torn


def pattern_of(name: str) -> str:
    """Restic's pattern for this one file, whatever signs are in its name. Pure."""
    return "/" + _WILDCARD.sub(lambda sign: f"\\{sign[0]}", name)


def _torn(context: Context, where: str) -> list[str]:
    found = context.target.run(["sh", "-c", _TORN, "torn", where], timeout=3600).stdout
    return [name.removeprefix("./") for name in _names(found)]


def _names(listed: bytes) -> list[str]:
    return [name.decode("utf-8", "replace") for name in listed.split(b"\0") if name]
