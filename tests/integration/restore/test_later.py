"""After a recovery: accounts that were held back are let in, hunts are released, clients sent."""

import json
import shutil
import subprocess
import tarfile
from datetime import timedelta
from types import SimpleNamespace

import pytest

from recovery.errors import CommandError
from recovery.restore.place_as_server import place_as_server
from recovery.small_tar import tar_of
from recovery.target import open_target
from recovery.vault.store import open_vault
from tests.integration.restore.conftest import CLONE, Captured, fresh_machine, same

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]


def recovery(fresh, *words: str, codes=(0, 1)) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [*fresh.command()[:3], *words], cwd=CLONE, capture_output=True, text=True, check=False
    )
    assert done.returncode in codes, done.stderr
    return done


def with_a_point_before(captured, folder, without: str) -> Captured:
    """The same vault, and in it the day before, when ``without`` had no account yet."""
    shutil.copytree(captured.vault, folder)
    vault, manifest = open_vault(str(folder)), captured.manifest
    state = []
    for one in manifest.state:
        kept = folder.parent / "kept.tar"
        with (
            tarfile.open(vault.fetch(one.tar, folder.parent / "all.tar")) as tar,
            tarfile.open(kept, "w", format=tarfile.PAX_FORMAT) as out,
        ):
            for member in tar:
                if not member.name.endswith(f"acl/{without}.json.db"):
                    out.addfile(member, tar.extractfile(member) if member.isreg() else None)
        with kept.open("rb") as stream:
            state.append(one.model_copy(update={"tar": vault.put(stream, one.tar.name)}))
    before = {"point": "20200101T000000Z-aaaaaa", "state": state}
    before |= {"captured_at": manifest.captured_at - timedelta(days=1)}
    vault.commit(manifest.model_copy(update=before))
    return Captured(folder, manifest, captured.config, captured.clients)


def test_a_new_administrator_is_held_back_let_in_later_and_gone_when_removed(captured, tmp_path):
    two = with_a_point_before(captured, tmp_path / "vault", "boss")
    approval = tmp_path / "approval.json"
    vault = ["--vault", str(two.vault), "--point", two.manifest.point]
    with fresh_machine(two) as fresh:
        first = fresh.restore()
        assert first["review the accounts"].findings == [
            "account held back: boss (new; administrator)"
        ]
        short = fresh.inventory()
        assert set(short.orgs["root"]["users"]) == {"alice"}
        assert set(short.orgs["root"]["acls"]) == {"alice"}
        verify = ["verify", "--target", fresh.uri, *vault, "--wait", "0", "--json"]
        verified = json.loads(recovery(fresh, *verify).stdout)
        assert verified["held_back"] == ["boss: administrator"]
        about = [line for line in verified["findings"] if "users" in line or "acls" in line]
        assert about == []

        approve = ["accounts", "approve", *vault, "--user", "boss", "--out", str(approval)]
        approved = json.loads(recovery(fresh, *approve, "--json").stdout)
        assert {row["user"] for row in approved["approved"]} == {"alice", "boss"}
        assert (approved["held_back"], approved["file"]) == ([], str(approval))
        second = fresh.restore(accounts=str(approval))
        assert second["let accounts in"].detail == "1 let in, with their passwords: boss"
        assert [finding for o in second.values() for finding in o.findings] == []
        assert same(two.manifest.inventory, fresh.inventory()) == {}
        states = "SELECT hunt_id, state FROM hunts()"
        assert {row["state"] for row in fresh.query(states)} == {"PAUSED"}
        release = ["hunts", "release", "--target", fresh.uri, *vault]
        other = recovery(fresh, *release, "--hunt", "H.OTHER", codes=(64,))
        assert "not running when" in other.stderr
        released = json.loads(recovery(fresh, *release, "--json").stdout)
        assert released == {"released": "2 hunts released", "findings": []}
        for org in ("root", "OACME"):
            assert {row["state"] for row in fresh.query(states, org=org)} == {"RUNNING"}
        assert recovery(fresh, *release).stdout == "0 hunts released\n"

        # Nobody led the clients here: that they are away is no finding, but what is left to do.
        words = fresh.command("--accounts", str(approval), "--json")[3:]
        third = json.loads(recovery(fresh, *words, codes=(0,)).stdout)
        status = {outcome["step"]: outcome["status"] for outcome in third["outcomes"]}
        assert status["let accounts in"] == "skipped"
        checks = {check["name"]: check for check in third["proof"]["checks"]}
        assert checks["clients: old clients back"]["outcome"] == "skipped"
        assert f"`recovery verify --target {fresh.uri} --vault" in third["facts"]["next"]
        assert "old clients back" in recovery(fresh, *verify, codes=(1,)).stdout

        a_switch_that_cannot_be_reached_is_a_finding(fresh, words)

        narrower = fresh.restore("server")["let accounts in"]
        assert any("boss: it stays until you remove it" in line for line in narrower.findings)
        fresh.query('SELECT user_delete(user="boss", really_do_it=TRUE) AS A FROM scope()')
        # A server keeps the name of an administrator, whom it counts to every org; the right goes.
        assert set(fresh.inventory().orgs["root"]["acls"]) == {"alice"}
        fresh.restore("server", accounts=str(approval))
        assert set(fresh.inventory().orgs["root"]["acls"]) == {"alice"}


