"""What every switch can do, whatever it is made of. Who switches knows nothing more."""

from typing import Protocol


class Switch(Protocol):
    """The one place that decides which server the clients reach.

    Every method may ask the network, and raises :class:`recovery.errors.TargetError` when the
    switch can't be reached or refuses, :class:`recovery.errors.BadInputError` when what it was
    made of can't be used.
    """

    @property
    def name(self) -> str:
        """How the operator knows it, e.g. ``velociraptor.example (DNS)``; safe to print."""

    @property
    def ttl(self) -> int:
        """Seconds for which clients may go on to the old address after :meth:`to`; 0 for none."""

    def current(self) -> str:
        """The address that clients are sent to now; empty when there is none."""

    def to(self, address: str) -> None:
        """Sends the clients to ``address``, and to nowhere else. Safe to repeat.

        Returns once the switch itself says so; :attr:`ttl` seconds later everyone does.
        """
