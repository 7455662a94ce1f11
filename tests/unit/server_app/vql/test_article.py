"""Every statement of the article on backups runs as it is printed there."""

import json
import time
from pathlib import Path

import pytest

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"
OLD = "C.cad7afe0171b436e"
NOT_A_QUERY = ("ERROR", "VQL Error")


@pytest.fixture
def filled(ask_server):
    """A server with what the recorded exports hold: a client with flows."""
    ask_server("SELECT client_create(client_id=C, hostname='vm') FROM scope()", C=OLD)
    for name in ("flow_with_upload.zip", "flow_custom_artifact.zip"):
        rows, logs = ask_server(
            "SELECT import_collection(filename=F, client_id=C).session_id AS s FROM scope()",
            F=str(RECORDED / name), C=OLD,
        )  # fmt: skip
        assert rows[0]["s"], logs
    return ask_server


def faults(logs: list[str]) -> list[str]:
    return [line for line in logs if line.startswith(NOT_A_QUERY)]


def test_backup_and_restore(ask_server) -> None:
    rows, logs = ask_server('SELECT * FROM backup(name="MyBackup")')
    assert [row["Name"] for row in rows][-1] == "BackupService"
    assert faults(logs) == []
    rows, logs = ask_server('SELECT * FROM backup_restore(name="MyBackup")')
    assert len(rows) == 5
    assert faults(logs) == []


RESTORE_ACLS = """
SELECT *
FROM foreach(
  row={
    SELECT *
    FROM parse_jsonl(
      filename="/tmp/extracted_backups/orgs/O123/acls.json")
  },
  query={
    SELECT
    user_create(
      user=Principal.name,
      orgs=Principal.orgs[0].id,
      roles=Policy.roles),
    user_grant(
      user=Principal.name,
      orgs=Principal.orgs[0].id,
      policy=Policy)
    FROM scope()
  })
"""


def test_acls_are_restored_from_the_backup(ask_server, tmp_path: Path) -> None:
    ask_server('SELECT org_create(name="Acme", org_id="O123") FROM scope()')
    record = {
        "Principal": {"name": "bob", "orgs": [{"name": "Acme", "id": "O123"}]},
        "Policy": {"roles": ["reader"], "label_clients": True},
    }
    file = tmp_path / "acls.json"
    file.write_text(json.dumps(record) + "\n")
    query = RESTORE_ACLS.replace("/tmp/extracted_backups/orgs/O123/acls.json", str(file))
    rows, logs = ask_server(query)
    assert [list(row.values()) for row in rows] == [["bob", "bob"]]
    assert faults(logs) == []
    rows, _ = ask_server(
        'SELECT org_id, roles, _policy FROM gui_users() WHERE name = "bob"', org="O123"
    )
    policy = {"label_clients": True, "roles": ["reader"]}
    assert rows == [{"org_id": "O123", "roles": ["reader"], "_policy": policy}]


def test_all_hunts_are_archived(ask_server) -> None:
    ask_server('SELECT hunt(artifacts="Generic.Client.Info", description="x") FROM scope()')
    rows, logs = ask_server("SELECT create_hunt_download(hunt_id=hunt_id, wait=TRUE)\nFROM hunts()")
    ((column, path),) = rows[0].items()
    assert column == "create_hunt_download(hunt_id=hunt_id, wait=TRUE)"
    assert path.startswith("fs:/downloads/hunts/H.")
    assert faults(logs) == []


RECENT_FLOWS = """
LET OneWeek <= 7 * 24 * 60 * 60
LET DestDir <= "/tmp/exports/"

SELECT client_id,
       session_id,
       LastActiveTime,
       copy(filename=Export,
            accessor="fs",
            dest=DestDir + Export.Base) AS Export
FROM foreach(row={
  SELECT * FROM clients()
}, query={
  SELECT *, timestamp(epoch=active_time) AS LastActiveTime,
         create_flow_download(client_id=client_id,
                            flow_id=session_id,
                            wait=TRUE) AS Export
  FROM flows(client_id=client_id)
  WHERE LastActiveTime > now() - OneWeek
})
"""
IMPORT = """
LET DestDir <= "/tmp/imports/"

SELECT OSPath, import_collection(filename=OSPath)
FROM glob(globs="*.zip", root=DestDir)
"""


def test_flows_are_exported_and_imported(filled, tmp_path: Path) -> None:
    query = RECENT_FLOWS.replace("/tmp/exports/", f"{tmp_path}/")
    age = int(time.time()) - 1795415761
    week = "7 * 24 * 60 * 60"
    rows, logs = filled(query.replace(week, f"{week} + {max(0, age)}"))
    assert faults(logs) == []
    assert {row["client_id"] for row in rows} == {OLD}
    assert len(rows) == 2
    assert all(Path(row["Export"]).stat().st_size > 500 for row in rows)
    assert all(row["LastActiveTime"].startswith("2026-11-23T06:3") for row in rows)

    rows, logs = filled(IMPORT.replace("/tmp/imports/", f"{tmp_path}/"))
    assert len(rows) == 2
    assert all(row["import_collection(filename=OSPath)"]["client_id"] == OLD for row in rows)
    flows, _ = filled("SELECT session_id FROM flows(client_id=C)", C=OLD)
    assert len(flows) == 4


def test_flows_older_than_a_week_stay(filled, tmp_path: Path) -> None:
    query = RECENT_FLOWS.replace("/tmp/exports/", f"{tmp_path}/").replace("7 * 24", "0 * 24")
    assert filled(query)[0] == []
    assert list(tmp_path.glob("*.zip")) == []


def test_hunts_are_skipped_by_the_articles_copy_and_glob(ask_server, tmp_path: Path) -> None:
    """Facts: for hunts Export.Base lacks .zip, so glob("*.zip") passes them over."""
    ask_server('SELECT hunt(artifacts="Generic.Client.Info", description="x") FROM scope()')
    rows, _ = ask_server(
        "SELECT copy(filename=Export, accessor='fs', dest=D + Export.Base) AS c FROM foreach("
        "row={SELECT create_hunt_download(hunt_id=hunt_id, wait=TRUE) AS Export FROM hunts()})",
        D=f"{tmp_path}/",
    )
    assert Path(rows[0]["c"]).name.startswith("H.")
    assert not rows[0]["c"].endswith(".zip")
    assert ask_server('SELECT * FROM glob(globs="*.zip", root=D)', D=str(tmp_path))[0] == []
