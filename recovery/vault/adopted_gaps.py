"""What a folder of old material lacks of the server itself, in the words of a point's gaps.

Where archives alone are added to a server that serves, none of it is missing.
"""

PASSWORDS = "passwords of users: no backup has them; each user needs a new one"
SETTINGS = "client and server metadata, monitoring tables, secrets: no backup has them"
NO_BACKUP = "users, labels, artifacts, hunts, notebooks: there is no usable backup"
NONCE = "its nonce; its clients are refused until it is put back"
NAME = "its name; it comes back under its id"
NAMED_FILE = "put it on the new machine before the recovery"


def is_of_the_server(gap: str) -> bool:
    """Whether a gap is one of these, and none of an archive."""
    ends = tuple(f": {what}" for what in (NONCE, NAME, NAMED_FILE))
    return gap in (PASSWORDS, SETTINGS, NO_BACKUP) or gap.endswith(ends)
