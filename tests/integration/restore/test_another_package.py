"""A deployment from a package alone, then from another one: the machine has what was asked last."""

import pytest

from recovery.restore.request import RestoreRequest
from recovery.restore.run_group import run_group
from server_deb.build import BuildRequest, build_package
from tests.integration.restore.conftest import fresh_machine

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]

CONFIG = "/etc/velociraptor/server.config.yaml"


def test_another_package_is_installed_and_the_one_before_again(captured, server_binary, tmp_path):
    configs = [captured.config.raw, captured.config.raw + b"# the second\n"]
    built = [
        build_package(BuildRequest(binary=server_binary, config=raw, output=tmp_path / str(number)))
        for number, raw in enumerate(configs)
    ]
    with fresh_machine(captured) as fresh:

        def deploy(number):
            path = str(built[number].path)
            request = RestoreRequest(target=fresh.uri, package=path, strategy=["redeploy"])
            (outcome,) = (
                outcome
                for outcome in run_group("server", request, lambda _line: None).outcomes
                if outcome.step == "install the package"
            )
            return outcome.status

        for number, status in [(0, "done"), (0, "already done"), (1, "done"), (0, "done")]:
            assert deploy(number) == status
            assert fresh.run(f"cat {CONFIG}").stdout == configs[number]
            assert fresh.query("SELECT name FROM clients()") == []
