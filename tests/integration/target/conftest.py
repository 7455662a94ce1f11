"""One machine for all tests of a run; each kind of target opens the same one."""

import pytest

from recovery.target import open_target
from tests.integration.target.machines import let_in_by_sudo, machine, open_ssh


@pytest.fixture(scope="session")
def host():
    with machine("test-target") as found:
        yield found


@pytest.fixture(scope="session")
def ssh_way(host, tmp_path_factory):
    return open_ssh(host, tmp_path_factory.mktemp("ssh"))


@pytest.fixture(scope="session")
def sudo_way(host, ssh_way):
    return let_in_by_sudo(host, ssh_way)


@pytest.fixture(scope="session", params=["docker", "ssh", "sudo"])
def target(request, host):
    if request.param == "docker":
        way = host.uri
    elif request.param == "ssh":
        way = request.getfixturevalue("ssh_way").uri
    else:
        way = request.getfixturevalue("sudo_way")
    opened = open_target(way)
    yield opened
    opened.close()
    opened.close()
