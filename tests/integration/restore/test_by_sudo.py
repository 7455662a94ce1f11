"""A machine that lets nobody log in as root: restored, proven and captured by a person's sudo."""

import pytest

from recovery.capture.capture_point import capture
from recovery.capture.options import CaptureOptions
from recovery.restore.run_group import run_group
from recovery.target import open_target
from recovery.vault.store import open_vault
from tests.integration.restore.conftest import fresh_machine, same
from tests.integration.target.machines import let_in_by_sudo, open_ssh

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]


def test_restore_proof_and_capture_by_sudo(captured, tmp_path):
    with fresh_machine(captured) as fresh:
        way = open_ssh(fresh.machine, tmp_path)
        uri = let_in_by_sudo(fresh.machine, way)
        fresh.run("rm /root/.ssh/authorized_keys")
        request = captured.request(uri)
        results = [
            run_group(group, request, lambda _line: None)
            for group in ("server", "collections", "proof")
        ]
        outcomes = {one.step: one for result in results for one in result.outcomes}
        findings = [line for one in outcomes.values() for line in one.findings]
        assert [line for line in findings if "clients" not in line] == []
        assert outcomes["prove the recovery"].status == "done"
        assert same(captured.manifest.inventory, fresh.inventory()) == {}

        vault = open_vault(str(tmp_path / "vault"))
        target = open_target(uri)
        again = capture(target, vault, CaptureOptions(), lambda _line: None)
        target.close()
        assert again.gaps == []
        assert len(again.archives) == len(captured.manifest.archives)
