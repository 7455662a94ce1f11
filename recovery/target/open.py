"""From a target's URI to the target."""

from urllib.parse import parse_qs, urlsplit

from recovery.errors import BadInputError
from recovery.target.protocol import Target

_FORMS = "docker://CONTAINER, ssh://[user@]host[:port] or local://"


def open_target(uri: str) -> Target:
    """The target that ``uri`` names; nothing is contacted before its first use.

    ``ssh://`` logs in as root where no user is named; any other user needs sudo without a
    password there. It takes ``?identity=FILE&known_hosts=FILE`` for a key and a host-key file other
    than the user's own. Raises :class:`BadInputError` for any other form.
    """
    parts = urlsplit(uri)
    try:
        port = parts.port
    except ValueError as wrong:
        raise BadInputError(f"{wrong}", target=uri, hint=f"use {_FORMS}") from wrong
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if unknown := set(query) - {"identity", "known_hosts"}:
        raise BadInputError(
            f"unknown option {', '.join(sorted(unknown))}", target=uri, hint=f"use {_FORMS}"
        )
    if parts.scheme == "docker" and parts.netloc:
        from recovery.target.docker import DockerTarget  # noqa: PLC0415 - its SDK loads slowly

        return DockerTarget(parts.netloc)
    if parts.scheme == "ssh" and parts.hostname:
        from recovery.target.ssh import SshTarget  # noqa: PLC0415

        return SshTarget(
            parts.hostname,
            user=parts.username or "root",
            port=port or 22,
            identity=query.get("identity"),
            known_hosts=query.get("known_hosts"),
        )
    if parts.scheme == "local":
        from recovery.target.local import LocalTarget  # noqa: PLC0415

        return LocalTarget()
    raise BadInputError(f"not a target: {uri!r}", target=uri, hint=f"use {_FORMS}")
