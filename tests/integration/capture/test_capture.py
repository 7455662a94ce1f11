"""A whole capture of a running server; against a real one when RECOVERY_SERVER_BINARY names it."""

import io
import json
import tarfile
import threading
import zipfile
from collections import Counter
from datetime import timedelta

import pytest

from recovery.capture.capture_point import capture
from recovery.errors import RecoveryError, VaultError
from recovery.target import open_target
from recovery.vault.keys import new_keys
from recovery.vault.open import open_shelf, open_vault
from recovery.vault.shelf_vault import ShelfVault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.take_inventory import take_inventory

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture(scope="module")
def first(server, tmp_path_factory):
    """The vault after a first capture, the manifest, and what was said on the way."""
    folder = tmp_path_factory.mktemp("capture") / "vault"
    said = []
    manifest = server.capture(folder, said.append, backup_now=True)
    return folder, manifest, said


def fetched(folder, item, tmp_path):
    return open_vault(str(folder), {}).fetch(item, tmp_path / "object")


def members(folder, manifest, org, tmp_path):
    (state,) = [state for state in manifest.state if state.org == org]
    with tarfile.open(fetched(folder, state.tar, tmp_path)) as tar:
        return {member.name: tar.extractfile(member).read() for member in tar}


def test_nothing_is_missing(first):
    _, manifest, said = first
    assert manifest.gaps == []
    assert manifest.orgs == ["root", "OACME"]
    assert manifest.org_names["OACME"] == "Acme"
    assert manifest.parts == ["redeploy", "backup", "state", "collections"]
    assert any(line.startswith("export ") for line in said)


def test_the_inventory_is_the_servers(first, server):
    _, manifest, _ = first
    target = open_target("local://")
    with open_api(target, server.config) as api:
        now = take_inventory(api, target, server.config)
    assert manifest.inventory == now


def test_every_counted_flow_and_hunt_has_its_archive(first):
    _, manifest, _ = first
    for org, items in manifest.inventory.orgs.items():
        held = Counter(archive.kind for archive in manifest.archives if archive.org == org)
        assert held["flow"] == len(items["flows"])
        assert held["hunt"] == len(items["hunts"])


def test_rows_and_uploads_are_counted(first, server):
    _, manifest, _ = first
    rows = {
        archive.artifacts[0]: archive
        for archive in manifest.archives
        if archive.kind == "flow" and not archive.flow_id.endswith(".H")
    }
    assert rows["Custom.Test.Rows"].rows == 7
    assert rows["Custom.Test.Upload"].upload_bytes > 0
    assert rows["Custom.Test.Upload"].client_id == server.client
    (hunt,) = [archive for archive in manifest.archives if archive.kind == "hunt"]
    assert hunt.rows == 7


def test_the_state_is_complete_although_the_client_list_is_written_late(first, server, tmp_path):
    folder, manifest, _ = first
    files = members(folder, manifest, "root", tmp_path)
    for path in (
        "orgs/OACME.json.db",
        "users/alice.db",
        "acl/alice.json.db",
        "config/install_time.json.db",
        "config/server_monitoring.json.db",
        f"clients/{server.client}/metadata.json.db",
        f"clients/{server.client}/key.db",
        "clients/server/metadata.json.db",
        "artifact_definitions/Custom/Test/Rows.yaml",
    ):
        assert path in files
    (hunt,) = manifest.inventory.orgs["root"]["hunts"]
    assert {f"hunts/{hunt}.json.db", f"hunts/{hunt}/request.json.db", f"hunts/{hunt}.json"} <= (
        files.keys()
    )
    listed = [json.loads(line) for line in files["client_info/snapshot.json"].splitlines()]
    (row,) = [row for row in listed if row["client_id"] == server.client]
    assert b"prod" in bytes.fromhex(row["info"])
    assert len(files["client_info/snapshot.json.index"]) == 8 * len(listed)
    assert not [path for path in files if "/collections/" in path or "downloads" in path]
    other = members(folder, manifest, "OACME", tmp_path)
    assert all(path.startswith("orgs/OACME/") for path in other)
    assert "orgs/OACME/client_info/snapshot.json" in other
    assert {state.client_list for state in manifest.state} == {"joined with a fresh backup"}


