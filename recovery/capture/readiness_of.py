"""Everything that readiness depends on, looked at once, in the order of a recovery."""

from datetime import UTC, datetime, timedelta

from recovery.capture.certificate_readiness import certificate_lines, named_lines, named_now
from recovery.capture.readiness import Line
from recovery.capture.server_readiness import drill_line, look_at_server, name_lines
from recovery.capture.vault_readiness import look_at_vault
from recovery.target import Target
from recovery.vault.shelf_vault import ShelfVault


def look(
    vault: ShelfVault,
    target: Target | None,
    config_path: str,
    rpo: timedelta,
    *,
    names: bool = True,
) -> list[Line]:
    """The lines of ``recovery status``. Without ``target`` the server itself isn't looked at."""
    now = datetime.now(UTC)
    lines, newest, config = look_at_vault(vault, rpo, now)
    if target:
        server, in_use = look_at_server(target, config_path, newest, now)
        lines += server
        config = in_use or config
    lines += named_lines(config, newest, named_now(config, newest, vault, target), now)
    lines += certificate_lines(config, now)
    if names:
        urls = config.server_urls if config else newest.server.server_urls if newest else []
        lines += name_lines(urls)
    lines.append(drill_line(now, newest.server.kind if newest else "velociraptor"))
    return lines
