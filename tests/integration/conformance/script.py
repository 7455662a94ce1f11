"""Scripts of questions to a server: `questions/*.vql`, one paragraph a step.

A paragraph is a query, or, after `$`, a command line of the server's binary, or, after `@`,
something done to the server. Lines before a query that start with `@` concern this query:

    @ org OACME         the org asked, until another is named (`@ org` alone: the root org)
    @ as reader         the API client asked, until another is named (`@ as` alone: the admin)
    @ env NAME=VALUE    a value that travels beside the query
    @ sort              the answer's rows have no fixed order
    @ let NAME          the first value of the answer is `{NAME}` from now on
    @ until             asked again until there is a row
    @ loose REASON      what comes depends on the machine: only columns and row count count

Steps: `@ restart`, `@ kill`, `@ start CLIENT [ORG]`, `@ stop CLIENT`, `@ user NAME ROLES`,
`@ write PATH TEXT`, `@ copy FROM TO`, `@ damage FROM MEMBER TO`, `@ fixture NAME TO`,
`@ cut FROM BYTES TO`, `@ drop PATH`, `@ settle`.
`{store}`, `{folder}`, `{config}`, `{api}` stand for this run's places.
"""

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

QUESTIONS = Path(__file__).parent / "questions"


@dataclass(frozen=True)
class Step:
    """One paragraph: `kind` is query, command or the name of what is done."""

    kind: str
    text: str
    org: str = ""
    user: str = ""
    env: dict[str, str] = field(default_factory=dict)
    sort: bool = False
    let: str = ""
    wait: bool = False
    loose: str = ""

    @property
    def asks(self) -> bool:
        """Is there an answer to compare?"""
        return self.kind in ("query", "command")


def read_script(text: str) -> list[Step]:
    """The steps of a script. Raises ValueError for a directive that is none."""
    steps: list[Step] = []
    org = user = ""
    for paragraph in re.split(r"\n\s*\n", text):
        lines = [line for line in paragraph.splitlines() if line and not line.startswith("#")]
        given: dict[str, object] = {}
        env: dict[str, str] = {}
        while lines and lines[0].startswith("@ "):
            word, _, rest = lines.pop(0)[2:].partition(" ")
            if word == "org":
                org = rest
            elif word == "as":
                user = rest
            elif word == "env":
                name, _, value = rest.partition("=")
                env[name] = value
            elif word in ("sort", "until"):
                given["sort" if word == "sort" else "wait"] = True
            elif word in ("let", "loose"):
                given[word] = rest
            else:
                steps.append(Step(word, rest))
        if lines:
            body = "\n".join(lines)
            kind = "command" if body.startswith("$") else "query"
            steps.append(Step(kind, body.removeprefix("$").lstrip(), org, user, env, **given))  # type: ignore[arg-type]
    unknown = {step.kind for step in steps} - {"query", "command"} - set(DEEDS)
    if unknown:
        raise ValueError(f"no such directive: {sorted(unknown)}")
    return steps


DEEDS = {
    "restart", "kill", "start", "stop", "user", "write", "copy", "damage", "fixture", "cut",
    "drop", "settle",
}  # fmt: skip


def words(text: str) -> list[str]:
    """A command line's words."""
    return shlex.split(text)


SCRIPTS = {path.stem: read_script(path.read_text()) for path in sorted(QUESTIONS.glob("*.vql"))}
