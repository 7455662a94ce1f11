"""What a recovery is asked to do: frozen, typed, checked once at the edge."""

from datetime import UTC, datetime
from typing import Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    field_validator,
    model_validator,
)

from recovery.errors import BadInputError
from recovery.refused_values import reason
from recovery.restore.choice import VELOCIRAPTORS_NAMES, Choice, Provider
from recovery.vault.manifest import Part
from recovery.velociraptor.inventory import digest
from recovery.verify.facts import DnsFacts

Group = Literal["server", "collections", "proof", "standby"]
"""``standby``: a spare machine, its package installed and its service held;
``server``: machine to serving (steps before DNS); ``collections``: archives after DNS;
``proof``: checks, comparison, report."""


class RestoreRequest(BaseModel):
    """One recovery. JSON in and out, so that it can be a Pulumi resource's inputs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    target: str
    """URI of the machine (``docker://…``, ``ssh://…``, ``local://``)."""
    vault: str = ""
    """URI of the vault; empty for a first deployment from a package alone."""
    point: str = ""
    """The recovery point's id; empty: the newest."""
    repository: str = ""
    """Where the complete copies are (strategy ``datastore``); empty: as the point says."""
    package: str = ""
    """Path of a server package for a first deployment, when there is no recovery point."""
    strategy: list[Part] = ["state", "collections"]
    """What is brought back; ``redeploy`` is always part of it."""
    deployment: str = ""
    """When given: the only deployment fingerprint that is accepted."""
    hunts: Literal["paused", "released"] = "paused"
    """Whether hunts that were running come back paused or running."""
    accounts: str = "unchanged"
    """Who may come back: ``unchanged`` since the point before (everybody, where none was captured
    before); ``known`` to it, and nobody else; ``all`` as captured; or the path of an approval, or
    of rules."""
    orgs: list[str] = []
    """Ids of the orgs that come back; empty: every one."""
    providers: list[Provider] = []
    """The kinds of things that come back; empty: every one."""
    users: list[str] = []
    artifacts: list[str] = []
    only_hunts: list[str] = []
    """Names (ids for hunts), with wildcards, of those that come back; empty: every one."""
    flows_since: datetime | None = None
    """Archives of flows that were last active before this are left out."""
    flows_until: datetime | None = None
    """Archives of flows that were active after this are left out."""
    over_running_server: bool = False
    """Whether a server that runs there, with clients of its own, may be stopped and replaced."""
    dns: DnsFacts | None = None
    """When given, the proof holds the name to the new address."""
    client_wait: float | None = None
    """Seconds the proof waits for the clients; None: until each has had to poll."""
    clients_sent: bool = True
    """Whether somebody leads the clients to the machine; else that they are away is no finding."""
    ready_timeout: float = 120
    """Seconds that the server may take to answer after its start."""

    @field_validator("providers", mode="before")
    @classmethod
    def _names_of_providers(cls, names: list[str]) -> list[str]:
        """Velociraptor's own names (``ACL``, ``ClientInfo`` …) are understood too."""
        return [VELOCIRAPTORS_NAMES.get(name.lower(), name.lower()) for name in names]

    @field_validator("strategy")
    @classmethod
    def _something(cls, parts: list[Part]) -> list[Part]:
        """A script's unset variable would bring back a server without anything on it."""
        if not parts:
            raise ValueError("it names no part; the package alone is `redeploy`")
        return parts

    @field_validator("flows_since", "flows_until")
    @classmethod
    def _in_utc(cls, moment: datetime | None) -> datetime | None:
        """A time without a zone is UTC, like every time in a recovery point."""
        return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        """A range in which no time is would silently leave every flow out."""
        if self.flows_since and self.flows_until and self.flows_since > self.flows_until:
            raise ValueError("flows_since is after flows_until: no flow is in between")
        return self

    @property
    def asked_for(self) -> str:
        """What decides about the content of the datastore, as one short word.

        Accounts are no part of it: more of them can be let in later.
        """
        placed = sorted({"state", "backup", "datastore"} & set(self.strategy))
        later = {"flows_since", "flows_until", "users"}
        return digest([placed, self.choice.model_dump(mode="json", exclude=later)])

    @property
    def choice(self) -> Choice:
        """What is wanted back, where not everything."""
        return Choice(
            orgs=self.orgs,
            providers=self.providers,
            users=self.users,
            artifacts=self.artifacts,
            hunts=self.only_hunts,
            flows_since=self.flows_since,
            flows_until=self.flows_until,
        )


class Outcome(BaseModel):
    """What a step did. ``detail`` names things with numbers, for the terminal and the report."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    step: str
    status: Literal["done", "already done", "skipped"]
    detail: str = ""
    seconds: float = 0.0
    findings: list[str] = []


class GroupResult(BaseModel):
    """What a group of steps did; ``facts`` are small outputs (no secrets)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    group: Group
    outcomes: list[Outcome]
    facts: dict[str, str] = {}

    def with_outcome(self, outcome: Outcome) -> Self:
        """Itself and one more, of what was done right after its steps."""
        return self.model_copy(update={"outcomes": [*self.outcomes, outcome]})


def parse_request(**values: object) -> RestoreRequest:
    """A request from what the operator gave; :class:`BadInputError` names the first mistake."""
    try:
        return RestoreRequest.model_validate(values)
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"][:1]) or "request"
        why, given = reason(name, first), f"{first['input']!r}"
        raise BadInputError(
            f"{given} can't be used: {why}" if first["loc"] and given not in why else why,
            target=name,
            hint="see `recovery restore --help`",
        ) from None
