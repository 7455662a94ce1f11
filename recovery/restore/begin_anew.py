"""A machine whose journal outlived its datastore: a disk that was lost and replaced, or emptied.

What the journal calls done is gone then; believed, it would start a server without anything.
"""

from datetime import UTC, datetime

from recovery.restore.context import Context
from recovery.restore.journal import FOLDER

# One file is enough: a package makes empty folders, a recovery or a server files.
_LOOK = 'find -H "$@" -type f ! -path "*/lost+found/*" -print -quit 2>/dev/null || :'
# The journal last: a machine that dies in between would believe the ledger, with none to doubt it.
_ASIDE = """set -e
cd -- "$1"
for file in *.jsonl *.json; do
  [ ! -e "$file" ] || [ "$file" = journal.jsonl ] || mv -- "$file" "$file.$2"
done
mv -- journal.jsonl "journal.jsonl.$2"
"""


def begin_anew(context: Context, package_step: str) -> None:
    """Puts journal and ledger aside where the datastore that they tell of is empty.

    ``package_step``: what is done before anything is in it.
    """
    if not context.has_point or not context.journal.has_more_than(package_step):
        return
    if context.target.run(["sh", "-c", _LOOK, "look", *context.config.folders], timeout=600).text:
        return
    context.say("the datastore of an earlier recovery is gone from this machine: all is done anew")
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    context.target.run(["sh", "-c", _ASIDE, "aside", FOLDER, stamp])
    context.forget_what_was_done()
