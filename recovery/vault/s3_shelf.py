"""A shelf in an S3 bucket, by obstore: AWS, or any server that speaks S3.

``s3://BUCKET/PREFIX?endpoint=URL&region=NAME&sse=aws:kms&kms_key=ID&style=path|host``. Credentials
come as AWS's own tools take them (environment, instance profile), never by the URI.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO, Any, cast
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import (
    AlreadyExistsError,
    BaseError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import S3Store

from recovery.errors import BadInputError, VaultError
from recovery.vault.age_file import Piece
from recovery.vault.object_lock import ObjectLock
from recovery.vault.shelf import Entry, LockedError, NotOnShelfError

_PART = 16 << 20
_AT_ONCE = 4
_OPTIONS = {"endpoint", "region", "sse", "kms_key", "style"}
_STYLES = {"path", "host"}
_NO_CREDENTIALS = "169.254.169.254"
"""The cloud's metadata service: asked for credentials only where the environment has none."""


def open_s3(uri: str) -> "S3Shelf":
    """The shelf for an ``s3://`` URI.

    Raises :class:`BadInputError` for unknown options, and for credentials in it: whatever is said
    of the vault names its URI.
    """
    parts = urlsplit(uri)
    query = {
        name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()
    }
    endpoint, place = query.get("endpoint", ""), f"s3://{parts.netloc}{parts.path}"
    if "@" in parts.netloc or "@" in endpoint:
        raise BadInputError(
            "there are credentials in it",
            target=f"s3://…@{parts.netloc.rpartition('@')[2]}",
            hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY instead; the ones in it are in "
            "your shell's history now",
        )
    if empty := sorted(name for name, value in query.items() if not value):
        raise BadInputError(
            f"{', '.join(empty)} is empty",
            target=place,
            hint="give it a value, or leave it out (a variable that was not set?)",
        )
    if unknown := sorted(set(query) - _OPTIONS):
        raise BadInputError(
            f"unknown option {', '.join(unknown)}",
            target=place,
            hint=f"known are {', '.join(sorted(_OPTIONS))}",
        )
    style = query.get("style", "path" if endpoint else "host")
    if style not in _STYLES:
        raise BadInputError(f"unknown style {style!r}", target=place, hint="path or host")
    settings: dict[str, Any] = {
        "region": query.get("region", "us-east-1"),
        "virtual_hosted_style_request": style == "host",
        # Buckets with object lock ask for a checksum with every upload.
        "checksum_algorithm": "sha256",
    }
    if endpoint:
        settings["endpoint"] = endpoint
    if "sse" in query:
        settings["aws_server_side_encryption"] = query["sse"]
    if "kms_key" in query:
        settings["aws_sse_kms_key_id"] = query["kms_key"]
    store = S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=cast("Any", settings),
        client_options={"allow_http": endpoint.startswith("http://"), "timeout": "1h"},
        retry_config={"max_retries": 5, "retry_timeout": timedelta(minutes=2)},
    )
    lock = ObjectLock(
        parts.netloc,
        parts.path.strip("/"),
        endpoint=endpoint,
        region=settings["region"],
        style=style,
    )
    return S3Shelf(store, lock, uri=uri)


