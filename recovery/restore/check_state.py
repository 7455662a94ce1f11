"""Is an org's state what a server wrote? Looked at whole before anything is changed.

Rights are read, as strictly, where accounts are reviewed (:mod:`recovery.accounts.read_accounts`).
"""

from pathlib import Path

from recovery.accounts.read_accounts import SERVER_ITSELF, account_path
from recovery.accounts.sign_in import sign_in_of
from recovery.errors import BadInputError
from recovery.restore.check_zip import NEXT
from recovery.restore.state_files import is_hunt, is_known_hunt
from recovery.velociraptor.state_tar import deciding_files
from recovery.velociraptor.stored_names import same_user, shortened


def check_state(tar: Path, name: str, server: str = SERVER_ITSELF) -> None:
    """Every file by its name (:func:`deciding_files`), and the records of users and hunts.

    ``server``: how the server calls itself. Raises :class:`BadInputError`.
    """
    for file in deciding_files(tar, name):
        known = account_path(file.path)
        wrong = ""
        if known and known[0] == "users":
            wrong = wrong_user(known[2], file.read(), server)
        elif is_hunt(file.path) and not is_known_hunt(file.read()):
            wrong = "no record of a hunt"
        if wrong:
            raise BadInputError(f"{name} holds {wrong}: {file.path!r}", hint=NEXT)


def wrong_user(user: str, record: bytes, server: str = SERVER_ITSELF) -> str:
    """What is wrong with the record of ``user``, by its file; empty when nothing is. Pure.

    A server lets in whom the file is called after, with the password in it, and then goes by the
    name in it (read in its source): of another one, that one's rights. By its own name it is the
    server itself, which may do anything.
    """
    if not record:
        return ""  # of a full disk: nobody's
    name = sign_in_of(record).name
    if not name:
        return "no record of a user"
    if same_user(name) != same_user(user) and shortened(name) != user:
        return f"the record of another user, {name!r}"
    if same_user(name) in {same_user(server), same_user(SERVER_ITSELF)}:
        return "a user with the server's own name"
    return ""
