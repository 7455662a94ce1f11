"""No recovery point: a server package and a folder of old backups and exports."""

import json
import tarfile
import zipfile
from contextlib import closing

import pytest
import yaml

from recovery.capture.adopt_point import adopt
from recovery.errors import BadInputError
from recovery.restore.run_group import run_group
from recovery.target import open_target
from recovery.vault.store import open_vault
from recovery.velociraptor.api import open_api
from tests.integration.restore.conftest import Captured, fresh_machine, same
from tests.integration.restore.test_kills import ONLY_STATE, long

EVIL = "id-of-mallory"
pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]


def old_folder(captured, folder, *, archives):
    """What an operator may have kept by hand, under names of their own."""
    folder.mkdir()
    vault = open_vault(str(captured.vault))
    vault.fetch(captured.manifest.package.file, folder / "server.deb")
    (backup,) = [backup for backup in captured.manifest.backups if backup.org == "root"]
    vault.fetch(backup.file, folder / "an old backup.zip")
    for number, archive in enumerate(captured.manifest.archives if archives else []):
        vault.fetch(archive.file, folder / f"export {number}.zip")
    return folder


def nonce_of(captured, folder):
    """The other org's nonce, as its clients' config has it."""
    vault = open_vault(str(captured.vault))
    (state,) = [state for state in captured.manifest.state if state.org == "root"]
    with tarfile.open(vault.fetch(state.tar, folder / "state")) as tar:
        return json.load(tar.extractfile("orgs/OACME.json.db"))["nonce"]


def compile_otherwise(folder):
    """Exports of hunts that would have endpoints run something else; how many."""
    poisoned = 0
    for path in sorted(folder.glob("export *.zip")):
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        if "hunt_info.json" not in members:
            continue
        info = json.loads(members["hunt_info.json"])
        evil = [{"Query": [{"Name": "Evil", "VQL": f"SELECT * FROM execve(argv='{EVIL}')"}]}]
        info["start_request"]["compiled_collector_args"] = evil
        members["hunt_info.json"] = json.dumps(info).encode()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        poisoned += 1
    return poisoned


def adopted(captured, tmp_path, folder):
    vault = tmp_path / "adopted"
    manifest = adopt(folder, open_vault(str(vault)), lambda _: None)
    return Captured(vault, manifest, captured.config, captured.clients)


def test_package_backup_exports_and_a_note_bring_back_all_but_what_no_backup_holds(
    captured, tmp_path
):
    folder = old_folder(captured, tmp_path / "old", archives=True)
    assert compile_otherwise(folder) == 2
    note = {"OACME": {"name": "Acme", "nonce": nonce_of(captured, tmp_path)}}
    (folder / "note.yaml").write_text(yaml.safe_dump(note))
    little = adopted(captured, tmp_path, folder)
    said = []
    with fresh_machine(little) as fresh:
        done = fresh.restore(strategy=["backup", "collections"], say=said.append)
        again = fresh.restore(strategy=["backup", "collections"])
        found = fresh.inventory()
        hunts = fresh.query("SELECT hunt_id, state FROM hunts()")
        # What an export says is compiled is not what runs: the server compiles its own artifacts.
        asked = fresh.run("cat $(find /var/lib/velociraptor -path '*hunts/H.*/request*.db')").text
    assert asked.count('"compiled_collector_args"') + asked.count('"compiledCollectorArgs"') == 2
    assert EVIL not in asked
    gaps = [f"not captured: {gap}" for gap in little.manifest.gaps]
    assert [finding for o in done.values() for finding in o.findings] == gaps
    assert [finding for o in again.values() for finding in o.findings] == gaps
    before_anything = said[: said.index("install the package …")]
    assert all(f"not in this point: {gap}" in before_anything for gap in little.manifest.gaps)
    assert same(captured.manifest.inventory, found, ONLY_STATE) == {}
    assert {row["state"] for row in hunts} == {"PAUSED"}  # they ran


def test_a_folders_exports_are_added_to_a_server_that_came_back_from_elsewhere(captured, tmp_path):
    little = adopted(captured, tmp_path, old_folder(captured, tmp_path / "old", archives=True))
    with fresh_machine(captured) as fresh:
        a_server_that_runs_with_nothing_in_it(fresh)
        fresh.restore("server", strategy=["state"])
        request = little.request(fresh.uri, strategy=["collections"])
        steps = [run_group(group, request, lambda _: None) for group in ("server", "collections")]
        done = {outcome.step: outcome for result in steps for outcome in result.outcomes}
        found = fresh.inventory()
        again = fresh.restore("collections")
        exports = exports_alone(fresh, tmp_path)
        request = exports.request(fresh.uri, strategy=["collections"])
        # A server that this toolkit never touched is left as it is, too.
        which = "systemctl show velociraptor_server -p ExecMainPID -p ActiveEnterTimestamp"
        runs = fresh.run(f"rm -r /var/lib/velociraptor-recovery; {which}").text
        groups = ("server", "collections", "proof")
        live = [run_group(group, request, lambda _: None).outcomes for group in groups]
        still = fresh.run(which).text
        a_deleted_flow_of_a_hunt_that_runs_comes_back(fresh, request)
        another_point_over_it_is_refused_unless_said(fresh, which)
        assert same(captured.manifest.inventory, fresh.inventory(), ["flows", "uploads"]) == {}
    last = {outcome.step: outcome for outcomes in live for outcome in outcomes}
    assert last["install the package"].status == "skipped"
    assert (still, "ExecMainPID=0" in runs) == (runs, False)
    assert "0 flows imported" in last["import the archives"].detail
    assert not [finding for one in last.values() for finding in one.findings if "user" in finding]
    flows = sum(archive.kind == "flow" for archive in captured.manifest.archives)
    assert done["install the package"].status == "skipped"
    assert done["import the archives"].detail.startswith(f"{flows} flows imported, 0 there already")
    assert "0 flows imported" in again["import the archives"].detail
    assert same(captured.manifest.inventory, found) == {}


