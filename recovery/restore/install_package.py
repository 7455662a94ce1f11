"""Step: the server package on the machine, its service held, the newest config in place."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from recovery.errors import BadInputError, CommandError
from recovery.restore.check_folders import refuse_foreign_folders
from recovery.restore.context import Context
from recovery.restore.hold_service import hold_argv
from recovery.restore.initial_users import held_initial_users, without_users
from recovery.restore.journal import AT_WORK, FOLDER
from recovery.restore.place_named import place_named
from recovery.restore.place_state import KEPT, adds_archives, refuse_a_used_machine
from recovery.restore.running_server import refuse_a_running_server
from recovery.restore.step import Report
from recovery.restore.what_was_there import what_was_there
from recovery.velociraptor.bind_addresses import fit_addresses
from recovery.velociraptor.config import OWNER, PACKAGE
from recovery.velociraptor.paths import BINARY_PATH, CONFIG_PATH

PACKAGE_PATH = f"{FOLDER}/{PACKAGE}.deb"
"""Where the package stays on the machine, so that the next capture finds it."""

# Upstream's package gives the binary file capabilities; a machine whose bounding set lacks one
# of them can't execute it then (facts: 203/EXEC), so they are taken off where that is so.
# A recovery that is killed leaves its command running here: the next one waits for its end, and
# finishes what a crash of the machine left half-configured.
_SCRIPT = """set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
exec 9>"$5"; flock -w 240 9
dpkg --configure -a >&2 9>&- || true
dpkg --force-confold --force-confdef -i "$1" >&2 9>&-
if [ -n "$(getcap "$3" 2>/dev/null)" ] && ! runuser -u "$4" -- "$3" version >/dev/null 2>&1; then
  setcap -r "$3"
fi
dpkg-query -W -f '${Version}' "$2"
"""


_FIT_UNIT = "/usr/libexec/velociraptor-server/fit-unit"
# Our package's unit is confined to the folders of its own config: a newer one may name others.
_FIT = '[ ! -x "$1" ] || "$1"'


def fit_argv() -> list[str]:
    """Lets our package's unit follow a config that was put in place of its own."""
    return ["sh", "-c", _FIT, "fit", _FIT_UNIT]


def install_package(context: Context) -> Report:
    """The package on a machine that is to serve; a datastore that it has already is a finding.

    Raises what :func:`install_held` raises.
    """
    if context.has_point and adds_archives(context):
        return Report(KEPT, skipped=True)
    _refuse(context)
    if context.has_point:
        refuse_a_running_server(context)
        refuse_foreign_folders(context)
    if held := held_initial_users(context):
        without_users(context.config.raw, held)  # a config of another form is refused here
    before = what_was_there(context)
    if context.has_point:
        context.journal.note_begun(context.request.strategy, context.request.accounts)
    installed = install_held(context, held)
    return replace(installed, findings=[*before, *installed.findings])


def install_held(context: Context, without: Sequence[str] = ()) -> Report:
    """Holds the service, installs, then puts the captured config where it differs.

    ``without``: initial users who may not come back (:mod:`recovery.restore.initial_users`).

    Raises :class:`BadInputError` when a first deployment's package isn't there, or when the
    machine holds another point's state already (then nothing is changed), and
    :class:`CommandError` with dpkg's own words when it refuses the package.
    """
    target = context.target
    _refuse(context)
    package = _package(context)
    target.run(hold_argv())
    target.put(package, PACKAGE_PATH, mode=0o600)
    try:
        version = target.run(
            ["sh", "-c", _SCRIPT, "install", PACKAGE_PATH, PACKAGE, BINARY_PATH, OWNER, AT_WORK],
            timeout=600,
        ).text
    except CommandError as refused:
        refused.hint = (
            f"look at {PACKAGE_PATH} on the machine (`dpkg -I`); the service is held and nothing "
            "was started"
        )
        raise
    placed = "config of the package"
    findings: list[str] = []
    if context.has_point:
        # The file that dpkg left may be the package's, or an older machine's: the captured one
        # is what the clients last trusted.
        config, findings = fit_addresses(target, context.config)
        config = without_users(config, without)
        findings += [
            f"account held back: {name} (an administrator at the server's first start, by "
            "GUI.initial_users; taken out of the config)"
            for name in without
        ]
        target.put(config, CONFIG_PATH, mode=0o640, owner=f"root:{OWNER}")
        findings += place_named(context)
        target.run(fit_argv(), timeout=30)
        placed = "newer config" if context.manifest.config_newer else "config as captured"
    context.facts["package_version"] = version
    return Report(f"{PACKAGE} {version}, {placed}, service held", findings=findings)


def _refuse(context: Context) -> None:
    if context.has_point and context.request.strategy != ["redeploy"]:
        refuse_a_used_machine(context, "nothing was changed")


def _package(context: Context) -> Path:
    if context.has_point:
        return context.fetch(context.manifest.package.file)
    path = Path(context.request.package)
    if not path.is_file():
        raise BadInputError(
            f"no server package at {path}",
            hint="build one: `recovery package build --binary FILE --config FILE`",
        )
    return path