def test_every_backup_is_whole(first, tmp_path):
    folder, manifest, _ = first
    assert {backup.org for backup in manifest.backups if backup.fresh} == {"root", "OACME"}
    for backup in manifest.backups:
        with zipfile.ZipFile(fetched(folder, backup.file, tmp_path)) as archive:
            assert f"orgs/{backup.org}/client_info.json" in archive.namelist()


def test_the_package_can_be_installed_again(first, server):
    _, manifest, _ = first
    assert manifest.package.origin == "rebuilt from its files"
    assert manifest.package.config_fingerprint == server.config.fingerprint
    assert not manifest.config_newer


def test_nothing_is_left_on_the_server(first, server):
    assert server.left_behind() == []


def test_the_second_capture_exports_and_stores_nothing_again(first, server):
    folder, manifest, _ = first
    said = []
    again = server.capture(folder, said.append)
    assert again.gaps == []
    assert not [line for line in said if line.startswith("export ")]
    assert sorted(archive.file.sha256 for archive in again.archives) == sorted(
        archive.file.sha256 for archive in manifest.archives
    )
    assert again.package == manifest.package


def test_an_export_that_was_there_before_stays(server, tmp_path):
    server.query(
        "SELECT create_flow_download(client_id=C, flow_id=session_id, wait=TRUE) AS A "
        "FROM flows(client_id=C)",
        C=server.client,
    )
    before = server.left_behind()
    sidecars = {
        path: (server.datastore / path).read_bytes() for path in before if path.endswith(".db")
    }
    assert sidecars
    assert server.capture(tmp_path / "vault").gaps == []
    assert server.left_behind() == before
    for path, content in sidecars.items():
        assert (server.datastore / path).read_bytes() == content
    for path in before:
        (server.datastore / path).unlink()


def test_chosen_parts_only(server, tmp_path):
    manifest = server.capture(
        tmp_path / "vault", strategy=["redeploy", "state"], hunts=[], backup_now=False
    )
    assert (manifest.archives, manifest.backups) == ([], [])
    assert len(manifest.state) == 2


def test_chosen_flows_and_hunts_only(server, tmp_path):
    manifest = server.capture(tmp_path / "vault", hunts=[], flows_since=timedelta(seconds=0))
    # The server's clock is allowed an hour: all of these flows are younger.
    assert {archive.kind for archive in manifest.archives} == {"flow"}


def test_a_sealed_capture_is_found_again(server, tmp_path):
    keys = new_keys()
    for number in range(2):
        manifest = server.capture(ShelfVault(open_shelf(str(tmp_path / "vault")), keys))
        assert manifest.gaps == [], number
    assert len(ShelfVault(open_shelf(str(tmp_path / "vault")), keys).points()) == 2


def test_two_captures_at_once(server, tmp_path):
    results = []

    def run():
        results.append(server.capture(tmp_path / "vault"))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [manifest.gaps for manifest in results] == [[], []]
    assert len(open_vault(str(tmp_path / "vault"), {}).points()) == 2
    assert server.left_behind() == []


class FailingVault(ShelfVault):
    """A vault whose storage goes away after so many objects."""

    def __init__(self, folder, after):
        super().__init__(open_shelf(str(folder)))
        self.after = after

    def put(self, source, name):
        self.after -= 1
        if self.after < 0:
            raise VaultError("the disk is full", step="vault", target=self.uri)
        return super().put(source, name)


def test_a_vault_that_goes_away_leaves_no_half_point(server, tmp_path):
    first = server.capture(tmp_path / "vault", strategy=["redeploy"])
    for after in range(1, 9, 2):
        with pytest.raises(RecoveryError, match="disk is full"):
            server.capture(FailingVault(tmp_path / "vault", after))
        assert open_vault(str(tmp_path / "vault"), {}).points() == [first]
        assert server.left_behind() == []


