"""What a vault costs a month: list prices of S3 Standard in us-east-1, late 2025.

An estimate to choose by. A folder costs nothing but its disk; of an S3 that isn't Amazon's the
prices aren't known here, and no price is guessed.
"""

from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

GB = 10**9
_S3_STORED = 0.023
_S3_OUT = 0.09


@dataclass(frozen=True)
class Prices:
    """Dollars: ``stored`` a GB and month, ``out`` a GB that a recovery reads; None: not known."""

    vault: str
    stored: float | None
    out: float | None


def prices_of(vault: str, stored: float | None, out: float | None) -> Prices:
    """By the vault's kind; ``stored`` and ``out`` given by the operator go first."""
    uri = urlsplit(vault)
    if not vault:
        return Prices("none named (--vault), so nothing is priced", stored, out)
    if uri.scheme != "s3":
        kind, known = "folder", (0.0, 0.0)
    elif "endpoint" in parse_qs(uri.query):
        return Prices("S3, not Amazon's", stored, out)
    else:
        kind, known = "S3 Standard, list price", (_S3_STORED, _S3_OUT)
    return Prices(
        kind,
        known[0] if stored is None else stored,
        known[1] if out is None else out,
    )


def dollars(size: float, price: float | None) -> float | None:
    """``size`` in bytes."""
    return None if price is None else round(size / GB * price, 2)
