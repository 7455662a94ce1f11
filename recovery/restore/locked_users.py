"""Users who were locked out: a backup doesn't keep that, so by one they don't come back.

With an identity provider nobody needs a password, and an account without its lock lets its user
in. What is known of locks is in a state, of this point or of the one before.
"""

from recovery.accounts.read_accounts import account_path
from recovery.accounts.sign_in import sign_in_of
from recovery.restore.context import Context
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.state_tar import deciding_files
from recovery.velociraptor.stored_names import same_user

WORDS = "locked, which no backup keeps"


def locked_users(context: Context, *points: Manifest | None) -> set[str]:
    """By the first of ``points`` whose state tells of users; names as a server compares them."""
    for point in points:
        if point is not None and "state" in point.parts:
            return {
                same_user(known[2])
                for state in point.state
                if state.org == ROOT  # a server looks for users nowhere else
                for file in deciding_files(context.fetch(state.tar))
                if (known := account_path(file.path)) and known[:2] == ("users", ROOT)
                if sign_in_of(file.read()).locked
            }
    return set()
