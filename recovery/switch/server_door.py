"""Does a server answer at an address? One TLS handshake; who it is, its clients check themselves.

(They trust only their own deployment's CA, and its frontend's pinned name: a wrong server gets
no client, however the name resolves.)
"""

import socket
import ssl

_TIMEOUT = 10.0


def answers(address: str, port: int) -> str:
    """Empty when TLS is spoken there, else what went wrong."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=_TIMEOUT) as plain,
            context.wrap_socket(plain),
        ):
            return ""
    except OSError as refused:
        return str(refused.strerror or refused)
