"""The few things on which front end and reference client agree. The protocol is their own.

Each request carries client id, nonce and an RSA signature over path, id, nonce and body. The
answers 403 (nonce of no org) and 406 (enrol first) are those of a real server.
"""

from __future__ import annotations

import hashlib

ENROL, POLL, UPLOAD, REPORT = "/enrol", "/poll", "/upload", "/report"
CLIENT_ID, NONCE, SIGNATURE, UPLOADED = (
    "X-Client-Id",
    "X-Client-Nonce",
    "X-Signature",
    "X-Uploaded",
)
PINNED_NAME = "VelociraptorServer"
LARGEST_BODY = 256 * 1024 * 1024
"""Bytes of one request: an uploaded file travels in one."""


def signed_part(path: str, client_id: str, nonce: str, about: str, body: bytes) -> bytes:
    """What a client signs: everything in the request that the server acts upon."""
    digest = hashlib.sha256(body).hexdigest()
    return f"{path}\n{client_id}\n{nonce}\n{about}\n{digest}".encode()
