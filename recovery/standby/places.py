"""Where a standby keeps its own things on both machines; root's alone."""

from recovery.restore.journal import FOLDER

ROOM = f"{FOLDER}/standby"
KEY = f"{ROOM}/key"
KNOWN_HOSTS = f"{ROOM}/known_hosts"
SERVE = f"{ROOM}/serve"
ROLE = f"{ROOM}/role"
LOCK = f"{ROOM}/lock"
LAST_SYNC = f"{ROOM}/last-sync.json"
CHECKED = f"{ROOM}/checked.json"
MARK = f"{ROOM}/mark"
GUARD = f"{ROOM}/guard"
GUARD_UNTIL = f"{ROOM}/guard-until"
DEADLINE = f"{ROOM}/deadline"
