"""What several rooms of the integration tests share: an S3 server, AWS by moto."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import boto3
import pytest

from setup import s3_gateway

from .s3_server import S3Server

LONGEST = (
    "standby/test_follow.py",
    "restore/test_kills.py",
    "standby/test_fencing.py",
    "infra/aws/test_up_on_aws.py",
    "conformance/test_recorded_calls.py",
    "standby/test_take_over.py",
    "infra/test_up_on_docker.py",
    "conformance/test_questions.py",
    "capture/test_faults.py",
    "restore/test_later.py",
    "infra/test_name_and_keys.py",
    "server_deb/test_install.py",
    "server_deb/test_upgrade.py",
    "capture/test_examples.py",
    "restore/test_complete_copy.py",
    "infra/test_command_line.py",
    "restore/test_forwarded.py",
)
"""The files that take longest, by their measured time: one that begins last is waited for."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Long files first; `make test` hands whole files to its workers in this order."""
    here = Path(__file__).parent
    place = {here / name: at for at, name in enumerate(LONGEST)}
    assert all(path.is_file() for path in place), "a file that was renamed belongs into LONGEST"
    items.sort(key=lambda item: place.get(item.path, len(LONGEST)))


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory):
    """One for the whole session, whichever rooms use it."""
    if not s3_gateway.path().is_file():
        pytest.skip(f"no S3 server: `python3 -m setup test`, or name one by {s3_gateway.VARIABLE}")
    server = S3Server(s3_gateway.path(), tmp_path_factory.mktemp("s3"))
    yield server
    server.stop()


@pytest.fixture
def s3(s3_server, monkeypatch):
    """The same, with its credentials in the environment, as its clients expect them."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    """moto's server: its address. The credentials are no account's."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        log = (tmp_path_factory.mktemp("moto") / "log").open("wb")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)],
                stdout=log,
                stderr=log,
            )
        try:
            for _ in range(400):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            else:
                raise AssertionError("moto's server did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            process.wait()


@pytest.fixture
def client(aws):
    """Any boto3 client, as the test itself looks at AWS."""
    made = []

    def make(service):
        made.append(boto3.client(service, endpoint_url=aws, region_name="eu-west-1"))
        return made[-1]

    yield make
    for one in made:
        one.close()
