"""versitygw, a real S3 server, on a folder; stopped and started at will."""

import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_REGION = "us-east-1"
_SECONDS = 60


class S3Server:
    """A server with credentials of its own. It counts as started once they open it: whatever
    else may listen on the port doesn't know them."""

    def __init__(self, binary: Path, folder: Path) -> None:
        self._binary = binary
        self.folder = folder
        self.access_key, self.secret_key = secrets.token_hex(8), secrets.token_hex(16)
        for name in ("data", "versions"):
            (folder / name).mkdir(parents=True)
        self.process = None
        for _ in range(5):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = probe.getsockname()[1]
            if self._try_to_start():
                return
        raise AssertionError(self._log())

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self):
        """What a client of it needs in its environment."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_DEFAULT_REGION": _REGION,
        }

    def start(self):
        """Again, on the same port: clients have its address."""
        deadline = time.monotonic() + _SECONDS
        while not self._try_to_start():
            assert time.monotonic() < deadline, self._log()
            time.sleep(0.2)

    def _try_to_start(self):
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    str(self._binary),
                    *("--port", f"127.0.0.1:{self.port}", "--quiet"),
                    *("posix", "--versioning-dir", str(self.folder / "versions")),
                    str(self.folder / "data"),
                ],
                env={
                    **os.environ,
                    "ROOT_ACCESS_KEY": self.access_key,
                    "ROOT_SECRET_KEY": self.secret_key,
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                self.client().list_buckets()
            except (BotoCoreError, ClientError):
                time.sleep(0.05)
            else:
                return True
        self.stop()
        return False

    def _log(self):
        return (self.folder / "log").read_text()

    def stop(self):
        self.process.kill()
        self.process.wait()

    def client(self):
        """boto3's, by a session of its own: the default one keeps the first keys it ever saw."""
        session = boto3.Session(self.access_key, self.secret_key, region_name=_REGION)
        return session.client("s3", endpoint_url=self.endpoint)

    def bucket(self, *, locked=False):
        name = f"vault-{secrets.token_hex(4)}"
        self.client().create_bucket(Bucket=name, ObjectLockEnabledForBucket=locked)
        return name

    def uri(self, bucket, prefix="some/where"):
        return f"s3://{bucket}/{prefix}?endpoint={self.endpoint}"
