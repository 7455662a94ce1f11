"""Step: the hold is lifted, the service starts, the API answers."""

import time

from recovery.errors import ServerError
from recovery.restore.context import Context
from recovery.restore.hold_service import release_argv
from recovery.restore.step import Report
from recovery.velociraptor.config import SERVICE
from recovery.verify.addresses import port_owners

_LOOK = 5.0
_PORT_SECONDS = 30.0
"""For the clients' port, which a server opens after its API."""
# The service's own user, then who listens where.
_WHO = """stat -c %u "/proc/$(systemctl show -p MainPID --value "$1")" || exit 1
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null || :"""


def start_service(context: Context) -> Report:
    """Starts (again: a no-op on a running server) and waits until a query is answered.

    Raises :class:`ServerError` with the service's last log lines as soon as it has failed, or
    when it doesn't answer within the request's ``ready_timeout`` seconds, or its clients' port
    is not its own: a server whose port is taken goes on without it (seen on a real one), and no
    name may be switched to that.
    """
    started = time.monotonic()
    context.target.run(release_argv())
    limit = context.request.ready_timeout
    context.facts["frontend_port"] = str(context.config.frontend_port)
    while True:
        try:
            context.api().wait_ready(min(_LOOK, limit))
        except ServerError as silent:
            if time.monotonic() - started >= limit or _has_failed(context):
                raise _with_last_words(context, silent) from silent
        else:
            _wait_for_port(context)
            return Report(f"answers after {time.monotonic() - started:.1f} s")


def _wait_for_port(context: Context) -> None:
    port = context.config.frontend_port
    deadline = time.monotonic() + _PORT_SECONDS
    while True:
        told = context.target.run(["sh", "-c", _WHO, "who", SERVICE], check=False).text
        user, _, tables = told.partition("\n")
        owners = port_owners(tables, port)
        if user.isdigit() and int(user) in owners:
            return
        if time.monotonic() >= deadline:
            break
        time.sleep(0.2)
    taken = f"port {port} is another program's" if owners else f"nothing listens on port {port}"
    refused = ServerError(
        f"{taken}: the server runs, and no client reaches it",
        hint=f"free the port (`ss -ltnp 'sport = :{port}'` there tells whose it is), restart "
        f"{SERVICE}, then run the same command again; no name was switched",
    )
    raise _with_last_words(context, refused)


def _has_failed(context: Context) -> bool:
    """True once the service's process has ended badly, even if systemd will try it again."""
    show = ["systemctl", "show", SERVICE, "-p", "Result", "--value"]
    return context.target.run(show).text not in ("success", "")


def _with_last_words(context: Context, silent: ServerError) -> ServerError:
    journal = ["journalctl", "-u", SERVICE, "-n", "8", "--no-pager", "-o", "cat"]
    log = context.target.run(journal, check=False).text
    return ServerError(f"{silent.message}\n  its last words: {log or 'none'}", hint=silent.hint)
