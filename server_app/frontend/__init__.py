"""What clients and browsers reach: HTTPS for clients, metrics, the GUI's door."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from server_app.services import Server


def serve(server: Server, stop: threading.Event, ready: Callable[[], None]) -> None:
    """Serves until `stop` is set; calls `ready` once every port listens.

    Raises OSError where a port is taken.
    """
    from server_app.frontend.listeners import serve as listen

    listen(server, stop, ready)
