"""Settings of a stack that belong together: a container, a machine that exists, the DNS name."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from recovery.setting_forms import NAME, machine


class FrozenSettings(BaseModel):
    """Unknown keys are refused; nothing changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DockerSettings(FrozenSettings):
    """A systemd container as the machine."""

    image: str = ""
    """Image with systemd; empty: ``$RECOVERY_BASE_IMAGE``, else what `make setup` made."""
    network: str = "bridge"
    resolver: str = ""
    """Address of the name server that the container asks; empty: the engine's own choice."""
    prefix: str = Field(default="velociraptor", pattern=r"^[a-zA-Z0-9][a-zA-Z0-9_.-]*$")
    """The container's name begins with it; a random end makes every replacement another one."""
    connect: Literal["docker", "ssh"] = "docker"
    """How the steps reach it: by the engine's API, or by its sshd with a known host key."""
    volume: bool = False
    """Keep the datastore in a volume of its own, which goes with the container."""
    run: str = ""
    """Value of the label ``velociraptor-recovery.run``, by which a drill's leftovers are found."""


class HostSettings(FrozenSettings):
    """A machine that exists already."""

    uri: Annotated[str, AfterValidator(machine)] = ""
    """``ssh://[user@]host[:port][?identity=FILE&known_hosts=FILE]`` or ``local://``."""
    address: str = ""
    """What the DNS record says; empty: the host of the URI, when that is an address."""


class DnsSettings(FrozenSettings):
    """Where the server's name is published."""

    kind: Literal["none", "rfc2136", "route53"] = "none"
    server: str = ""
    """The authoritative server that takes updates: ``ADDRESS``, ``ADDRESS:PORT``, ``[V6]:PORT``."""
    zone: str = Field(default="", pattern=NAME)
    """Empty: the name without its first label."""
    ttl: int = Field(default=60, ge=1, le=86400)
    """Seconds. Clients come back to the new address no sooner than this."""
    ipv6: bool = False
    """Publish the machine's IPv6 address as well: only where the frontend listens on IPv6."""
    key_name: str = ""
    key_secret: SecretStr = SecretStr("")
    """The TSIG key, base64."""
    key_algorithm: Literal["hmac-sha256", "hmac-sha384", "hmac-sha512", "hmac-sha224"] = (
        "hmac-sha256"
    )
