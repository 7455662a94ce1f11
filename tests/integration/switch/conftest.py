"""Real switches on loopback: haproxy and knot as processes, moto's server in AWS's place."""

import os
import secrets
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from base64 import b64encode
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"


def program(name):
    found = shutil.which(name, path=_PATH)
    if not found:
        pytest.skip(f"no {name} on this machine; `python3 -m setup test` installs it")
    return found


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(ready, what):
    for _ in range(200):
        if ready():
            return
        time.sleep(0.05)
    raise AssertionError(what)


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def run(tmp_path):
    """Starts a process of the test's own, ended with it."""
    started = []

    def start(argv, **more):
        with (tmp_path / f"{len(started)}.log").open("wb") as log:
            started.append(subprocess.Popen(argv, stdout=log, stderr=log, **more))
        return started[-1]

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed one, with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "VelociraptorServer")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(private + made.public_bytes(Encoding.PEM))
    return path


class Frontend:
    """A TLS server that says who it is, and keeps the connection until the client ends it."""

    def __init__(self, address, port, word, certificate):
        self.address = address
        self._word = word
        self._open = []
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server((address, port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain):
        try:
            # A health check only connects: no TLS is begun with a peer that is gone again.
            if not plain.recv(1, socket.MSG_PEEK):
                plain.close()
                return
            with self._context.wrap_socket(plain, server_side=True) as secure:
                self._open.append(secure)
                secure.sendall(self._word)
                while secure.recv(100):
                    pass
        except OSError:
            plain.close()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._open:
            one.close()


@pytest.fixture
def frontends(certificate):
    """Three servers on one port of three loopback addresses: old, spare, new."""
    old = Frontend("127.0.0.1", 0, b"old", certificate)
    made = [old] + [
        Frontend(address, old.port, word, certificate)
        for address, word in (("127.0.0.2", b"spare"), ("127.0.0.3", b"new"))
    ]
    yield made
    for one in made:
        one.close()


def call(port, address="127.0.0.1"):
    """A client's connection, and the word of whoever answered."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    secure = context.wrap_socket(socket.create_connection((address, port), timeout=10))
    return secure, secure.recv(100)


HAPROXY = """
global
  stats socket {folder}/admin.sock mode 600 level admin
  stats socket ipv4@127.0.0.1:{admin} level admin
defaults
  mode tcp
  timeout connect 2s
  timeout client 1m
  timeout server 1m
frontend clients
  bind 127.0.0.1:{clients}
  default_backend velociraptor
backend velociraptor
  default-server check inter 200ms fall 2 rise 1
  server main 127.0.0.1:{port}
  server spare 127.0.0.2:{port} disabled
"""


@pytest.fixture
def haproxy(tmp_path, frontends, run):
    """A real HAProxy before the frontends: its folder, its ports."""
    ports = {"admin": free_port(), "clients": free_port(), "port": frontends[0].port}
    config = tmp_path / "haproxy.cfg"
    config.write_text(HAPROXY.format(folder=tmp_path, **ports))
    run([program("haproxy"), "-db", "-f", str(config)])
    until(lambda: listens(ports["clients"]), "haproxy did not start")
    return {**ports, "socket": str(tmp_path / "admin.sock")}


KNOT = """
server:
  listen: 127.0.0.1@{port}
  rundir: {folder}
database:
  storage: {folder}
log:
  - target: stderr
    any: warning
key:
  - id: recovery
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: changes
    key: recovery
    action: update
zone:
  - domain: example.test
    storage: {folder}
    file: example.test.zone
    acl: changes
"""
ZONE = """$ORIGIN example.test.
@ 60 SOA ns hostmaster 1 60 60 600 60
@ 60 NS ns
ns 60 A 127.0.0.1
velo 3600 A 127.0.0.1
velo 3600 AAAA 2001:db8::1
alias 60 CNAME velo
"""


@pytest.fixture
def knot(tmp_path, run):
    """A real authoritative name server: the switch's URI."""
    port, secret = free_port(), b64encode(secrets.token_bytes(32)).decode()
    config = tmp_path / "knot.conf"
    config.write_text(KNOT.format(port=port, folder=tmp_path, secret=secret))
    (tmp_path / "example.test.zone").write_text(ZONE)
    (tmp_path / "tsig").write_text(f"recovery:{secret}\n")
    (tmp_path / "tsig").chmod(0o600)
    run([program("knotd"), "-c", str(config)])
    until(lambda: listens(port), "knotd did not start")
    return f"dns://127.0.0.1:{port}/velo.example.test?key={tmp_path / 'tsig'}&ttl=30"


@pytest.fixture(autouse=True)
def _state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
