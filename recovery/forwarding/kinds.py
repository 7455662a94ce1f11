"""The kinds of receivers: the server's own artifact for each, its plugin, its type of secret.

Read in the artifacts' definitions and in the server's source, 0.77.2: the artifacts call
``elastic_upload()`` and ``splunk_upload()`` with credentials from their parameters, although both
plugins take a ``secret``. Parameters lie in clear in the monitoring table, for every reader of
it, and go into the audit log. So a copy of the artifact is used that names a secret instead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from recovery.errors import BadInputError

Name = Literal["elastic", "splunk"]


@dataclass(frozen=True)
class Kind:
    """``fields`` of the secret → the artifact's parameter for the same thing; empty for none."""

    name: Name
    artifact: str
    plugin: str
    secret_type: str
    url_field: str
    fields: Mapping[str, str]

    @property
    def own_artifact(self) -> str:
        """The copy that names a secret. Velociraptor itself calls an edited copy so."""
        return f"Custom.{self.artifact}"

    @property
    def secret(self) -> str:
        """The secret's name on the server."""
        return f"recovery-{self.name}"


KINDS: Mapping[str, Kind] = {
    "elastic": Kind(
        "elastic",
        "Elastic.Flows.Upload",
        "elastic_upload",
        "Elastic Creds",
        "addresses",
        {
            "addresses": "elasticAddresses",
            "username": "Username",
            "password": "Password",
            "api_key": "APIKey",
            "cloud_id": "CloudID",
            "root_ca": "RootCA",
            "skip_verify": "DisableSSLSecurity",
        },
    ),
    "splunk": Kind(
        "splunk",
        "Splunk.Flows.Upload",
        "splunk_upload",
        "Splunk Creds",
        "url",
        {
            "url": "url",
            "token": "token",
            "index": "index",
            "root_ca": "RootCerts",
            "skip_verify": "SkipVerify",
        },
    ),
}
_SECRET = frozenset({"password", "api_key", "token"})


@dataclass(frozen=True)
class Receiver:
    """Where results go, and by which credentials: ``values`` by the secret's fields."""

    kind: Kind
    values: Mapping[str, str] = field(repr=False)

    @property
    def where(self) -> str:
        """Safe to print."""
        return ", ".join(self.values[self.kind.url_field].splitlines())


def receiver(kind: str, url: str, given: Mapping[str, object]) -> Receiver:
    """From the options and the credentials' file; :class:`BadInputError` for what can't be used.

    Several addresses of an Elastic cluster are joined by commas in ``url``.
    """
    chosen = KINDS.get(kind)
    if chosen is None:
        raise BadInputError(
            f"not a receiver: {kind!r}", target="--forward", hint="elastic or splunk"
        )
    unknown = sorted(set(given) - set(chosen.fields))
    if unknown:
        raise BadInputError(
            f"{kind} knows no {', '.join(unknown)}",
            target="the credentials' file",
            hint=f"it may hold {', '.join(chosen.fields)}",
        )
    values = {name: _text(value) for name, value in given.items()}
    if url:
        values[chosen.url_field] = "\n".join(part.strip() for part in url.split(","))
    if kind == "splunk":
        values.setdefault("index", "velociraptor")
    for address in values.get(chosen.url_field, "").splitlines() or [""]:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.netloc or "@" in parts.netloc:
            raise BadInputError(
                f"not an http(s) address without credentials: {parts._replace(netloc='…').geturl()}"
                if "@" in parts.netloc
                else f"not an http(s) address: {address!r}",
                target="--forward-url",
                hint="https://elastic.example:9200, https://splunk.example:8088/services/collector",
            )
        if kind == "splunk" and not parts.path:
            # The server sends to the address as it is: an answer without a code or words then.
            raise BadInputError(
                f"a collector's address has a path: {address!r}",
                target="--forward-url",
                hint=f"{address}/services/collector; {address}/ where there really is none",
            )
    if not _SECRET & set(values) and not values.get("username"):
        raise BadInputError(
            "no credentials were given",
            target="--credentials",
            hint="a file (0600) of YAML: username and password, or api_key; token for Splunk",
        )
    return Receiver(chosen, values)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "Y" if value else ""
    if not isinstance(value, str | int):
        raise BadInputError("its values are words", target="the credentials' file")
    return str(value)
