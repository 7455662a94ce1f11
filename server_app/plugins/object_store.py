"""upload_s3(): one signed PUT to any server that speaks S3 (AWS Signature Version 4)."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import http.client
import re
import ssl
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

from server_app.plugins.accessors import AccessError, located, need, open_path
from server_app.vql.call import CallError
from server_app.vql.paths import OSPath
from server_app.vql.registry import Call, function, optional

Arguments = dict[str, Any]

SECRET_TYPE = "AWS S3 Creds"  # noqa: S105 - the name of a type
_FROM_SECRET = (
    "region", "credentials_key", "credentials_secret", "credentials_token", "endpoint",
    "serverside_encryption", "kms_encryption_key", "s3upload_root", "bucket",
)  # fmt: skip


@function(
    "upload_s3",
    {
        "file": optional("any"),
        "name": optional("string", ""),
        "accessor": optional("string", ""),
        "bucket": optional("string", ""),
        "region": optional("string", ""),
        "credentials_key": optional("string", ""),
        "credentials_secret": optional("string", ""),
        "credentials_token": optional("string", ""),
        "endpoint": optional("string", ""),
        "serverside_encryption": optional("string", ""),
        "kms_encryption_key": optional("string", ""),
        "s3upload_root": optional("string", ""),
        "skip_verify": optional("bool", False),
        "path_style": optional("bool", False),
        "secret": optional("string", ""),
    },
    changes=True,
    log_name="upload_S3",
)
def upload_s3(call: Call, arguments: Arguments) -> dict[str, Any]:
    """Uploads a file; a failed upload is a row with `Error`, an unreadable file NULL (facts)."""
    call.log(
        "DEBUG:upload_s3 is built with the minio library. "
        "For full features rebuild with the `sumo` option"
    )
    given = dict(arguments)
    if not isinstance(given["file"], OSPath | str):
        raise CallError("Field file is required")
    if not given["bucket"]:  # also where a secret names one
        raise CallError("Field bucket is required")
    if given["secret"]:
        if call.run.org is None:
            raise CallError("Secrets may only be used on the server")
        stored = call.org.secrets.get(given["secret"], SECRET_TYPE, call.principal)
        given.update({name: stored[name] for name in _FROM_SECRET if stored.get(name)})
    need(call, "NETWORK")
    path = located(given["file"], given["accessor"])
    key = given["s3upload_root"] + (given["name"] or str(path))
    try:
        with open_path(call, path) as file:
            digest, size = _measure(file)
        file = open_path(call, path)
    except AccessError as error:
        raise CallError(f"Unable to open {path}: {error}") from error
    call.log(f"upload_S3: Uploading {key} to {given['bucket']}")
    row = {"Path": "", "Size": 0, "UploadId": 0}
    with file:
        try:
            check_bucket(given["bucket"])
            _put(Destination.of(given, key), file, size, digest, given)
        except (OSError, http.client.HTTPException, ValueError) as error:
            text = _go_fault(error, given)
            call.fail(text)
            return {"Path": "", "Size": 0, "Error": text, "UploadId": 0}
    return {**row, "Size": size}


def _go_fault(error: Exception, given: Arguments) -> str:
    """A failure in the words of the real uploader, which asks for the bucket's place first."""
    if isinstance(error, ConnectionRefusedError):
        host = urlsplit(given["endpoint"]).netloc
        asked = f'Get "{given["endpoint"].rstrip("/")}/{given["bucket"]}/?location="'
        return f"{asked}: dial tcp {host}: connect: connection refused"
    return (isinstance(error, OSError) and error.strerror) or str(error)


SHORTEST_BUCKET = 3


def check_bucket(name: str) -> None:
    """Raises ValueError for a name that no bucket may have."""
    if len(name) < SHORTEST_BUCKET:
        raise ValueError(f"Bucket name cannot be shorter than {SHORTEST_BUCKET} characters")


def _measure(file: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    while block := file.read(1024 * 1024):
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size


@dataclass(frozen=True)
class Destination:
    """Where one object goes: host, path, and whether over TLS."""

    secure: bool
    host: str
    path: str
    region: str

    @classmethod
    def of(cls, given: Arguments, key: str) -> Destination:
        """The bucket within the path (path style) or before the host's name."""
        region = given["region"] or "us-east-1"
        url = urlsplit(given["endpoint"] or f"https://s3.{region}.amazonaws.com")
        if url.scheme not in ("http", "https") or not url.netloc:
            raise ValueError(f"endpoint {given['endpoint']!r} is not an http or https URL")
        path = "/" + quote(key, safe="/-_.~")
        # An endpoint of one's own has no names for its buckets (the real uploader tells by it).
        if given["path_style"] or given["endpoint"]:
            return cls(url.scheme == "https", url.netloc, f"/{given['bucket']}{path}", region)
        return cls(url.scheme == "https", f"{given['bucket']}.{url.netloc}", path, region)


def _put(target: Destination, file: BinaryIO, size: int, digest: str, given: Arguments) -> None:
    """Sends the object; ValueError with the server's own message if it refuses."""
    headers = {"Host": target.host, "x-amz-content-sha256": digest}
    if given["credentials_token"]:
        headers["x-amz-security-token"] = given["credentials_token"]
    if given["serverside_encryption"]:
        headers["x-amz-server-side-encryption"] = given["serverside_encryption"]
    if given["kms_encryption_key"]:
        headers["x-amz-server-side-encryption-aws-kms-key-id"] = given["kms_encryption_key"]
    if given["credentials_key"]:
        sign(headers, target, given["credentials_key"], given["credentials_secret"], _now())
    connection = _connect(target, skip_verify=given["skip_verify"])
    try:
        connection.request(
            "PUT", target.path, body=file, headers={**headers, "Content-Length": str(size)}
        )
        response = connection.getresponse()
        body = response.read(65536).decode("utf-8", "replace")
        if response.status >= http.client.MULTIPLE_CHOICES:
            message = re.search(r"<Message>([^<]+)</Message>", body)
            raise ValueError(message[1] if message else f"{response.status} {response.reason}")
    finally:
        connection.close()


def _connect(target: Destination, *, skip_verify: bool) -> http.client.HTTPConnection:
    if not target.secure:
        return http.client.HTTPConnection(target.host, timeout=300)
    context = ssl.create_default_context()
    if skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(target.host, timeout=300, context=context)


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def sign(
    headers: dict[str, str], target: Destination, key: str, secret: str, now: dt.datetime
) -> None:
    """Adds date and Authorization to the headers of a PUT (Signature Version 4, service s3)."""
    stamp = f"{now:%Y%m%dT%H%M%SZ}"
    headers["x-amz-date"] = stamp
    names = sorted(headers, key=str.lower)
    signed = ";".join(name.lower() for name in names)
    lines = "".join(f"{name.lower()}:{headers[name].strip()}\n" for name in names)
    request = "\n".join(["PUT", target.path, "", lines, signed, headers["x-amz-content-sha256"]])
    scope = f"{stamp[:8]}/{target.region}/s3/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    signing = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        signing = hmac.digest(signing, part.encode(), "sha256")
    signature = hmac.digest(signing, text.encode(), "sha256").hex()
    headers["Authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={key}/{scope},SignedHeaders={signed},Signature={signature}"
    )
