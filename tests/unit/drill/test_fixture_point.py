"""The scenario's expectations come out of the files, and hold to what a real server answered."""

import io
import json
import tarfile
import zipfile

from recovery.drill import fixture_files
from recovery.drill.fixture_inventory import fixture_inventory
from recovery.drill.fixture_point import make_point, moved_config
from recovery.drill.names import Run
from recovery.vault.store import open_vault
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import digest

CONFIG = ServerConfig.parse(fixture_files.fixture(fixture_files.CONFIG).read_bytes())
TRANSCRIPT = fixture_files.FOLDER / "transcript.jsonl"


def recorded(query):
    calls = [json.loads(text) for text in TRANSCRIPT.read_text().splitlines()]
    return next(call["rows"] for call in calls if call["query"] == query and call["rows"])


def test_counts_are_those_of_the_files():
    counts = fixture_inventory(CONFIG).counts()
    assert {item: count for item, count in counts["root"].items() if count} == {
        "orgs": 2,
        "users": 5,
        "acls": 4,
        "clients": 1,
        "labels": 2,
        "artifacts": 1,
        "artifact_tags": 1,
        "hunts": 2,
        "hunt_parameters": 1,
        "hunt_results": 1,
        "flows": 3,
        "uploads": 1,
        "notebooks": 1,
    }
    assert {item: count for item, count in counts["OACME"].items() if count} == {
        "acls": 3,
        "clients": 1,
        "labels": 1,
        "artifacts": 1,
        "hunts": 1,
    }


def test_the_kept_nonce_is_the_one_that_the_server_made():
    made = recorded('SELECT org_create(name="Acme", org_id="OACME") AS org FROM scope()')
    assert fixture_files.org_nonce("OACME") == made[0]["org"]["nonce"]
    orgs = fixture_inventory(CONFIG).orgs["root"]["orgs"]
    assert orgs["OACME"] == digest(["Acme", made[0]["org"]["nonce"]])


def test_the_upload_lies_where_its_index_says():
    with zipfile.ZipFile(io.BytesIO(fixture_files.flow("flow_with_upload.zip"))) as archive:
        row = json.loads(archive.read("uploads.json"))
        content = archive.read("/".join(row["_Components"]))
        assert archive.testzip() is None
    with zipfile.ZipFile(fixture_files.fixture("flow_with_upload.zip")) as archive:
        assert content == archive.read("uploads/file/srv/lab1/client1/evidence.txt")
    assert len(content) == row["uploaded_size"] == 4082


def test_the_moved_config_is_of_the_same_deployment():
    moved = moved_config(Run("abc123"))
    assert moved.deployment == CONFIG.deployment
    assert moved.fingerprint != CONFIG.fingerprint
    assert moved.server_urls == ["https://velociraptor.drill-abc123.test:18000/"]
    for section, key in (("CA", "private_key"), ("Frontend", "private_key"), ("Client", "nonce")):
        assert moved.values[section][key] == CONFIG.values[section][key]


def test_the_point_is_whole(tmp_path):
    package = tmp_path / "velociraptor-server_0.77.2-1_amd64.deb"
    package.write_bytes(b"a package")
    vault = open_vault(str(tmp_path / "vault"))
    config = moved_config(Run("abc123"))
    made = make_point(vault, package, "0.77.2", "velociraptor", config)
    assert vault.point() == made
    assert made.config_newer
    assert made.package.version == "0.77.2-1"
    assert {archive.kind for archive in made.archives} == {"flow", "hunt"}
    for number, item in enumerate(made.objects()):
        vault.fetch(item, tmp_path / str(number))
    with tarfile.open(vault.fetch(made.state[0].tar, tmp_path / "state")) as tar:
        content = tar.extractfile("orgs/OACME.json.db")
        assert content is not None
        assert json.loads(content.read())["id"] == "OACME"
