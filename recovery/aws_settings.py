"""The settings of a machine on AWS: what is bought, who may reach it, what is protected."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

_WIDEST = {4: 8, 6: 29}
"""The widest ranges (prefix length) that may reach GUI and SSH: a provider's, not the world."""


def split_words(value: object) -> object:
    """A list from ``"state,collections"``: Pulumi's command line sets strings."""
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    return value


def _range(text: str) -> str:
    return str(_network(text))


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text, strict=True)
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no range of addresses, like 192.0.2.0/24") from None


def _narrow(text: str) -> str:
    network = _network(text)
    if network.prefixlen < _WIDEST[network.version]:
        raise ValueError(
            f"{text} is open to half the world; name the ranges that administrators come from"
        )
    return str(network)


Ranges = Annotated[tuple[Annotated[str, AfterValidator(_range)], ...], BeforeValidator(split_words)]
NarrowRanges = Annotated[
    tuple[Annotated[str, AfterValidator(_narrow)], ...], BeforeValidator(split_words)
]


class AwsSettings(BaseModel):
    """Region and credentials are the AWS provider's own (``aws:region``, ``AWS_PROFILE``)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ami: str = Field(default="", pattern=r"^(ami-[0-9a-f]{8,17})?$")
    """Empty: the newest Debian 12 of Debian's own account."""
    instance_type: str = Field(default="t3.medium", pattern=r"^[a-z0-9-]+\.[a-z0-9]+$")
    vpc: str = Field(default="", pattern=r"^(vpc-[0-9a-f]+)?$")
    """Empty: a VPC of its own."""
    subnet: str = Field(default="", pattern=r"^(subnet-[0-9a-f]+)?$")
    """A public subnet of that VPC."""
    entry: Literal["elasticIp", "loadBalancer"] = "elasticIp"
    """What the clients reach: the machine itself, or a network load balancer before it."""
    frontend_port: int = Field(default=8000, ge=1, le=65535)
    gui_port: int = Field(default=8889, ge=1, le=65535)
    clients_from: Ranges = ("0.0.0.0/0", "::/0")
    admins_from: NarrowRanges = ()
    """Ranges that may reach GUI and SSH; the operator's own must be among them."""
    root_size: int = Field(default=20, ge=10, le=16384)
    """GiB."""
    volume_size: int = Field(default=100, ge=10, le=16384)
    """GiB of the datastore's volume; with a snapshot at least the snapshot's."""
    snapshot: str = Field(default="", pattern=r"^(snap-[0-9a-f]{8,17})?$")
    """Snapshot that the datastore's volume begins with."""
    kms_key: str = Field(default="", pattern=r"^(arn:\S+)?$")
    """ARN of the key for both volumes; empty: the account's own EBS key."""
    zone_id: str = Field(default="", pattern=r"^[A-Z0-9]*$")
    """Route 53 zone; empty: looked up by dnsZone."""
    health_check: bool = False
    """A Route 53 health check of the frontend's port."""
    protect: bool = True
    """The datastore's volume survives `pulumi destroy` (it must be unprotected first)."""
