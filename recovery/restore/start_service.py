"""Step: the hold is lifted, the service starts, the API answers."""

import time

from recovery.errors import ServerError
from recovery.restore.context import Context
from recovery.restore.hold_service import release_argv
from recovery.restore.step import Report
from recovery.velociraptor.clients_port import wait_for_port
from recovery.velociraptor.config import SERVICE
from recovery.velociraptor.identity_providers import way_out
from recovery.velociraptor.secrets_key import has_variable, secrets_variable

_LOOK = 5.0


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
                raise _with_last_words(context, silent, way_out(context.config)) from silent
        else:
            _wait_for_port(context)
            said = f"answers after {time.monotonic() - started:.1f} s"
            return Report(said, findings=unreadable_secrets(context))


def unreadable_secrets(context: Context) -> list[str]:
    """Secrets that come back with the state, and that this machine's service has no key for."""
    name = secrets_variable(context.config)
    kept = context.manifest.inventory.orgs.values() if context.has_point else ()
    if not name or not any(items.get("secrets") for items in kept) or not context.wants("state"):
        return []
    if has_variable(context.target, name):
        return []
    finding = (
        f"secrets: the config says that their key is in the service's environment ({name}), and it "
        f"isn't there: none can be read; set it by `systemctl edit {SERVICE}` "
        f"(Environment={name}=…), and restart the service"
    )
    return [finding]


def _wait_for_port(context: Context) -> None:
    port = context.config.frontend_port
    if why := wait_for_port(context.target, port):
        raise _with_last_words(context, _unreached(why, port))


def _unreached(why: str, port: int) -> ServerError:
    return ServerError(
        f"{why}: the server runs, and no client reaches it",
        hint=f"free the port (`ss -ltnp 'sport = :{port}'` there tells whose it is), restart "
        f"{SERVICE}, then run the same command again; no name was switched",
    )


def _has_failed(context: Context) -> bool:
    """True once the service's process has ended badly, even if systemd will try it again."""
    show = ["systemctl", "show", SERVICE, "-p", "Result", "--value"]
    return context.target.run(show).text not in ("success", "")


def _with_last_words(context: Context, silent: ServerError, way: str = "") -> ServerError:
    journal = ["journalctl", "-u", SERVICE, "-n", "8", "--no-pager", "-o", "cat"]
    log = context.target.run(journal, check=False).text
    hint = f"{way}; then run the same command again" if way else silent.hint
    return ServerError(f"{silent.message}\n  its last words: {log or 'none'}", hint=hint)
