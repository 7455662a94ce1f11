"""What a plan costs a month, roughly: list prices of us-east-1, without traffic and tax.

An estimate to choose by, not a bill: prices differ by region and change; those here are of
late 2025. A line without a price says so instead of counting as nothing.
"""

from dataclasses import dataclass

from recovery.settings import Settings

HOURS = 730
_HOURLY = {
    "t3.small": 0.0208,
    "t3.medium": 0.0416,
    "t3.large": 0.0832,
    "t3.xlarge": 0.1664,
    "t3.2xlarge": 0.3328,
    "m6i.large": 0.096,
    "m6i.xlarge": 0.192,
    "m7i.large": 0.1008,
    "m7i.xlarge": 0.2016,
    "c6i.large": 0.085,
    "c6i.xlarge": 0.17,
    "r6i.large": 0.126,
    "r6i.xlarge": 0.252,
}
_GP3_GIB = 0.08
_ADDRESS_HOUR = 0.005
_BALANCER_HOUR = 0.0225
_BALANCER_UNIT_HOUR = 0.006
_CHECK = 0.75
_ZONE = 0.50


@dataclass(frozen=True)
class Line:
    """One thing that is paid for; ``dollars`` a month, None where the price isn't known here."""

    item: str
    dollars: float | None


def estimate(settings: Settings) -> list[Line]:
    """Every line of the plan."""
    aws = settings.aws
    hourly = _HOURLY.get(aws.instance_type)
    lines = [
        Line(f"instance {aws.instance_type}", None if hourly is None else hourly * HOURS),
        Line(f"system volume, {aws.root_size} GiB gp3", aws.root_size * _GP3_GIB),
        Line(f"datastore volume, {aws.volume_size} GiB gp3", aws.volume_size * _GP3_GIB),
        Line("public IPv4 address", _ADDRESS_HOUR * HOURS),
    ]
    if aws.entry == "loadBalancer":
        hour = _BALANCER_HOUR + _BALANCER_UNIT_HOUR
        lines.append(Line("network load balancer, one capacity unit", hour * HOURS))
        lines.append(Line("the balancer's public IPv4 address", _ADDRESS_HOUR * HOURS))
    if settings.dns.kind == "route53":
        lines.append(Line("Route 53 zone (shared with its other names)", _ZONE))
        if aws.health_check:
            lines.append(Line("health check", _CHECK))
    return lines


def total(lines: list[Line]) -> tuple[float, list[str]]:
    """The sum of the known prices, and the items without one."""
    known = sum(line.dollars for line in lines if line.dollars is not None)
    return round(known, 2), [line.item for line in lines if line.dollars is None]
