"""What a backup holds, and that a real one restores with the recorded words."""

import json
import zipfile

import pytest

from server_app.services import ServiceError


def recorded_rows(recorded, number):
    call = json.loads((recorded / "transcript.jsonl").read_text().splitlines()[number])
    return call["rows"]


def test_a_real_backup_restores_with_the_recorded_rows(root, with_backup, recorded):
    with_backup(root, "backup_root_before_disaster.zip", "MyBackup")
    assert list(root.backups.restore("MyBackup")) == recorded_rows(recorded, 88)


def test_a_real_backup_restored_in_another_org_gives_the_recorded_rows(
    server, with_backup, recorded
):
    server.orgs.create("Acme", "OACME")
    org = server.org("OACME")
    with_backup(org, "backup_root_before_disaster.zip", "MyBackup")
    assert list(org.backups.restore("MyBackup")) == recorded_rows(recorded, 130)
    assert [row["client_id"] for row in org.clients.list()] == ["C.19111fed7cb0ceed-OACME"]


def test_what_was_restored_is_what_the_backup_held(root, with_backup):
    with_backup(root, "backup_root_before_disaster.zip", "MyBackup")
    list(root.backups.restore("MyBackup"))
    list(root.backups.create("again"))
    with (
        zipfile.ZipFile(root.backups.path("MyBackup")) as before,
        zipfile.ZipFile(root.backups.path("again")) as after,
    ):
        for member in ("client_info.json", "artifacts/Custom.Server.Marker.yaml"):
            assert after.read(f"orgs/root/{member}") == before.read(f"orgs/root/{member}")


def test_members_and_their_order_are_those_of_a_real_backup(server, root, with_backup, recorded):
    server.orgs.create("Acme", "OACME")
    server.orgs.create("Beta Corp", "O10Q0")
    for org_id in ("root", "OACME"):
        org = server.org(org_id)
        with_backup(org, "backup_root_before_disaster.zip", "real")
        list(org.backups.restore("real"))
    list(root.backups.create("mine"))
    with (
        zipfile.ZipFile(recorded / "backup_root_before_disaster.zip") as real,
        zipfile.ZipFile(root.backups.path("mine")) as mine,
    ):
        assert mine.namelist() == real.namelist()
        assert mine.testzip() is None


def test_the_rows_of_a_backup_are_the_recorded_ones(server, root, recorded):
    server.orgs.create("Acme", "OACME")
    server.orgs.create("Beta Corp", "O10Q0")
    rows = list(root.backups.create("MyBackup"))
    recorded_names = [(row["OrgId"], row["Name"]) for row in recorded_rows(recorded, 32)]
    assert [(row["OrgId"], row["Name"]) for row in rows] == recorded_names
    assert rows[-1]["Message"].startswith("Completed Backup to fs:/backups/MyBackup.zip (size ")


def test_zip_is_added_to_any_name_and_slashes_are_escaped(root):
    for name, on_disk in (("a", "a.zip"), ("a.zip", "a.zip.zip"), ("sub/dir", "sub%2Fdir.zip")):
        list(root.backups.create(name))
        assert (root.store.root / "backups" / on_disk).stat().st_size > 0


def test_not_in_it_are_hashes_nonces_requests_metadata_monitoring_secrets_flows(root):
    root.users.create("alice", ["reader"], password="alicepw")
    root.artifacts.set("name: Custom.A\nsources:\n  - query: SELECT 1 FROM scope()\n", [], "admin")
    root.hunts.create(
        description="h", artifacts=["Custom.A"], max_rows=77, principal="admin", pause=True
    )
    root.clients.set_server_metadata({"secret_note": "meta"})
    secret = {"credentials_key": "keytext", "credentials_secret": "secrettext"}
    root.secrets.add("Mine", "AWS S3 Creds", secret, "admin")
    list(root.backups.create("b"))
    with zipfile.ZipFile(root.backups.path("b")) as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
        hunt = json.loads(archive.read("orgs/root/hunts.json"))
    for text in (b"password", root.nonce.encode(), b"secret_note", b"keytext", b"RSSFeeds"):
        assert text not in content
    assert hunt["start_request"] == {
        "creator": "admin",
        "summary": True,
        "artifacts": ["Custom.A"],
    }


def test_disk_full_every_row_says_success_and_the_file_has_0_bytes(root):
    full = root.backups.path("full")
    full.parent.mkdir(exist_ok=True)
    full.symlink_to("/dev/full")  # every write to it fails: no space left on device
    rows = list(root.backups.create("full"))
    assert [row["Error"] for row in rows] == [""] * len(rows)
    assert rows[-1]["Message"].startswith("Completed Backup")
    assert full.stat().st_size == 0


def test_disk_known_to_be_full_is_refused(root):
    root.store.minimum_free_megabytes = 1 << 40
    root.store.check_space()
    with pytest.raises(ServiceError, match="Insufficient disk space!"):
        root.backups.create("full2")


def test_the_server_does_not_start_with_too_little_space(make_server):
    crowded = make_server(start=False, Datastore={"min_allowed_file_space_mb": 1 << 40})
    with pytest.raises(ServiceError, match="Insufficient disk space!"):
        crowded.start()


@pytest.mark.parametrize(
    ("seconds", "period"), [(None, 86_400.0), (0, 86_400.0), (60, 60.0), (-1, -1.0)]
)
def test_daily_backup_by_backup_period_seconds(make_server, seconds, period):
    server = make_server(start=False, defaults={"backup_period_seconds": seconds})
    assert server.org("")._backup_seconds() == period


def test_the_timer_writes_a_backup_in_each_org(make_server):
    server = make_server(defaults={"backup_period_seconds": 86_400})
    server.orgs.create("Acme", "OACME")
    for org in server.loaded():
        org.backups.scheduled()
        (found,) = (org.store.root / "backups").iterdir()
        assert found.name.startswith("backup_20")
        assert found.name.endswith("Z.zip")
