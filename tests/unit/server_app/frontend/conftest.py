"""One client's connection made by hand."""

import base64
import http.client
import json
import socket
import ssl

import pytest

from server_app.client.identity import load_or_create
from server_app.frontend import protocol


@pytest.fixture
def context(recorded_config):
    return ssl.create_default_context(cadata=recorded_config["Client"]["ca_certificate"])


class ByHand:
    """Requests as a client makes them, each part open to tampering."""

    def __init__(self, server, context, path, nonce):
        self.identity = load_or_create(path)
        self.nonce, self._context, self._server = nonce, context, server

    def post(self, path, body=b"{}", **changed):
        client_id = changed.get("client_id", self.identity.client_id)
        signed = protocol.signed_part(path, client_id, self.nonce, "", changed.get("signed", body))
        headers = {
            protocol.CLIENT_ID: client_id,
            protocol.NONCE: self.nonce,
            protocol.SIGNATURE: changed.get("signature", self.identity.sign(signed)),
        }
        with socket.create_connection(("127.0.0.1", self._server.ports["Frontend"])) as plain:
            secure = self._context.wrap_socket(plain, server_hostname=protocol.PINNED_NAME)
            connection = http.client.HTTPSConnection("127.0.0.1")
            connection.sock = secure
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
        return answer.status, text

    def enrol(self):
        body = json.dumps({"public_key": self.identity.public_pem()}).encode()
        return self.post(protocol.ENROL, body)


@pytest.fixture
def by_hand(context, tmp_path):
    def make(server, nonce=None, name="wb.yaml"):
        return ByHand(server, context, tmp_path / name, nonce or server.org("").nonce)

    return make


@pytest.fixture
def basic():
    def header(user, password):
        packed = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {packed}"}

    return header
