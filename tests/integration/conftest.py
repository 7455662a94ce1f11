import pytest

from setup import s3_gateway

from .s3_server import S3Server


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
