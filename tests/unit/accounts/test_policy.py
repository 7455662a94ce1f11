"""Rules for recoveries that nobody watches."""

import pytest

from recovery.accounts.approve import approve
from recovery.accounts.policy import Policy, let_in, refusal
from recovery.accounts.read_accounts import Account
from recovery.accounts.review import review
from recovery.errors import BadInputError


def account(name, *roles, org="root"):
    return Account(org, name, {"roles": list(roles)})


BEFORE = [account("ann", "reader"), account("bob", "reader"), account("root", "administrator")]
NOW = [
    account("ann", "reader"),
    account("bob", "administrator"),
    account("root", "administrator"),
    account("new", "reader"),
    account("evil", "org_admin", org="O1"),
]


def names(policy):
    return [found.name for found in let_in(policy, review(NOW, BEFORE))]


def test_the_default_is_the_strictest():
    assert sorted(names(Policy())) == ["ann", "root"]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ({"names": "any"}, ["ann", "new", "root"]),
        ({"names": "any", "administrators": "any"}, ["ann", "evil", "new", "root"]),
        ({"changed_rights": True}, ["ann", "root"]),
        ({"changed_rights": True, "administrators": ["bob"]}, ["ann", "bob"]),
        ({"names": ["a*", "new"]}, ["ann", "new"]),
        ({"names": "any", "administrators": "any", "deny": ["e*", "root"]}, ["ann", "new"]),
    ],
)
def test_rules(rules, expected):
    assert sorted(names(Policy(**rules))) == expected


def test_why_somebody_is_held_back_has_words():
    found = {item.account.name: refusal(Policy(), item) for item in review(NOW, BEFORE)}
    assert found == {
        "ann": "",
        "root": "",
        "bob": "a new administrator",
        "new": "a new name",
        "evil": "a new name",
    }


def test_rules_in_a_file(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("names: any\nadministrators: known\ndeny: [new]\n")
    found = approve(str(rules), review(NOW, BEFORE), "d")
    assert sorted(account.name for account in found) == ["ann", "root"]


def test_rules_may_be_meant_for_one_deployment(tmp_path):
    rules = tmp_path / "rules.yaml"
    rules.write_text("names: any\ndeployment: other\n")
    with pytest.raises(BadInputError, match="another deployment"):
        approve(str(rules), review(NOW, BEFORE), "d")
