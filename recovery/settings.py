"""The settings of a stack: frozen, typed, checked once, before anything is made.

Pulumi knows settings as flat camelCase keys (``recovery:dnsServer``); here they are one
:class:`Settings` with a group for each kind of machine and for DNS. The key of a grouped
setting is the group's name and the field's (``dns`` + ``server`` → ``dnsServer``); a group's
``kind`` has the group's name alone (``dns``).
"""

import difflib
import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
)
from pydantic.alias_generators import to_camel

from recovery.aws_settings import AwsSettings, split_words
from recovery.errors import BadInputError
from recovery.grouped_settings import DnsSettings, DockerSettings, FrozenSettings, HostSettings
from recovery.refused_values import reason, short
from recovery.setting_forms import (
    NAME,
    as_utc,
    host_of,
    moment,
    provider,
    wrong_address,
)
from recovery.vault.manifest import Part

BASE_IMAGE = "velociraptor-recovery-base:current"
_GROUPS = ("docker", "host", "dns", "aws")
_HINT = "`pulumi config` shows what is set; Pulumi.yaml describes every setting"


class Settings(FrozenSettings):
    """Everything that a stack can be told."""

    vault: str = ""
    point: str = ""
    package: str = ""
    strategy: Annotated[tuple[Part, ...], BeforeValidator(split_words)] = ("state", "collections")
    repository: str = ""
    """Where complete copies are (strategy datastore); empty: as the recovery point says."""
    standby: bool = False
    """Only a spare: the machine and the package, its service held, for `recovery standby`."""
    deployment: str = ""
    hunts: Literal["paused", "released"] = "paused"
    accounts: str = "unchanged"
    orgs: Annotated[tuple[str, ...], BeforeValidator(split_words)] = ()
    providers: Annotated[
        tuple[Annotated[str, AfterValidator(provider)], ...], BeforeValidator(split_words)
    ] = ()
    users: Annotated[tuple[str, ...], BeforeValidator(split_words)] = ()
    artifacts: Annotated[tuple[str, ...], BeforeValidator(split_words)] = ()
    only_hunts: Annotated[tuple[str, ...], BeforeValidator(split_words)] = ()
    flows_since: Annotated[str, AfterValidator(moment)] = ""
    flows_until: Annotated[str, AfterValidator(moment)] = ""
    over_running_server: bool = False
    """A server with clients that runs on the machine already may be stopped and replaced."""
    ready_timeout: float = Field(default=120, gt=0)
    name: str = Field(default="", pattern=NAME)
    """The server's DNS name."""
    machine: Literal["docker", "host", "aws"] = "docker"
    import_before_dns: bool = False
    datastore: str = Field(default="/var/lib/velociraptor", pattern=r"^/[a-zA-Z0-9._/-]+[^/]$")
    """The server's ``Datastore.location``, where a volume of its own is mounted."""
    folder: str = ""
    """Where the stack keeps its SSH key files; empty: a folder of the operator's own state."""
    docker: DockerSettings = DockerSettings()
    host: HostSettings = HostSettings()
    dns: DnsSettings = DnsSettings()
    aws: AwsSettings = AwsSettings()

    def checked(self) -> Self:
        """Itself, or :class:`BadInputError` when settings that need each other don't agree."""
        for wrong, message in (
            (
                not self.vault and not self.package,
                "neither vault nor package is set: `pulumi config set vault PATH`",
            ),
            (self.point and not self.vault, "point is set, but no vault to take it from"),
            (not self.strategy, "strategy names no part; the package alone is `redeploy`"),
            (
                bool(self.flows_since and self.flows_until)
                and as_utc(self.flows_since) > as_utc(self.flows_until),
                "flowsSince is after flowsUntil: no flow is in between",
            ),
            (self.machine == "host" and not self.host.uri, "machine is host, but hostUri is empty"),
            (
                self.machine == "aws" and not self.aws.admins_from,
                "machine is aws, but awsAdminsFrom is empty: nobody could reach it by SSH",
            ),
            (
                bool(self.aws.vpc) != bool(self.aws.subnet),
                "awsVpc and awsSubnet belong together; one of them is empty",
            ),
            (
                self.dns.kind == "route53" and not (self.aws.zone_id or self.dns.zone),
                "dns is route53, but neither awsZoneId nor dnsZone is set",
            ),
            (
                self.aws.entry == "loadBalancer" and self.dns.kind == "rfc2136",
                "a load balancer has no fixed address: awsEntry loadBalancer wants dns route53",
            ),
            (
                self.machine == "aws" and self.dns.ipv6 and bool(self.aws.vpc),
                "dnsIpv6 wants the stack's own network: in a given one the machine has IPv4 alone",
            ),
            (self.dns.kind != "none" and not self.name, "dns is set, but no name to publish"),
            (
                self.dns.kind == "rfc2136" and not self.dns.server,
                "dns is rfc2136, but dnsServer is empty",
            ),
            (
                bool(self.dns.key_name) != bool(self.dns.key_secret.get_secret_value()),
                "dnsKeyName and dnsKeySecret belong together; one of them is empty",
            ),
        ):
            if wrong:
                raise BadInputError(f"{message}", step="read the settings", hint=_HINT)
        for key, text in (
            ("dockerResolver", self.docker.resolver),
            ("dnsServer", host_of(self.dns.server)),
            ("hostAddress", self.host.address),
        ):
            if wrong_address(text):
                raise BadInputError(
                    f"recovery:{key} must be an IP address, not {short(text)!r}",
                    step="read the settings",
                    hint=_HINT,
                )
        return self


