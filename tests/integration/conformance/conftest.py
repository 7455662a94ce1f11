"""Both binaries, each taken once through all scenes."""

import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import boto3
import pytest

from tests.integration.conformance.binary import Binary, free_ports
from tests.integration.conformance.scenes import SCENES
from tests.integration.conformance.stage import Stage

BUCKET = "velo-dr"


@contextmanager
def serve_objects():
    """Address of an S3 server on loopback that has the bucket."""
    port = free_ports(1)[0]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        boto3.client(
            "s3",
            endpoint_url=address,
            region_name="us-east-1",
            aws_access_key_id="testkey",
            aws_secret_access_key="testsecret",
        ).create_bucket(Bucket=BUCKET)
        yield address
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def object_store():
    with serve_objects() as address:
        yield address


def played(name: str, argv: list[str] | None, folder: Path, object_store: str) -> Stage:
    stage = Stage(Binary(argv, folder))
    stage.name = name
    stage.now["http://127.0.0.1:15000"] = object_store
    try:
        for scene in SCENES:
            started = time.monotonic()
            try:
                scene(stage)
            except AssertionError as error:
                stage.broken[scene.__name__] = str(error)
                stage.leave()
            stage.seconds[scene.__name__] = time.monotonic() - started
    finally:
        stage.leave()
    return stage


@pytest.fixture(scope="session")
def reference_stage(tmp_path_factory, object_store):
    return played("reference", None, tmp_path_factory.mktemp("reference"), object_store)


@pytest.fixture(scope="session")
def real_stage(tmp_path_factory, object_store):
    binary = os.environ.get("RECOVERY_SERVER_BINARY")
    if not binary:
        pytest.skip("RECOVERY_SERVER_BINARY names no real server")
    folder = tmp_path_factory.mktemp("real")
    return played("real", [str(Path(binary).resolve())], folder, object_store)


@pytest.fixture(
    scope="session",
    params=["reference", pytest.param("real", marks=pytest.mark.velociraptor)],
)
def stage(request):
    """A binary that has gone through all scenes."""
    return request.getfixturevalue(f"{request.param}_stage")
