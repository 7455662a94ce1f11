"""What was written on the machine is forced to its disks: a loss of power takes none of it back.

A line of the journal is on the disk at once. Without this it would call done what a machine that
lost its power within the next half minute has forgotten.
"""

from recovery.restore.context import Context
from recovery.restore.journal import FOLDER
from recovery.velociraptor.named_files import named_places
from recovery.velociraptor.paths import CONFIG_PATH

# Each filesystem once: to force one takes one call, however many files were written.
_SCRIPT = """set -e
seen=" "
for path in "$@"; do
  [ -e "$path" ] || continue
  disk=$(stat -L -c %d -- "$path")
  case "$seen" in *" $disk "*) continue ;; esac
  sync -f -- "$path"
  seen="$seen$disk "
done
"""
_PATIENCE = 3600


def to_disk(context: Context) -> None:
    """Returns when packages, config, named files and datastore are on the machine's disks.

    Raises :class:`recovery.errors.CommandError` where a disk does not take them.
    """
    config = context.config
    named = [place.path for place in named_places(config)]
    argv = ["sh", "-c", _SCRIPT, "to-disk", *config.folders, CONFIG_PATH, *named, FOLDER, "/"]
    context.target.run(argv, timeout=_PATIENCE)
