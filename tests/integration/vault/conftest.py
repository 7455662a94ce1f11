import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

import boto3
import pytest

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
GATEWAY = Path(
    os.environ.get("RECOVERY_VERSITYGW")
    or CACHE / "velociraptor-recovery/versitygw/1.8.0/versitygw"
)


class S3Server:
    """versitygw, a real S3 server, on a folder; stopped and started at will."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.process = None
        for name in ("data", "versions"):
            (folder / name).mkdir()
        self.start()

    def start(self):
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(
            [
                str(GATEWAY),
                *("--port", f"127.0.0.1:{self.port}"),
                *("posix", "--versioning-dir", str(self.folder / "versions")),
                str(self.folder / "data"),
            ],
            env={
                **os.environ,
                "ROOT_ACCESS_KEY": os.environ["AWS_ACCESS_KEY_ID"],
                "ROOT_SECRET_KEY": os.environ["AWS_SECRET_ACCESS_KEY"],
            },
            stdout=log,
            stderr=log,
        )
        log.close()
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self):
        self.process.kill()
        self.process.wait()

    def client(self):
        return boto3.client("s3", endpoint_url=self.endpoint)

    def bucket(self, *, locked=False):
        name = f"vault-{secrets.token_hex(4)}"
        client = self.client()
        client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        return name

    def uri(self, bucket, prefix="some/where"):
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}"


@pytest.fixture(scope="session")
def s3(tmp_path_factory):
    if not GATEWAY.is_file():
        pytest.skip(f"no S3 server at {GATEWAY} (RECOVERY_VERSITYGW names another)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", secrets.token_hex(8))
        patch.setenv("AWS_SECRET_ACCESS_KEY", secrets.token_hex(16))
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        server = S3Server(tmp_path_factory.mktemp("s3"))
        yield server
        server.stop()


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
