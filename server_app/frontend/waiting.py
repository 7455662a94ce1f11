"""Clients that wait for work with an open request, and waking them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server_app.services import OrgServices


class Waiting:
    """One event a connected client; other threads wake through the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: dict[tuple[str, str], asyncio.Event] = {}
        self._known: set[str] = set()

    def attend(self, org: OrgServices) -> None:
        """From now on, the org's dispatcher wakes its clients here."""
        if org.org_id not in self._known:
            self._known.add(org.org_id)
        org_id = org.org_id

        def wake(client_id: str) -> None:
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._wake, org_id, client_id)

        org.dispatch.wake = wake

    def _wake(self, org_id: str, client_id: str) -> None:
        for (of_org, of_client), event in self._events.items():
            if of_org == org_id and client_id in {"", of_client}:
                event.set()

    def wake_all(self) -> None:
        for event in self._events.values():
            event.set()

    def event(self, org_id: str, client_id: str) -> asyncio.Event:
        """The client's event, cleared: what happens from now on sets it."""
        event = self._events.setdefault((org_id, client_id), asyncio.Event())
        event.clear()
        return event