def base_image(given: str) -> str:
    """The image to start: the one given, else the environment's, else the one of `make setup`."""
    return given or os.environ.get("RECOVERY_BASE_IMAGE", "") or BASE_IMAGE


def keys() -> dict[str, tuple[str, str]]:
    """Every flat key, and the group (empty for none) and field that it sets."""
    flat: dict[str, tuple[str, str]] = {}
    for field, info in Settings.model_fields.items():
        if field not in _GROUPS:
            flat[to_camel(field)] = ("", field)
            continue
        group: type[BaseModel] = info.annotation  # type: ignore[assignment]
        for inner in group.model_fields:
            flat[field if inner == "kind" else to_camel(f"{field}_{inner}")] = (field, inner)
    return flat


def parse_settings(values: Mapping[str, str]) -> Settings:
    """Settings from Pulumi's flat keys (without ``recovery:``), all values as text.

    Raises :class:`BadInputError` for an unknown key (with the nearest valid name), a value
    of the wrong kind, or settings that don't agree. No value is repeated in the message
    of a secret setting.
    """
    known = keys()
    nested: dict[str, Any] = {}
    for key, value in values.items():
        if key not in known:
            raise _unknown(key, list(known))
        group, field = known[key]
        (nested.setdefault(group, {}) if group else nested)[field] = value
    try:
        return Settings.model_validate(nested).checked()
    except ValidationError as refused:
        raise _refused(refused) from None  # its text repeats the values, secrets too


def _unknown(key: str, known: list[str]) -> BadInputError:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    lower = {name.lower(): name for name in known}
    best = lower.get(key.lower()) or (near[0] if near else "")
    return BadInputError(
        f"there is no setting recovery:{key}"
        + (f"; did you mean recovery:{best}?" if best else ""),
        step="read the settings",
        hint=f"`pulumi config rm {key}`, then set the right one. " + _HINT,
    )


def _refused(error: ValidationError) -> BadInputError:
    first = error.errors(include_url=False)[0]
    path = tuple(str(part) for part in first["loc"])
    key = next(
        (
            flat
            for flat, (group, field) in keys().items()
            if path[: 2 if group else 1] == ((group, field) if group else (field,))
        ),
        ".".join(path),
    )
    return BadInputError(
        f"recovery:{key} can't be used: {reason(key, first)}", step="read the settings", hint=_HINT
    )
