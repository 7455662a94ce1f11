import pytest

from recovery.target import open_target
from recovery.velociraptor.api import open_api
from tests.integration.capture import conftest as running

from .receiver import Receiver

server_binary = running.server_binary


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(server_binary, tmp_path_factory):
    """A running server with two orgs and no client: collections are its own."""
    with running.running_server(server_binary, tmp_path_factory.mktemp("server")) as made:
        made.query('SELECT org_create(name="Acme", org_id="OACME").id AS A FROM scope()')
        yield made


@pytest.fixture
def api(server):
    with open_api(open_target("local://"), server.config) as made:
        yield made
