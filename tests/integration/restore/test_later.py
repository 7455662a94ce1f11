"""After a recovery: accounts that were held back are let in, hunts are released, clients sent."""

import subprocess

import pytest

from tests.integration.restore.conftest import CLONE, same

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]


def recovery(fresh, *words: str) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [*fresh.command()[:3], *words], cwd=CLONE, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done


def test_a_held_back_account_is_let_in_later_and_stays_removed_when_it_is_removed(fresh, tmp_path):
    captured = fresh.captured.manifest.inventory
    rules, approval = tmp_path / "rules.yaml", tmp_path / "approval.json"
    rules.write_text("names: any\nadministrators: []\n")
    first = fresh.restore(accounts=str(rules))
    held = first["review the accounts"].findings
    assert any("held back: boss" in finding for finding in held), held
    short = fresh.inventory()
    assert "boss" not in short.orgs["root"]["users"]
    assert "boss" not in short.orgs["root"]["acls"]

    vault = ["--vault", str(fresh.captured.vault), "--point", fresh.captured.manifest.point]
    recovery(fresh, "accounts", "approve", *vault, "--policy", "all", "--out", str(approval))
    second = fresh.restore(accounts=str(approval))
    assert "with their passwords: boss" in second["let accounts in"].detail
    assert [finding for o in second.values() for finding in o.findings] == []
    assert same(captured, fresh.inventory()) == {}
    third = fresh.restore(accounts=str(approval))
    assert third["let accounts in"].status == "skipped"

    narrower = fresh.restore("server", accounts=str(rules))["let accounts in"]
    assert any("boss: it stays until you remove it" in line for line in narrower.findings)
    fresh.query('SELECT user_delete(user="boss", really_do_it=TRUE) AS A FROM scope()')
    assert "boss" not in fresh.inventory().orgs["root"]["users"]
    fresh.restore(accounts=str(approval))
    assert "boss" not in fresh.inventory().orgs["root"]["users"]


def test_a_backups_account_is_let_in_later_and_hunts_are_released_once(fresh):
    named = {"strategy": ["backup", "collections"]}
    fresh.restore(users=["alice"], **named)
    assert set(fresh.inventory().orgs["root"]["users"]) == {"alice"}
    later = fresh.restore(**named)
    assert "without passwords" in later["let accounts in"].detail
    assert "boss" in later["let accounts in"].detail
    captured, found = fresh.captured.manifest.inventory, fresh.inventory()
    assert found.orgs["root"]["acls"] == captured.orgs["root"]["acls"]

    states = "SELECT hunt_id, state FROM hunts()"
    assert {row["state"] for row in fresh.query(states)} <= {"PAUSED", "STOPPED"}
    vault = ["--vault", str(fresh.captured.vault), "--point", fresh.captured.manifest.point]
    release = ["hunts", "release", "--target", fresh.uri, *vault]
    (hunt,) = {row["hunt_id"] for row in fresh.query(states)}
    assert "0 hunts released" in recovery(fresh, *release, "--hunt", "H.OTHER").stdout
    assert "2 hunts released" in recovery(fresh, *release).stdout
    assert {row["state"] for row in fresh.query(states)} == {"RUNNING"}
    assert fresh.query(states, org="OACME")[0]["state"] == "RUNNING"
    assert "0 hunts released" in recovery(fresh, *release).stdout
    assert {row["hunt_id"] for row in fresh.query(states)} == {hunt}
