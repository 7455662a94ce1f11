"""The drill's network: internal, so that nothing in it can reach anything outside."""

import random
import socket
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import islice
from pathlib import Path

import docker.errors
from docker.types import IPAMConfig, IPAMPool

from recovery.drill.engine import engine, in_words
from recovery.drill.names import Run
from recovery.errors import TargetError

_RANGE = IPv4Network("10.64.0.0/10")
_PREFIX = 24
_TRIES = 8
_ROUTES = Path("/proc/net/route")


@dataclass(frozen=True)
class Isolated:
    """The network's name, and its addresses."""

    name: str
    subnet: IPv4Network

    def address(self, number: int) -> str:
        """The ``number``-th address; the engine gives out the low ones itself."""
        return str(self.subnet[number])


def make_network(run: Run, *, ipv6: bool = False) -> Isolated:
    """Makes the network on a subnet that nobody here uses; with ``ipv6`` it has one of these too.

    Raises :class:`TargetError` when the engine refuses, or no subnet is free.
    """
    taken = [*host_routes(_ROUTES), *_docker_subnets()]
    subnets = free_subnets(taken, random.Random(run.ident))  # noqa: S311 - spreads, hides nothing
    for subnet in islice(subnets, _TRIES):
        if _created(run, subnet, ipv6=ipv6):
            return Isolated(run.prefix, subnet)
    raise TargetError(
        f"no free /{_PREFIX} network was found in {_RANGE}",
        target="docker networks",
        hint="`docker network ls` shows them; `recovery clean` removes leftovers of drills",
    )


def local6(run: Run) -> str:
    """A /64 of the run's own among the addresses that are nobody's (RFC 4193)."""
    return f"fd{run.ident[:2]}:{run.ident[2:]}::/64"


def free_subnets(taken: Iterable[IPv4Network], spread: random.Random) -> Iterator[IPv4Network]:
    """Subnets that overlap none of ``taken``, in an order of the run's own."""
    known = list(taken)
    candidates = list(_RANGE.subnets(new_prefix=_PREFIX))
    spread.shuffle(candidates)
    return (one for one in candidates if not any(one.overlaps(other) for other in known))


def host_routes(table: Path) -> list[IPv4Network]:
    """The networks that this machine routes, the default route apart; none where it can't tell."""
    if not table.exists():
        return []
    found = []
    for line in table.read_text().splitlines()[1:]:
        words = line.split()
        net, mask = (socket.inet_ntoa(struct.pack("<L", int(words[i], 16))) for i in (1, 7))
        if mask != "0.0.0.0":  # noqa: S104 - the default route's mask, nothing is bound
            found.append(IPv4Network(f"{net}/{mask}", strict=False))
    return found


def _docker_subnets() -> list[IPv4Network]:
    with in_words("networks"):
        networks = engine().api.networks()
    configs = [one for net in networks for one in (net.get("IPAM") or {}).get("Config") or []]
    subnets = [str(one["Subnet"]) for one in configs if one.get("Subnet")]
    return [IPv4Network(subnet) for subnet in subnets if ":" not in subnet]


def _created(run: Run, subnet: IPv4Network, *, ipv6: bool) -> bool:
    """False when another drill took the subnet in between."""
    subnets = [str(subnet), *([local6(run)] if ipv6 else [])]
    ipam = IPAMConfig(pool_configs=[IPAMPool(subnet=one) for one in subnets])
    with in_words(run.prefix):
        try:
            engine().networks.create(
                run.prefix,
                internal=True,
                ipam=ipam,
                enable_ipv6=ipv6,
                labels=run.labels("network"),
            )
        except docker.errors.APIError as refused:
            if "overlap" in str(refused.explanation).lower():
                return False
            raise
    return True
