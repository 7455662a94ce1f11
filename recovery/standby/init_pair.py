"""A pair is made: both looked at, linked both ways, the lease taken for the one that serves.

Safe to repeat: keys stay, links are laid anew, a lease that is held already is kept.
"""

from collections.abc import Callable
from contextlib import ExitStack
from urllib.parse import urlsplit

from recovery.errors import BadInputError, RecoveryError, TargetError
from recovery.restore.hold_service import hold_argv
from recovery.restore.request import parse_request
from recovery.restore.run_group import run_group
from recovery.standby import guard
from recovery.standby.link import lay_link, try_link
from recovery.standby.pair import Machine, Pair, write_pair
from recovery.standby.places import ROLE
from recovery.standby.pull import ACTIVE, SPARE
from recovery.standby.reach import named_for_all, opened
from recovery.target import Target
from recovery.vault.lease import current, finish, take
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.config import PACKAGE, SERVICE
from recovery.velociraptor.read_config import read_config
from recovery.velociraptor.two_folders import refuse_two_folders

Say = Callable[[str], None]
_ROLE = 'umask 077; mkdir -p "${1%/*}"; echo "$2" > "$1"'
_ADDRESS = "hostname -I | cut -d' ' -f1"
_STATE = """
printf '%s\\n' "$(dpkg-query --show --showformat='${Version}' "$1" 2>/dev/null)"
systemctl is-active "$2" 2>/dev/null
"""
_ROOM_NEEDED = 1.1
_FREE = """d=$1
while [ ! -d "$d" ]; do d=$(dirname "$d"); done
df --output=avail -B1 "$d" | tail -n 1
[ ! -d "$1" ] || du -DsxB1 "$1" | cut -f1
"""


def init_pair(
    vault: ShelfVault,
    active_uri: str,
    spare_uri: str,
    say: Say,
    *,
    active_address: str = "",
    spare_address: str = "",
    switch: str = "",
    guard_seconds: int = 0,
    claim: bool = False,
) -> Pair:
    """Makes ``spare_uri`` the hot spare of the running server ``active_uri``.

    Where the spare has no package yet (`pulumi up` with ``standby: true`` installs it), the one
    of the vault's newest recovery point is installed, its service held. Raises
    :class:`BadInputError` or :class:`TargetError`; the running server is not touched but for one
    line in root's authorized_keys.
    """
    if active_uri == spare_uri:
        raise BadInputError("a machine can't be its own spare", target=spare_uri)
    with ExitStack() as stack:
        one = Machine(uri=active_uri, address=active_address or _host(active_uri))
        two = Machine(uri=spare_uri, address=spare_address or _host(spare_uri))
        active, spare = opened(stack, one), opened(stack, two)
        one = one.model_copy(update={"address": one.address or _ask(active)})
        two = two.model_copy(update={"address": two.address or _ask(spare)})
        one, two = named_for_all(one, active), named_for_all(two, spare)
        config = read_config(active)
        refuse_two_folders(config, "a hot spare", active_uri)
        version, state = _state(active)
        if state != "active":
            raise BadInputError(
                f"{SERVICE} doesn't run there ({state})",
                target=active_uri,
                hint="--active is the machine that serves now",
            )
        lease = current(vault, config.deployment)
        if lease is not None and lease.holder != one.uri and not claim:
            raise BadInputError(
                f"by the lease {lease.holder} serves, since {lease.taken_at:%Y-%m-%d %H:%M} UTC "
                f"({lease.reason})",
                target=active_uri,
                hint="name that one by --active; or, if it is gone for good and this server was "
                "rebuilt in its place, add --claim",
            )
        _install(vault, spare, spare_uri, version, say)
        _check_room(active, spare, config.datastore)
        pair = Pair(
            deployment=config.deployment,
            datastore=config.datastore,
            machines=(one, two),
            switch=switch,
            guard_seconds=guard_seconds,
        )
        for reader, source, machine in ((spare, active, one), (active, spare, two)):
            lay_link(reader, source, machine, config.datastore)
            try_link(reader, machine)
        say(f"link: {two.address} reads {one.address}'s datastore by SSH, and nothing else there")
        spare.run(["sh", "-c", _ROLE, "role", ROLE, SPARE])
        active.run(["sh", "-c", _ROLE, "role", ROLE, ACTIVE])
        if guard_seconds:
            guard.install(active)
            say(
                f"guard: from the first sync on the server stops itself after {guard_seconds} s "
                "without a sign of life: keep `recovery standby watch` running"
            )
        if lease is None or lease.holder != one.uri:
            lease = take(vault, lease, config.deployment, one.uri, "init")
        finish(vault, lease)  # it was seen to serve just now
        write_pair(vault, pair)
        say(f"pair: {one.name} serves (epoch {lease.epoch}), {two.name} is its spare")
    return pair


def _install(vault: ShelfVault, spare: Target, uri: str, version: str, say: Say) -> None:
    """The package with its service held; one that is there already is only held."""
    there, state = _state(spare)
    if there == version:
        spare.run(hold_argv(), timeout=90)
        say(
            f"spare: {PACKAGE} {there} is there; its service is held"
            + (" now" if state == "active" else "")
        )
        return
    if there:
        raise BadInputError(
            f"it has {PACKAGE} {there}, the server {version or 'none from a package'}",
            target=uri,
            hint="install the server's version there; `recovery points list` knows where it is",
        )
    try:
        request = parse_request(target=uri, vault=vault.uri, strategy=["redeploy"])
        result = run_group("standby", request, say)
    except RecoveryError as failed:
        failed.hint = failed.hint or "`recovery capture` first: the package comes from the vault"
        raise
    installed = result.facts.get("package_version", there)
    if version and installed != version:
        raise BadInputError(
            f"the newest recovery point has {PACKAGE} {installed}, the server {version}",
            target=vault.uri,
            hint="`recovery capture` from the server, then init again",
        )


def _check_room(active: Target, spare: Target, datastore: str) -> None:
    used = int(active.run(["du", "-DsxB1", datastore], timeout=3600).text.split()[0])
    free = ["sh", "-c", _FREE, "free", datastore]
    numbers = [int(word) for word in spare.run(free, timeout=3600).text.split()]
    if sum(numbers) < used * _ROOM_NEEDED:
        raise TargetError(
            f"{sum(numbers) / 1e6:.0f} MB are free for a datastore of {used / 1e6:.0f} MB",
            step="look at the spare",
            target=spare.uri,
            hint="give it a larger disk; it has to grow with the server's",
        )


def _state(target: Target) -> tuple[str, str]:
    """The package's version (empty: none), and what systemd says of the service."""
    lines = target.run(["sh", "-c", _STATE, "state", PACKAGE, SERVICE], check=False).text.split(
        "\n"
    )
    return lines[0].strip(), (lines[1].strip() if len(lines) > 1 else "unknown")


def _host(uri: str) -> str:
    parts = urlsplit(uri)
    return parts.hostname or "" if parts.scheme == "ssh" else ""


def _ask(target: Target) -> str:
    found = target.run(["sh", "-c", _ADDRESS]).text.strip()
    if not found:
        raise BadInputError(
            "its address could not be found",
            target=target.uri,
            hint="give --active-address and --spare-address",
        )
    return found
