"""Users and their rights out of a backup's ACL records (facts: the ACL provider restores none)."""

import zipfile
from collections.abc import Collection

from recovery.errors import ServerError
from recovery.velociraptor.api import Api
from recovery.velociraptor.backup_file import read_rows
from recovery.velociraptor.portions import ask_in_portions

_CREATE = """
SELECT user_create(user=Name, roles=Policy.roles) AS Created,
       user_grant(user=Name, policy=Policy) AS Granted
FROM foreach(row=parse_json_array(data=Users))
"""


def create_users(
    api: Api,
    archive: zipfile.ZipFile,
    org: str,
    allowed: Collection[tuple[str, str]] | None = None,
) -> int:
    """Creates the users of ``org`` with their policies; how many. Passwords are in no backup.

    Each org's are created from inside that org: the ACL record's own list of orgs names
    the captured server's. ``allowed``: (org, user) that may come back, None for all.
    """
    acls = read_rows(archive, f"orgs/{org}/acls.json")
    users = [
        {"Name": name, "Policy": acl["Policy"]}
        for acl in acls
        if (name := acl["Principal"]["name"]) and (allowed is None or (org, name) in allowed)
    ]
    made = [
        row
        for row in ask_in_portions(api, _CREATE, "Users", users, org)
        if row["Created"] and row["Granted"]
    ]
    if len(made) != len(users):
        raise ServerError(f"org {org}: {len(made)} of {len(users)} users were accepted")
    return len(users)
