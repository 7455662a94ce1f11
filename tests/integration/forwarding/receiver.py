"""A real HTTP receiver on loopback: Elastic's bulk API and Splunk's HTTP event collector.

It checks the credentials, reads what is sent as the real ones do, answers in their words, and
keeps every document.
"""

import base64
import gzip
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def events(text):
    """The JSON objects of an HEC body, one after the other without anything between."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
        while at < len(text) and text[at].isspace():
            at += 1
    return found


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_words):
        """Silent."""

    def do_GET(self):
        self._answer(200, {"version": {"number": "9.0.0"}, "tagline": "You Know, for Search"})

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = self._chunks()
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path.split("?")[0].endswith("/_bulk"):
            self._bulk(body.decode())
        elif self.path.startswith("/services/collector"):
            self._collect(body.decode())
        else:
            self._answer(404, {"error": "no such place"})

    def _chunks(self):
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _bulk(self, text):
        pair = base64.b64encode(
            f"{self.server.owner.user}:{self.server.owner.password}".encode()
        ).decode()
        if self.headers.get("Authorization") != f"Basic {pair}":
            self.server.owner.refused.append(self.headers.get("Authorization"))
            reason = "unable to authenticate user for REST request [/_bulk]"
            error = {"type": "security_exception", "reason": reason}
            self._answer(401, {"error": error, "status": 401})
            return
        lines = [json.loads(line) for line in text.splitlines() if line.strip()]
        items = []
        for action, document in zip(lines[::2], lines[1::2], strict=True):
            ((verb, place),) = action.items()
            status = 400 if self.server.owner.reject else 201
            item = {"_index": place["_index"], "_id": place["_id"], "status": status}
            if self.server.owner.reject:
                item["error"] = {
                    "type": "mapper_parsing_exception",
                    "reason": "failed to parse field [Message]",
                }
            else:
                self.server.owner.documents.append((place["_index"], document))
            items.append({verb: item})
        self._answer(200, {"took": 1, "errors": self.server.owner.reject, "items": items})

    def _collect(self, text):
        if self.headers.get("Authorization") != f"Splunk {self.server.owner.token}":
            self.server.owner.refused.append(self.headers.get("Authorization"))
            self._answer(403, {"text": "Invalid token", "code": 4})
            return
        for event in events(text):
            self.server.owner.documents.append((event.get("index"), event["event"]))
        self._answer(200, {"text": "Success", "code": 0})

    def _answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("X-Elastic-Product", "Elasticsearch")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Receiver:
    """``documents``: (index, document) as they came; ``refused``: who was turned away."""

    def __init__(self, address="127.0.0.1"):
        self.user = "velo"
        self.password, self.token = secrets.token_hex(8), secrets.token_hex(8)
        self.documents = []
        self.refused = []
        self.reject = False
        self._server = ThreadingHTTPServer((address, 0), Handler)
        self._server.daemon_threads = True
        self._server.owner = self
        self.url = f"http://{address}:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def messages(self):
        return [document.get("Message") for _, document in self.documents]

    def close(self):
        self._server.shutdown()
        self._server.server_close()
