"""Role, its policy, and the instance profile."""

from typing import Any

from aws_double.account import Account
from aws_double.kinds.kind import Kind, gone, tags


class Role(Kind):
    token = "aws:iam/role:Role"
    makes_another = frozenset({"name"})
    named = "name"

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        account.client("iam").create_role(
            RoleName=given["name"],
            AssumeRolePolicyDocument=given["assumeRolePolicy"],
            Tags=tags(given),
        )
        return given["name"]

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = gone(lambda: account.client("iam").get_role(RoleName=ident))
        return seen and {"arn": seen["Role"]["Arn"], "uniqueId": seen["Role"]["RoleId"]}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        gone(lambda: account.client("iam").delete_role(RoleName=ident))


class RolePolicy(Kind):
    token = "aws:iam/rolePolicy:RolePolicy"
    makes_another = frozenset({"name", "role"})
    named = "name"

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        self.settle(account, "", given)
        return f"{given['role']}:{given['name']}"

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        account.client("iam").put_role_policy(
            RoleName=given["role"], PolicyName=given["name"], PolicyDocument=given["policy"]
        )

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        role, name = ident.split(":")
        seen = gone(lambda: account.client("iam").get_role_policy(RoleName=role, PolicyName=name))
        return seen and {}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        role, name = ident.split(":")
        gone(lambda: account.client("iam").delete_role_policy(RoleName=role, PolicyName=name))


class InstanceProfile(Kind):
    token = "aws:iam/instanceProfile:InstanceProfile"
    makes_another = frozenset({"name"})
    named = "name"

    def create(self, account: Account, name: str, given: dict[str, Any]) -> str:
        account.client("iam").create_instance_profile(
            InstanceProfileName=given["name"], Tags=tags(given)
        )
        return given["name"]

    def settle(self, account: Account, ident: str, given: dict[str, Any]) -> None:
        if given.get("role") and given["role"] not in self._roles(account, ident):
            account.client("iam").add_role_to_instance_profile(
                InstanceProfileName=ident, RoleName=given["role"]
            )

    def look(self, account: Account, ident: str, given: dict[str, Any]) -> dict[str, Any] | None:
        seen = self._get(account, ident)
        return seen and {"arn": seen["InstanceProfile"]["Arn"]}

    def delete(self, account: Account, ident: str, known: dict[str, Any]) -> None:
        for role in self._roles(account, ident):
            account.client("iam").remove_role_from_instance_profile(
                InstanceProfileName=ident, RoleName=role
            )
        gone(lambda: account.client("iam").delete_instance_profile(InstanceProfileName=ident))

    def _get(self, account: Account, ident: str) -> Any:
        iam = account.client("iam")
        return gone(lambda: iam.get_instance_profile(InstanceProfileName=ident))

    def _roles(self, account: Account, ident: str) -> list[str]:
        seen = self._get(account, ident)
        return [one["RoleName"] for one in seen["InstanceProfile"]["Roles"]] if seen else []
