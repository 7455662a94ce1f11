"""Users (one list a server) and their rights (one policy a user and org)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from server_app.datastore import records
from server_app.services.directory import (
    SUPERUSER,
    Directory,
    check_name,
    hash_password,
    password_fits,
)
from server_app.services.errors import ServiceError
from server_app.services.roles import PERMISSIONS, ROLES, Policy, effective

if TYPE_CHECKING:
    from server_app.services.org import OrgServices

Rows = list[dict[str, Any]]
Records = list[records.Record]
Members = list["OrgServices"]
Strings = list[str]


def _checked(policy: Policy) -> Policy:
    """The permissions of a policy. Raises ServiceError for fields that are none.

    Roles that are no list are lost without a word (seen on a real server): `["x"]` inside dict()
    collapses to such a scalar (facts: API).
    """
    valid = sorted([*PERMISSIONS.values(), "all_query", "publish_queues", "roles"])
    invalid = sorted(set(policy) - set(valid) - {"super_user"})
    if invalid:
        raise ServiceError(
            f"Parsing Policy: Invalid policy fields: [{' '.join(invalid)}]. "
            f"Valid fields are [{' '.join(valid)}]"
        )
    lists: Policy = {key: policy[key] for key in ("roles", "publish_queues") if key in policy}
    kept = {key: value for key, value in lists.items() if isinstance(value, list)}
    left_out = {*lists, "super_user"}
    flags = {key: bool(value) for key, value in policy.items() if key not in left_out}
    return {**flags, **kept}


class Users:
    """Users as one org sees them."""

    def __init__(self, org: OrgServices) -> None:
        self._org = org

    @property
    def _directory(self) -> Directory:
        return self._org.server.directory

    def exists(self, user: str) -> bool:
        return self._directory.get(user) is not None

    def policy(self, user: str) -> Policy:
        """The policy as stored in this org, {} if there is none."""
        return self._org.store.load("Policy", "acl", user) or {}

    def may(self, user: str, *permissions: str) -> bool:
        """Has the user one of these rights here, and only roles that there are?"""
        roles = self.policy(user).get("roles") or []
        known = user == SUPERUSER or all(role in ROLES for role in roles)
        return known and any(self.has_permission(user, permission) for permission in permissions)

    def has_policy(self, user: str) -> bool:
        """Is there a record of its rights, be it an empty one?"""
        return self._org.store.exists("acl", user)

    def effective_policy(self, user: str) -> Policy:
        if user == SUPERUSER:
            return {"super_user": True}
        return effective(self.policy(user), in_root=self._org.is_root)

    def set_policy(self, user: str, policy: Policy) -> None:
        """Replaces the policy in this org. Raises ServiceError.

        The rights of an administrator of orgs are the root org's alone: elsewhere they are left out
        (seen in recorded call 56).
        """
        if not self._org.is_root:
            policy = {key: value for key, value in policy.items() if key != "org_admin"}
            roles = policy.get("roles") or []
            policy["roles"] = [role for role in roles if role != "org_admin"]
        try:
            self._org.store.save("Policy", records.compact("Policy", policy), "acl", user)
        except OSError as error:
            raise ServiceError(str(error)) from error

    def has_permission(self, user: str, permission: str) -> bool:
        policy = self.effective_policy(user)
        return bool(policy.get(PERMISSIONS[permission]) or policy.get("super_user"))

    def member_orgs(self, user: str) -> Members:
        """The orgs that the user sees: all, for one who may make orgs."""
        server = self._org.server
        if server.org("").users.may(user, "ORG_ADMIN"):
            return [server.org(org_id) for org_id in server.orgs.ids()]
        orgs = map(server.org, server.orgs.ids())
        return [org for org in orgs if org.users.may(user, "SERVER_ADMIN", "READ_RESULTS")]

    def list(self, all_orgs: bool, principal: str) -> Iterator[dict[str, Any]]:
        """Rows of gui_users(); other orgs' users only for one who may administrate orgs.

        Who may not read results is left out.
        """
        server = self._org.server
        org_ids = server.orgs.ids() if all_orgs else [self._org.org_id]
        sees_all = server.org("").users.has_permission(principal, "ORG_ADMIN")
        for record in self._directory.all():
            for org_id in sorted(org_ids):
                org = server.org(org_id)
                readable = sees_all or org.users.has_permission(principal, "READ_RESULTS")
                if readable and org.users.may(record["name"], "READ_RESULTS"):
                    yield org.users.row(record)

    def row(self, record: records.Record) -> dict[str, Any]:
        """One row of gui_users() and user()."""
        policy = self.policy(record["name"])
        known = all(role in ROLES for role in policy.get("roles") or [])
        stats = record.get("stats")
        return {
            "name": record["name"],
            "org_id": self._org.org_id,
            "org_name": self._org.name,
            "picture": record.get("picture", ""),
            "email": bool(record.get("verified_email")),
            "stats": records.full("UserStats", stats) if stats else None,
            "roles": policy.get("roles") or None,
            "_policy": policy,
            "effective_policy": self.effective_policy(record["name"]) if known else None,
        }

    def get(self, user: str, org_id: str = "") -> dict[str, Any]:
        """The row of one user. Raises ServiceError if there is none."""
        record = {"name": user} if user == SUPERUSER else self._known(user)
        org = self._org.server.org(org_id) if org_id else self._org
        return org.users.row(record)

    def _known(self, user: str) -> records.Record:
        record = self._directory.get(user)
        if record is None:
            raise ServiceError(f"User not found: {user}")
        return record

    def create(
        self,
        user: str,
        roles: Strings,
        *,
        password: str | None = None,
        orgs: Strings | None = None,
    ) -> str:
        """Makes or updates a user; its policy in these orgs is replaced.

        The policies come first, org by org: an unknown org ends it in the middle.
        """
        record = self._directory.get(user) or {"name": user}
        if not user:
            raise ServiceError("Must set a username")
        check_name(user)
        self._give(record["name"], {"roles": roles}, orgs)
        self._directory.put(hash_password(record, password) if password else record)
        return user

    def _give(self, name: str, policy: Policy, orgs: Strings | None) -> None:
        for org_id in orgs or [self._org.org_id]:
            self._org.server.org(org_id).users.set_policy(name, policy)

    def grant(
        self,
        user: str,
        *,
        roles: Strings | None = None,
        orgs: Strings | None = None,
        policy: Policy | None = None,
    ) -> str:
        """Replaces the policy of a user in these orgs, one after the other."""
        if policy is None and not roles:
            raise ServiceError("You must provide either roles or a policy object")
        check_name(user)
        wanted = _checked(policy or {})
        wanted["roles"] = list(dict.fromkeys([*wanted.get("roles", []), *(roles or [])]))
        self._give(self._known(user)["name"], wanted, orgs)
        return user

    def delete(self, user: str, *, orgs: Strings | None = None, really_do_it: bool = False) -> Rows:
        """Takes the user's rights in these orgs; who then has none left is removed.

        Orgs in which the user has no rights, unknown ones too, are passed over.
        """
        check_name(user)
        name = self._known(user)["name"]
        wanted = orgs or [self._org.org_id]
        taken = [org for org in self.member_orgs(name) if org.org_id in wanted]
        if really_do_it:
            members = self.member_orgs(name)
            for org in taken:
                org.users.set_policy(name, {})
            if len(taken) >= len(members):
                self._directory.remove(name)
        return [{"org_id": org.org_id, "username": user} for org in taken]

    def passwd(self, user: str, password: str) -> str:
        check_name(user)
        self._directory.put(hash_password(self._known(user), password))
        return user

    def password_is(self, user: str, password: str) -> bool:
        """Does the password open this account?"""
        return password_fits(self._known(user), password)

    def record(self, user: str, *, with_hashes: bool) -> dict[str, Any]:
        """What `user show` prints."""
        if user == SUPERUSER and not with_hashes:
            return {"name": user}
        record = dict(self._known(user))
        for secret in ("password_hash", "password_salt"):
            value = record.pop(secret, b"")
            if with_hashes:
                record[secret] = value
        shown = records.compact("User", record)
        orgs = [{"name": org.name, "id": org.org_id} for org in self.member_orgs(user)]
        return {**shown, "orgs": orgs} if orgs else shown

    def add_roles(self, user: str, roles: Strings) -> None:
        """The first half of `user add`: an old account loses what it had. Raises ServiceError."""
        try:
            check_name(user)
        except ServiceError as error:
            raise ServiceError(f"add user: {error}") from error
        for role in roles:
            if role not in ROLES:
                raise ServiceError(f"Invalid role {role}")
        if user:
            self.set_policy(user, {"roles": list(dict.fromkeys(roles))})

    def add(self, user: str, password: str) -> None:
        """The second half: straight to disk, unseen by a running server."""
        try:
            self._directory.put(hash_password({"name": user}, password))
        except ServiceError as error:
            raise ServiceError(f"Unable to set user account: {error}") from error

    def grant_cli(self, user: str, policy: Policy, merge: bool) -> None:
        """What `acl grant` does."""
        self.set_policy(user, {**self.policy(user), **policy} if merge else policy)

    def touch(self, user: str, ip: str) -> None:
        self._directory.touch(user, ip)
