"""The article's exports by themselves, from a running server."""

import csv
import hashlib
import json
import zipfile
from datetime import timedelta

import pytest

from recovery.capture.export_by_server import export_by_server
from recovery.capture.export_only import export_to
from recovery.errors import BadInputError
from recovery.target import open_target
from recovery.vault.open import open_shelf

pytestmark = pytest.mark.slow


def export(server, folder, *, password="", **more):
    said = []
    archives, gaps = export_to(
        open_target("local://"),
        open_shelf(str(folder)),
        server.options(**more),
        said.append,
        password=password,
    )
    assert gaps == []
    return archives, said


def test_hunts_and_flows_with_an_index_and_none_twice(server, tmp_path):
    archives, _ = export(server, tmp_path)
    rows = json.loads((tmp_path / "index.json").read_text())["archives"]
    assert len(rows) == len(archives)
    assert [row["file"] for row in rows] == [
        row["file"] for row in csv.DictReader((tmp_path / "index.csv").read_text().splitlines())
    ]
    for row in rows:
        raw = (tmp_path / row["file"]).read_bytes()
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (row["size"], row["sha256"])
    hunts = [row for row in rows if row["kind"] == "hunt"]
    assert hunts
    assert all(row["file"].endswith(f"/hunts/{row['hunt_id']}.zip") for row in hunts)
    # The hunt's flows are in its zip, and nowhere else.
    assert not [row for row in rows if row["flow_id"].endswith(".H")]
    with zipfile.ZipFile(tmp_path / hunts[0]["file"]) as archive:
        assert [name for name in archive.namelist() if name.endswith("collection_context.json")]
    by_artifact = {row["artifacts"][0]: row for row in rows if row["kind"] == "flow"}
    assert by_artifact["Custom.Test.Rows"]["rows"] == 7
    assert {row["org"] for row in rows} == {"root", "OACME"}
    assert server.left_behind() == []


def test_a_second_export_adds_only_what_is_new(server, tmp_path):
    export(server, tmp_path, hunts=[])
    before = (tmp_path / "index.csv").read_text()
    _, said = export(server, tmp_path, hunts=[])
    assert said == []
    assert (tmp_path / "index.csv").read_text() == before
    lost = next(tmp_path.rglob("*Custom*"), None) or next((tmp_path / "root/flows").iterdir())
    lost.unlink()
    export(server, tmp_path, hunts=[])
    assert lost.exists()


def test_a_password_hides_the_content(server, tmp_path):
    export(server, tmp_path, password="not this one", flows_since=timedelta(days=1))
    for path in tmp_path.rglob("*.zip"):
        with zipfile.ZipFile(path) as archive:
            assert archive.namelist() == ["data.zip"]
            assert archive.infolist()[0].flag_bits & 1  # encrypted


def test_a_folder_with_another_index_is_refused(server, tmp_path):
    (tmp_path / "index.json").write_text('{"archives": [{"file": "../x"}]}')
    with pytest.raises(BadInputError, match="not the index of an export"):
        export(server, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.json"]


@pytest.mark.velociraptor
def test_the_server_uploads_by_itself(server, s3):
    bucket = s3.bucket()
    server.query(
        'SELECT secret_add(name="S3", type="AWS S3 Creds", secret=dict(region="us-east-1", '
        "credentials_key=K, credentials_secret=S, endpoint=E)) AS A FROM scope()",
        K=s3.access_key,
        S=s3.secret_key,
        E=s3.endpoint,
    )
    refused = export_by_server(
        open_target("local://"), server.options(), lambda _: None, secret="S3", bucket=bucket
    )
    assert refused[0] == []
    assert all("Permission Denied" in gap for gap in refused[1])
    server.query(
        'SELECT secret_modify(name="S3", type="AWS S3 Creds", '
        'add_users=["VelociraptorServer",]) AS A FROM scope()'
    )
    done, gaps = export_by_server(
        open_target("local://"),
        server.options(),
        lambda _: None,
        secret="S3",
        bucket=bucket,
        prefix="dr/",
    )
    assert all("/OACME/" in gap for gap in gaps)  # that org has no such secret
    there = {
        entry["Key"]: entry["Size"]
        for entry in s3.client().list_objects_v2(Bucket=bucket)["Contents"]
    }
    assert {upload.name for upload in done} == set(there)
    assert server.left_behind() == []
