"""What a promotion did, in numbers, for whoever tells it."""

from dataclasses import dataclass, field

from recovery.restore.request import Outcome


@dataclass
class Promotion:
    """What a promotion did. ``rpo``: seconds of work that the old server did and the new one
    lacks, at most; ``served``: seconds from the beginning until the clients were back.
    """

    old: str
    new: str
    epoch: int = 0
    rpo: float | None = None
    served: float | None = None
    clients: int = 0
    back: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