class S3Shelf:
    """Objects of a bucket below a prefix."""

    names_late = False

    def __init__(self, store: Any, lock: ObjectLock, *, uri: str) -> None:
        self._store = store
        self._lock = lock
        self.uri = uri

    def write_as(self, choose: Callable[[], str], pieces: Iterable[Piece]) -> int:
        """S3 doesn't rename: the name must be known before."""
        return self.write(choose(), pieces)

    def write(self, name: str, pieces: Iterable[Piece]) -> int:
        counted = _Counted(pieces)
        try:
            obstore.put(
                self._store, name, counted.pieces(), chunk_size=_PART, max_concurrency=_AT_ONCE
            )
        except BaseError as refused:
            raise self.failure("write", name, refused) from refused
        return counted.size

    def create(self, name: str, content: bytes) -> bool:
        """By ``If-None-Match: *``: the storage itself refuses the second one."""
        try:
            obstore.put(self._store, name, content, mode="create", use_multipart=False)
        except (AlreadyExistsError, FileExistsError):
            return False
        except BaseError as refused:
            raise self.failure("write", name, refused) from refused
        return True

    @contextmanager
    def read(self, name: str) -> Iterator[IO[bytes]]:
        try:
            pieces = iter(obstore.get(self._store, name).stream(min_chunk_size=1 << 20))
        except (NotFoundError, FileNotFoundError) as missing:
            raise NotOnShelfError(name) from missing
        except BaseError as refused:
            raise self.failure("read", name, refused) from refused
        with io.BufferedReader(_Pieces(pieces, self, name), 1 << 20) as stream:
            yield stream

    def size(self, name: str) -> int | None:
        try:
            return int(obstore.head(self._store, name)["size"])
        except (NotFoundError, FileNotFoundError):
            return None
        except BaseError as refused:
            raise self.failure("look at", name, refused) from refused

    def entries(self, prefix: str) -> Iterator[Entry]:
        found = []
        try:
            for page in obstore.list(self._store, f"{prefix}/"):
                found += [Entry(item["path"], item["size"], item["last_modified"]) for item in page]
        except BaseError as refused:
            raise self.failure("list", prefix, refused) from refused
        yield from sorted(found, key=lambda entry: entry.name)

    def remove(self, name: str) -> None:
        # A locked object in a versioned bucket would only be hidden, and that is a loss as well.
        if until := self._lock.holds(name):
            raise LockedError(f"{name} is locked: {until}")
        try:
            obstore.delete(self._store, name)
        except (NotFoundError, FileNotFoundError):
            return
        except (PermissionDeniedError, UnauthenticatedError) as locked:
            raise LockedError(str(locked)) from locked
        except BaseError as refused:
            raise self.failure("remove", name, refused) from refused

    def settle(self) -> None:
        """A finished upload is durable."""

    def failure(self, what: str, name: str, cause: Exception) -> VaultError:
        """The error to raise for what the storage refused."""
        if _NO_CREDENTIALS in str(cause):
            return VaultError(
                f"can't {what} {name}: there are no credentials for S3 here",
                step="vault",
                target=self.uri,
                hint="set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (this machine is no cloud "
                "instance with a role); earlier recovery points are as they were",
            )
        return VaultError(
            f"can't {what} {name}: {_said(cause)}",
            step="vault",
            target=self.uri,
            hint="check the bucket's name, the endpoint, the credentials and their rights; "
            "earlier recovery points are as they were",
        )


_STATUS = re.compile(r"status code: (\d{3} [A-Z][A-Za-z ]+)")
_ANSWERS = {"403": "the storage refuses these credentials", "404": "there is no such bucket"}


def _said(cause: Exception) -> str:
    """What the storage said, without the library's trace and the answer's XML."""
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    if status := _STATUS.search(str(cause)):
        words = _ANSWERS.get(status[1][:3])
        return f"{words} ({status[1]})" if words else f"the storage answers {status[1]}"
    if "error sending request" in str(cause):
        return "the storage does not answer"
    return lines[0][:300] if lines else type(cause).__name__


class _Counted:
    """Hands pieces on, and counts their bytes."""

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self._pieces = pieces
        self.size = 0

    def pieces(self) -> Iterator[Piece]:
        """One empty piece at least: empty content is an object as well."""
        yield b""
        for piece in self._pieces:
            self.size += len(piece)
            yield piece


class _Pieces(io.RawIOBase):
    """An iterator of byte pieces as a readable stream."""

    def __init__(self, pieces: Iterator[Any], shelf: S3Shelf, name: str) -> None:
        super().__init__()
        self._pieces = pieces
        self._shelf = shelf
        self._name = name
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            try:
                self._rest = memoryview(bytes(next(self._pieces)))
            except StopIteration:
                return 0
            except BaseError as broken:
                raise self._shelf.failure("read", self._name, broken) from broken
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size