def test_a_capture_that_was_cut_off_is_gone_on_with(server, tmp_path):
    class CutOff(ShelfVault):
        def commit(self, manifest):
            raise VaultError("cut off")

    with pytest.raises(VaultError, match="cut off"):
        server.capture(CutOff(open_shelf(str(tmp_path / "vault"))))
    said = []
    manifest = server.capture(tmp_path / "vault", said.append)
    assert manifest.gaps == []
    assert manifest.archives
    assert not [line for line in said if line.startswith("export ")]


def test_an_org_deleted_meanwhile_is_a_gap(server, tmp_path):
    server.query('SELECT org_create(name="Gone", org_id="OGONE").id AS A FROM scope()')

    def say(line):
        if line.startswith("backups "):
            ask_to_delete(server)

    manifest = server.capture(tmp_path / "vault", say)
    assert [gap for gap in manifest.gaps if "OGONE" in gap]
    assert manifest.point in [
        point.point for point in open_vault(str(tmp_path / "vault"), {}).points()
    ]


def ask_to_delete(server):
    target = open_target("local://")
    with open_api(target, server.config) as api:
        api.ask('SELECT org_delete(org="OGONE", really_do_it=TRUE) FROM scope()')


def test_a_flow_that_still_runs_is_a_gap_and_captured_as_far_as_it_is(server, tmp_path):
    server.pause_clients()
    (row,) = server.query(
        'SELECT collect_client(client_id=C, artifacts="Custom.Test.Rows", env=dict()).flow_id AS A '
        "FROM scope()",
        C=server.client,
    )
    try:
        manifest = server.capture(tmp_path / "vault")
        assert [gap for gap in manifest.gaps if row["A"] in gap and "running" in gap]
        assert row["A"] in [archive.flow_id for archive in manifest.archives]
    finally:
        server.pause_clients(go_on=True)


def test_a_found_backup_that_is_damaged_gives_way_to_the_one_before(server, tmp_path):
    folder = server.datastore / "backups"
    server.query('SELECT * FROM backup(name="good")')
    good = folder / "good.zip"
    (folder / "newer.zip").write_bytes(good.read_bytes()[:500])
    (folder / "newest.zip").write_bytes(b"")
    try:
        manifest = server.capture(tmp_path / "vault", strategy=["redeploy", "backup"])
        found = [backup for backup in manifest.backups if not backup.fresh]
        assert [backup.file.name for backup in found] == ["backup root good.zip"]
        gaps = " ".join(manifest.gaps)
        assert "newest.zip is not usable" in gaps
        assert "newer.zip is not usable" in gaps
    finally:
        for path in folder.glob("*.zip"):
            path.unlink()


def test_a_server_that_does_not_answer_is_an_error(server, tmp_path):
    raw = server.config.raw.replace(
        f"bind_port: {server.config.api_port}".encode(), b"bind_port: 1"
    )
    path = tmp_path / "server.config.yaml"
    path.write_bytes(raw)
    options = server.options().model_copy(update={"config_path": str(path)})
    with pytest.raises(RecoveryError, match="UNAVAILABLE"):
        capture(open_target("local://"), open_vault(str(tmp_path / "v"), {}), options, print)
    assert open_vault(str(tmp_path / "v"), {}).points() == []


def test_a_machine_without_a_server_is_an_error(server, tmp_path):
    with pytest.raises(RecoveryError):
        server.capture(tmp_path / "vault", config_path=str(tmp_path / "none"))
    with pytest.raises(RecoveryError, match="none can be made") as refused:
        server.capture(tmp_path / "vault", binary_path=str(tmp_path / "none"))
    assert "--binary" in refused.value.hint


def test_a_package_of_another_deployment_is_refused(server, tmp_path):
    other = tmp_path / "other.deb"
    other.write_bytes(io.BytesIO(b"!<arch>\n").getvalue())
    with pytest.raises(RecoveryError, match="not a server package"):
        server.capture(tmp_path / "vault", package=str(other))
    assert open_vault(str(tmp_path / "vault"), {}).points() == []