def exports_alone(fresh, tmp_path):
    """No package among it: the server says whose it is."""
    folder = tmp_path / "old"
    for name in ("server.deb", "an old backup.zip"):
        (folder / name).unlink()
    vault = open_vault(str(tmp_path / "exports"))
    with pytest.raises(BadInputError, match="no server package") as refused:
        adopt(folder, vault, lambda _: None)
    assert "--from URI" in refused.value.hint
    with closing(open_target(fresh.uri)) as target:
        manifest = adopt(folder, vault, lambda _: None, server=target)
    captured = fresh.captured.manifest
    assert manifest.package.origin == "found on the server"
    assert manifest.package.file.sha256 == captured.package.file.sha256
    assert manifest.server.deployment == captured.server.deployment
    assert manifest.server.kind == captured.server.kind
    return Captured(tmp_path / "exports", manifest, fresh.captured.config, fresh.captured.clients)


def a_server_that_runs_with_nothing_in_it(fresh):
    """As whoever installs the package by hand has it."""
    target, package = open_target(fresh.uri), fresh.captured.manifest.package.file
    path = fresh.captured.vault.parent / "by hand.deb"
    open_vault(str(fresh.captured.vault)).fetch(package, path)
    target.put(path, "/root/server.deb", mode=0o600)
    target.run(["dpkg", "-i", "/root/server.deb"], timeout=120)
    with open_api(target, fresh.captured.config) as api:
        api.wait_ready(60)
    target.close()


def a_deleted_flow_of_a_hunt_that_runs_comes_back(fresh, request):
    """A server counts it once more, and never counts down: it is named."""
    (hunt,) = (row["hunt_id"] for row in fresh.query("SELECT hunt_id FROM hunts()"))
    (flow,) = fresh.query("SELECT ClientId, FlowId FROM hunt_flows(hunt_id=H)", H=hunt)
    fresh.query("SELECT hunt_update(hunt_id=H, start=TRUE) AS A FROM scope()", H=hunt)
    gone = "SELECT * FROM delete_flow(client_id=C, flow_id=F, really_do_it=TRUE, sync=TRUE)"
    fresh.query(gone, C=flow["ClientId"], F=flow["FlowId"])
    outcomes = run_group("collections", request, lambda _: None).outcomes
    done = {outcome.step: outcome for outcome in outcomes}["import the archives"]
    assert done.detail.startswith("1 flow imported")
    assert f"root: the hunt {hunt} runs, and counts 1 client too many" in "".join(done.findings)
    assert fresh.query("SELECT state FROM hunts(hunt_id=H)", H=hunt) == [{"state": "RUNNING"}]


def another_point_over_it_is_refused_unless_said(fresh, which):
    """The journal is gone: whose server it is, and how much newer, nobody can tell."""
    journal = "ls /var/lib/velociraptor-recovery/*.jsonl"
    before = fresh.run(f"{which}; {journal}").text
    for strategy in (["state"], ["backup", "collections"], ["redeploy"]):
        with pytest.raises(BadInputError, match=r"2 clients, \d+ flows, 2 hunts") as refused:
            fresh.restore("server", strategy=strategy)
        assert "--over-running-server" in refused.value.hint
    assert fresh.run(f"{which}; {journal}").text == before
    over = {"over_running_server": True}
    fresh.restore("server", strategy=["redeploy"], **over)
    # By now it is this point's own, and serves: state is no less a loss to it.
    before = fresh.run(which).text
    with pytest.raises(BadInputError, match="written since the point was captured: "):
        fresh.restore("server", strategy=["state"])
    assert fresh.run(which).text == before
    assert fresh.restore("server", strategy=["state"], **over)["place the state"].status == "done"
    assert fresh.run(which).text != before
    assert fresh.restore("server", strategy=["state"])["place the state"].status == "already done"


def test_orgs_known_by_their_exports_alone_are_made_before_the_import(captured, tmp_path):
    folder = old_folder(captured, tmp_path / "old", archives=True)
    (folder / "an old backup.zip").unlink()
    little = adopted(captured, tmp_path, folder)
    assert "OACME: its nonce; its clients are refused until it is put back" in little.manifest.gaps
    with fresh_machine(little) as fresh:
        done = fresh.restore(strategy=["redeploy", "collections"])
        found = fresh.inventory()
    findings = done["import the archives"].findings
    assert any(line.startswith("OACME: its nonce is in no file") for line in findings)
    known = captured.manifest.inventory
    for org in ("root", "OACME"):
        assert found.orgs[org]["flows"] == known.orgs[org]["flows"]
        assert found.orgs[org]["uploads"] == known.orgs[org]["uploads"]


@long
def test_package_and_backup_alone_say_what_is_missing(captured, tmp_path):
    little = adopted(captured, tmp_path, old_folder(captured, tmp_path / "old", archives=False))
    with fresh_machine(little) as fresh:
        done = fresh.restore(strategy=["backup", "collections"])
        found = fresh.inventory()
    findings = "\n".join(finding for o in done.values() for finding in o.findings)
    assert "OACME: its nonce" in findings
    assert "parameters and limits of H." in findings
    known = captured.manifest.inventory
    short = same(known, found, ONLY_STATE | {"flows", "uploads", "hunt_results"})
    assert set(short) == {
        ("root", "orgs"),
        ("root", "hunt_parameters"),
        ("OACME", "hunt_parameters"),
    }
    assert found.orgs["OACME"]["clients"] == known.orgs["OACME"]["clients"]
