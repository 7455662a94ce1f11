"""Where complete copies are kept, in the operator's words and in restic's.

``/path`` (a folder of the machine on which restic runs: a mounted share or disk),
``s3://BUCKET/PREFIX?endpoint=URL&region=NAME&style=path|host``, or
``sftp://user@host[:port]/path?identity=FILE&known_hosts=FILE``. No secret is in any of them: the
password and the storage's credentials come by file or environment.
"""

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, urlsplit

from recovery.errors import BadInputError

VARIABLE = "RECOVERY_REPOSITORY"
PASSWORD = "RESTIC_PASSWORD"  # noqa: S105 - a variable's name, restic's own
PASSWORD_FILE = "RESTIC_PASSWORD_FILE"  # noqa: S105
_FORMS = "/path, s3://BUCKET/PREFIX?endpoint=URL, or sftp://user@host/path?identity=FILE"
_OPTIONS = {
    "s3": {"endpoint", "region", "style"},
    "sftp": {"identity", "known_hosts"},
    "": set[str](),
}
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_DEFAULT_REGION",
)
_HOST = re.compile(r"[A-Za-z0-9._-]+")
IDENTITY, KNOWN_HOSTS = "identity", "known_hosts"


@dataclass(frozen=True)
class Repository:
    """``uri``: as given, safe to print; ``name``: as restic wants it; ``options``: for ``-o``.

    ``files``: role → file of this machine that the machine with restic needs beside it.
    """

    uri: str
    name: str
    options: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    _ssh: tuple[str, ...] = ()

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of the machine on which restic runs."""
        return not self._ssh and not self.name.startswith("s3:")

    def argv(self, folder: str) -> list[str]:
        """Restic's own arguments; ``folder`` is where :attr:`files` lie by their roles."""
        words = ["--repo", self.name]
        options = list(self.options)
        if self._ssh:
            ssh = list(self._ssh)
            for role, option in ((IDENTITY, "IdentityFile"), (KNOWN_HOSTS, "UserKnownHostsFile")):
                if role in self.files:
                    ssh[1:1] = ["-o", f"{option}={folder}/{role}"]
            options.append(f"sftp.command={shlex.join(ssh)}")
        return words + [word for option in options for word in ("-o", option)]


def parse_repository(uri: str) -> Repository:
    """The repository that ``uri`` names; nothing is contacted.

    Raises :class:`BadInputError` for another form, an unknown option, or a password in it.
    """
    parts = urlsplit(uri)
    scheme = "" if parts.scheme == "file" else parts.scheme
    query = {
        name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
    }
    if scheme not in _OPTIONS or not uri:
        raise BadInputError(f"not a repository: {uri!r}", target="--repository", hint=_FORMS)
    if parts.password:
        raise BadInputError(
            "a password in the repository's address would be seen by everyone",
            target="--repository",
            hint="sftp takes a key: ?identity=FILE; S3 takes AWS_SECRET_ACCESS_KEY",
        )
    if unknown := sorted(set(query) - _OPTIONS[scheme]):
        raise BadInputError(
            f"unknown option {', '.join(unknown)}", target="--repository", hint=_FORMS
        )
    if empty := sorted(name for name, value in query.items() if not value):
        raise BadInputError(
            f"the option {', '.join(empty)} is empty", target="--repository", hint=_FORMS
        )
    if scheme == "s3":
        return _s3(uri, parts, query)
    if scheme == "sftp":
        return _sftp(parts, query)
    if not parts.path.startswith("/") or parts.netloc:
        raise BadInputError(
            f"not a whole path: {uri!r}",
            target="--repository",
            hint="it is looked up on the machine on which restic runs, so it begins with /",
        )
    return Repository(parts.path, parts.path)


def check_repository(uri: str) -> None:
    """That a repository is named and its password given, before anything is begun.

    Raises :class:`BadInputError`.
    """
    parse_repository(uri)
    secrets_of(os.environ)


def _s3(uri: str, parts: SplitResult, query: Mapping[str, str]) -> Repository:
    endpoint = query.get("endpoint", "https://s3.amazonaws.com").rstrip("/")
    if not parts.netloc:
        raise BadInputError("no bucket in it", target="--repository", hint=_FORMS)
    where = "/".join(part for part in (parts.netloc, parts.path.strip("/")) if part)
    options = []
    if query.get("region"):
        options.append(f"s3.region={query['region']}")
    style = query.get("style", "path" if "endpoint" in query else "")
    if style:
        options.append(f"s3.bucket-lookup={'path' if style == 'path' else 'dns'}")
    return Repository(uri, f"s3:{endpoint}/{where}", tuple(options))


def _sftp(parts: SplitResult, query: Mapping[str, str]) -> Repository:
    user, host = parts.username or "root", parts.hostname or ""
    # They become words of a command line: nothing that could begin an option or a second word.
    if not _HOST.fullmatch(host) or not _HOST.fullmatch(user) or host[0] == "-" or user[0] == "-":
        raise BadInputError("no user and host in it", target="--repository", hint=_FORMS)
    if len(parts.path) < 2:  # noqa: PLR2004 - a slash and something
        raise BadInputError("no path in it", target="--repository", hint=_FORMS)
    files = {role: Path(query[role]).expanduser() for role in _OPTIONS["sftp"] if role in query}
    for role, file in files.items():
        if not file.is_file():
            raise BadInputError(f"no such {role} file", target=str(file))
    ssh = ["ssh", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes"]
    ssh += ["-o", "IdentitiesOnly=yes"] if IDENTITY in files else []
    ssh += ["-p", str(parts.port or 22), "-l", user, host, "-s", "sftp"]
    plain = f"sftp://{user}@{host}" + (f":{parts.port}" if parts.port else "") + parts.path
    return Repository(plain, f"sftp:{user}@{host}:{parts.path}", (), files, tuple(ssh))


def secrets_of(environment: Mapping[str, str]) -> dict[str, str]:
    """What restic needs to know in secret, as variables for its own environment.

    The password from ``RESTIC_PASSWORD_FILE`` (only its owner may read it) or
    ``RESTIC_PASSWORD``; S3's credentials as AWS's tools take them. Raises :class:`BadInputError`.
    """
    found = {name: environment[name] for name in _CREDENTIALS if environment.get(name)}
    file = environment.get(PASSWORD_FILE, "")
    if file:
        found[PASSWORD] = _read_password(Path(file).expanduser())
    elif environment.get(PASSWORD):
        found[PASSWORD] = environment[PASSWORD]
    else:
        raise BadInputError(
            "the repository's password is not given",
            target=PASSWORD_FILE,
            hint=f"set {PASSWORD_FILE} to a file (0600) that holds it; keep a copy outside: "
            "without it no copy can ever be read",
        )
    return found


def _read_password(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text().rstrip("\n")
    except OSError as refused:
        raise BadInputError(
            f"the password can't be read: {refused.strerror}", target=str(path)
        ) from refused
    if mode & 0o077:
        raise BadInputError("others can read it", target=str(path), hint=f"`chmod 600 {path}`")
    if not text:
        raise BadInputError("it is empty", target=str(path))
    return text
