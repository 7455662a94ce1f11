"""Each strategy brings back what it promises, and the table shows exactly what it can't."""

import json
from pathlib import Path

import jsonschema
import pytest

pytestmark = [pytest.mark.docker, pytest.mark.pulumi, pytest.mark.slow, pytest.mark.timeout(900)]

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
ONLY_STATE = {
    "passwords",
    "user_options",
    "client_metadata",
    "server_metadata",
    "client_monitoring",
    "server_monitoring",
    "secrets",
}
"""What no backup holds (facts: "Not in it")."""


def short(report):
    """The items of which something is lost or changed."""
    return {line["item"] for line in report["fidelity"] if line["lost"] or line["changed"]}


def held_to_the_rules(ended, drills):
    """What is true of every drill, whatever came back."""
    report = ended.report
    jsonschema.validate(report, json.loads(SCHEMA.read_text()))
    assert drills.left(ended.run) == []
    assert report["change"]["lost_address"] != report["change"]["new_address"]
    assert report["change"]["lost_container"] != report["change"]["new_container"]
    assert report["clients"]["back"] == report["clients"]["expected_back"] > 0
    assert 0 < report["rto_seconds"] < 600
    names = {check["name"] for check in report["checks"]}
    assert {"network: dns", "clients: old clients back"} <= names
    assert any(name.startswith("persistence") for name in names)
    for line in report["fidelity"]:
        assert line["captured"] == line["restored"] + line["lost"] + line["changed"]
    if report["server"]["kind"] == "reference":
        assert not report["server"]["proof_for_production"]
        assert "not proof for production" in ended.out
    page = (drills.folder / "report" / "report.html").read_text()
    assert report["verdict"].capitalize() in page
    return report


def test_state_and_collections_bring_everything_back_over_ssh(drills):
    ended = drills.run("--connect", "ssh", "--junit", str(drills.folder / "j.xml"))
    report = held_to_the_rules(ended, drills)
    assert (report["verdict"], ended.code) == ("recovered", 0), report["findings"]
    assert short(report) == set()
    assert report["connect"] == "ssh"
    assert {check["outcome"] for check in report["checks"]} == {"passed"}
    orgs = {line["org"] for line in report["fidelity"]}
    assert orgs == {"root", "OACME"}
    assert 0 < report["rpo_seconds"] < 120
    assert (drills.folder / "j.xml").read_text().count("<failure") == 0


def test_backup_and_collections_lose_what_no_backup_holds(drills):
    ended = drills.run("--strategy", "backup,collections")
    report = held_to_the_rules(ended, drills)
    assert (report["verdict"], ended.code) == ("recovered", 0), report["findings"]
    assert short(report) <= ONLY_STATE
    assert {"passwords", "client_metadata", "secrets"} <= short(report)
    assert all(line["expected"] for line in report["fidelity"] if line["lost"])


def test_the_package_alone_brings_the_root_orgs_clients_back(drills):
    ended = drills.run("--strategy", "redeploy", "--rto", "1s")
    report = held_to_the_rules(ended, drills)
    assert report["clients"]["unserved_orgs"] == ["OACME"]
    assert report["clients"]["expected_back"] == 3
    assert report["rpo_seconds"] is None
    assert {"flows", "hunts", "users", "orgs", "labels", "notebooks"} <= short(report)
    assert all(line["expected"] for line in report["fidelity"] if line["lost"])
    budget = [text for text in report["findings"] if "over its budget" in text]
    assert (report["findings"], ended.code) == (budget, 1)


def test_a_real_servers_own_files_come_back(drills):
    ended = drills.run("--scenario", "fixtures")
    report = held_to_the_rules(ended, drills)
    assert short(report) == set()
    assert report["strategy"] == ["backup", "collections"]
    (gone,) = report["findings"]
    assert "1 of 2 clients seen" in gone
    assert gone.endswith("not yet: C.19111fed7cb0ceed-OACME")
    assert ended.code == 1


def test_a_complete_copy_holds_what_was_acknowledged_before_it(drills):
    ended = drills.run("--strategy", "datastore")
    report = held_to_the_rules(ended, drills)
    assert (report["verdict"], ended.code) == ("recovered", 0), report["findings"]
    assert short(report) == set()
    # Clients worked while it was made: the table says how much of that came along.
    since = report["since_copy"]
    assert since["flows"] >= since["came_back"] > 0


def test_a_hot_spare_takes_over_with_what_was_acknowledged_before_the_last_sync(drills):
    ended = drills.run("--standby")
    report = held_to_the_rules(ended, drills)
    assert (report["verdict"], ended.code) == ("recovered", 0), report["findings"]
    assert report["scenario"] == "standby"
    assert short(report) == set()
    names = {check["name"]: check["outcome"] for check in report["checks"]}
    assert names["standby: a copy of the copy starts"] == "passed"
    assert report["since_copy"]["flows"] > 0
    assert {step["step"] for step in report["steps"]} >= {"fence the old server", "switch"}