def a_switch_that_cannot_be_reached_is_a_finding(fresh, words):
    """And the clients, whom nobody led here, are not waited for."""
    switch = ["--switch", "haproxy://127.0.0.1:1/velo", "--address", "127.0.0.4"]
    told = json.loads(recovery(fresh, *words, *switch, codes=(1,)).stdout)
    assert told["verdict"] == "recovered with findings"
    (finding,) = told["findings"]
    assert finding.startswith("the clients were not sent to 127.0.0.4: ")
    steps = [outcome["step"] for outcome in told["outcomes"]]
    assert steps[steps.index("send the clients") + 1] == "hold the forwarding"


def test_from_a_backup_alone_accounts_come_later_and_hunts_without_parameters_wait(fresh):
    named = {"strategy": ["backup"]}
    fresh.restore(users=["alice"], **named)
    assert set(fresh.inventory().orgs["root"]["users"]) == {"alice"}
    later = fresh.restore("server", **named)["let accounts in"]
    assert later.detail == "1 let in, without passwords: boss"
    captured, found = fresh.captured.manifest.inventory, fresh.inventory()
    assert found.orgs["root"]["acls"] == captured.orgs["root"]["acls"]

    (hunt,) = (row["hunt_id"] for row in fresh.query("SELECT hunt_id FROM hunts()"))
    vault = ["--vault", str(fresh.captured.vault), "--point", fresh.captured.manifest.point]
    release = ["hunts", "release", "--target", fresh.uri, *vault]
    held = recovery(fresh, *release)
    assert held.returncode == 1
    assert "0 hunts released" in held.stdout
    assert f"the hunt {hunt} stays paused: its parameters are lost" in held.stdout
    assert {row["state"] for row in fresh.query("SELECT state FROM hunts()")} == {"PAUSED"}
    assert "1 hunt released" in recovery(fresh, *release, "--hunt", hunt).stdout
    what_came_cut_off_is_not_placed(fresh)
    a_datastore_that_is_lost_once_more_comes_back(fresh)


def what_came_cut_off_is_not_placed(fresh):
    """A file without its end would stay: what is there already is never written over."""
    whole = tar_of({"users/late.db": b"x" * 20_000})
    target, config = open_target(fresh.uri), fresh.captured.config
    context = SimpleNamespace(target=target, config=config)
    file = f"{config.datastore}/users/late.db"
    with pytest.raises(CommandError, match="tar: "):
        place_as_server(context, whole[:12_000])
    assert target.run(["test", "-e", file], check=False).returncode == 1
    place_as_server(context, whole)
    assert target.run(["stat", "-c", "%s %U", file]).text == "20000 velociraptor"
    left = target.run(["sh", "-c", "ls /var/lib/velociraptor-recovery/at-work.*"], check=False)
    assert left.text == ""
    target.close()


def a_datastore_that_is_lost_once_more_comes_back(fresh):
    """Its disk, not the machine's own, which keeps the journal: nothing was done anew."""
    target, config = open_target(fresh.uri), fresh.captured.config
    lose = 'systemctl stop velociraptor_server && rm -rf "$1" && install -d -m 700 "$1"'
    target.run(["sh", "-c", lose, "lose", config.datastore])
    target.close()
    done = fresh.restore()
    assert done["place the state"].status == "done"
    assert [finding for o in done.values() for finding in o.findings] == []
    assert same(fresh.captured.manifest.inventory, fresh.inventory()) == {}


def test_archives_first_and_the_state_once_it_is_found(fresh):
    """Hunts come without their artifacts, which the state brings; nothing is imported twice."""
    flows = sum(one.kind == "flow" for one in fresh.captured.manifest.archives)
    first = fresh.restore(strategy=["collections"])
    have = fresh.inventory().orgs
    for org, items in fresh.captured.manifest.inventory.orgs.items():
        for item in ("hunts", "hunt_parameters", "hunt_results"):
            assert have[org][item] == items[item], (org, item)
    assert first["place the state"].detail.startswith("org records: 1 file")
    assert first["import the archives"].detail.startswith(
        f"{flows} flows imported, 0 there already, 2 hunts"
    )
    then = fresh.restore(strategy=["state", "collections"])
    assert then["place the state"].status == "done"
    assert then["import the archives"].detail.startswith(f"0 flows imported, {flows} there already")
    assert [found for outcome in then.values() for found in outcome.findings] == []
    assert same(fresh.captured.manifest.inventory, fresh.inventory()) == {}
