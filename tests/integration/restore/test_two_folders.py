"""Records in Datastore.location, files in another Datastore.filestore_directory, here a link."""

import pytest

from recovery.capture.capture_point import capture
from recovery.capture.options import CaptureOptions
from recovery.errors import BadInputError
from recovery.target import open_target
from recovery.vault.store import open_vault
from tests.integration.restore.conftest import fresh_machine, live, lost_server, same

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]
FILES = "/srv/velociraptor-files"
MIXED = f"""
[ "$(find {FILES}/ -type f ! -name '*.db' | wc -l)" -gt 20 ] || echo few
find {FILES}/ -name '*.db'
find /var/lib/velociraptor -type f ! -name '*.db'
"""


def test_both_come_back_and_a_complete_copy_refuses(server_binary, tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    captured = lost_server(server_binary, folder, live, filestore_directory=FILES)
    with fresh_machine(captured, "test-two-folders") as fresh:
        fresh.run(f"mkdir -p /data/files && ln -s /data/files {FILES} && echo > {FILES}/of-old")
        with pytest.raises(BadInputError, match=r"no datastore, and holds 'of-old'"):
            fresh.restore("server")
        fresh.run(f"mkdir {FILES}/client_info")
        outcomes = fresh.restore("server", "collections")
        ((finding,),) = [one.findings for one in outcomes.values() if one.findings]
        was = "the machine had a datastore before this recovery"
        assert finding.startswith(f"{was}: {FILES}, 1 file,")
        fresh.run("systemctl kill -s KILL velociraptor_server; sleep 1")
        fresh.run("systemctl restart velociraptor_server")
        assert same(captured.manifest.inventory, fresh.inventory()) == {}
        assert fresh.run(MIXED).text == ""
        target = open_target(fresh.uri)
        options = CaptureOptions(strategy=["datastore"], repository="/srv/copies")
        with pytest.raises(BadInputError, match=FILES):
            capture(target, open_vault(str(folder / "other")), options, lambda _: None)
        target.close()
