"""One machine for all tests of a run; each kind of target opens the same one."""

import pytest

from recovery.target import open_target
from tests.integration.target.machines import machine, open_ssh


@pytest.fixture(scope="session")
def host():
    with machine("test-target") as found:
        yield found


@pytest.fixture(scope="session")
def ssh_way(host, tmp_path_factory):
    return open_ssh(host, tmp_path_factory.mktemp("ssh"))


@pytest.fixture(scope="session", params=["docker", "ssh"])
def target(request, host):
    way = host.uri if request.param == "docker" else request.getfixturevalue("ssh_way").uri
    opened = open_target(way)
    yield opened
    opened.close()
    opened.close()
