"""Whether a policy allows what IAM is asked, by AWS's own reference of actions and keys.

What an identity policy without Deny needs of IAM's evaluation logic; a word that the judge
doesn't know is an error, never passed over. A condition on a key that the action lacks for this
type of resource never holds, though the policy's text looks as if it would.
"""

import re
from functools import cache
from typing import Any

from aws_double import reference
from aws_double.asks import Ask

_WORDS = {"Sid", "Effect", "Action", "Resource", "Condition"}


def refusal(policy: dict[str, Any], ask: Ask) -> str:
    """Why the policy doesn't allow it; empty when it does."""
    saying = [one for one in policy["Statement"] if _names(one, ask.action)]
    if not saying:
        return f"no identity-based policy allows the {ask.action} action"
    missing = [_unmet(one, ask) for one in saying]
    if all(missing):
        return f"{ask.action} on {ask.resource} is not allowed: {'; '.join(missing)}"
    return ""


def _names(statement: dict[str, Any], action: str) -> bool:
    unknown = set(statement) - _WORDS
    if unknown or statement["Effect"] != "Allow":
        raise ValueError(f"the judge doesn't know {unknown or statement['Effect']}")
    return any(_like(one.lower(), action.lower()) for one in _list(statement["Action"]))


def _unmet(statement: dict[str, Any], ask: Ask) -> str:
    resources = _list(statement["Resource"])
    if not any(_like(one, ask.resource) for one in resources):
        return f"{statement['Sid']} is for {', '.join(resources)}"
    for operator, wanted in statement.get("Condition", {}).items():
        for key, values in wanted.items():
            if why := _condition(operator, key, _list(values), ask):
                return why
    return ""


def _condition(operator: str, key: str, allowed: list[str], ask: Ask) -> str:
    there = ask.context.get(key, [])
    if not reference.action(ask.action).has_key(key, ask.kind):
        return f"{ask.action} has no key {key} on {ask.kind or 'anything'}"
    if operator == "ForAllValues:StringEquals":
        wrong = [one for one in there if one not in allowed]
        return f"{key} may be {', '.join(allowed)} only, not {', '.join(wrong)}" if wrong else ""
    matches = {"StringEquals": str.__eq__, "StringLike": lambda one, rule: _like(rule, one)}
    if operator not in matches:
        raise ValueError(f"the judge doesn't know {operator}")
    good = len(there) == 1 and any(matches[operator](there[0], rule) for rule in allowed)
    name = ask.resource.rpartition("/")[2]
    return "" if good else f"{name} doesn't have {key}={allowed[0]}"


@cache
def _pattern(rule: str) -> re.Pattern[str]:
    return re.compile(re.escape(rule).replace(r"\*", ".*").replace(r"\?", "."))


def _like(rule: str, text: str) -> bool:
    return bool(_pattern(rule).fullmatch(text))


def _list(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
