"""Restores on a machine of their own: everything, twice, and only what was chosen."""

import json
import subprocess
import tarfile
import tempfile
import time
import zipfile
from pathlib import Path

import pytest

from recovery.vault.store import open_vault
from recovery.velociraptor.backup_file import read_rows
from tests.integration.restore.conftest import CLONE, same

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]
HUNTS = """
SELECT hunt_id, state, stats.total_clients_with_results AS R, stats.total_collected_rows AS N
FROM hunts()
"""


def test_state_and_collections_bring_everything_back_once_also_the_second_time(fresh):
    captured = fresh.captured.manifest.inventory
    first = fresh.restore()
    assert [finding for o in first.values() for finding in o.findings] == []
    assert same(captured, fresh.inventory()) == {}
    assert counted(fresh) == when_captured(fresh.captured)
    again = fresh.restore()
    assert "0 flows imported" in again["import the archives"].detail
    assert [finding for o in again.values() for finding in o.findings] == []
    assert same(captured, fresh.inventory()) == {}
    assert counted(fresh) == when_captured(fresh.captured)


def test_a_backup_alone_survives_a_crash(fresh):
    captured = fresh.captured.manifest.inventory
    done = fresh.restore(strategy=["backup", "collections"])
    assert [finding for o in done.values() for finding in o.findings] == []
    only_state = {
        "passwords",
        "user_options",
        "client_metadata",
        "server_metadata",
        "client_monitoring",
        "server_monitoring",
        "secrets",
    }
    assert same(captured, fresh.inventory(), only_state) == {}
    assert counted(fresh) == when_captured(fresh.captured)
    assert took_part(fresh) == in_state(fresh.captured, "hunt_index/")
    fresh.run(
        "systemctl kill --kill-who=all --signal=SIGKILL velociraptor_server; sleep 1; "
        "systemctl reset-failed velociraptor_server; systemctl start velociraptor_server"
    )
    assert same(captured, fresh.inventory(), only_state) == {}


def counted(fresh):
    """Hunt → its state, clients with results and rows, as the server tells of them."""
    return {
        (org, row["hunt_id"]): (row["state"], row["R"] or 0, row["N"] or 0)
        for org in ("root", "OACME")
        for row in fresh.query(HUNTS, org=org)
    }


def took_part(fresh):
    """The files by which the server knows who is not to run a hunt again."""
    found = fresh.run('cd /var/lib/velociraptor && find . -path "*hunt_index/*" -type f').text
    return {line.removeprefix("./") for line in found.splitlines()}


def in_state(captured, folder):
    """The captured state's files below a folder of that name."""
    found = set()
    vault = open_vault(str(captured.vault))
    with tempfile.TemporaryDirectory() as work:
        for state in captured.manifest.state:
            with tarfile.open(vault.fetch(state.tar, Path(work) / state.org)) as tar:
                found |= {name for name in tar.getnames() if folder in name}
    assert found
    return found


def when_captured(captured):
    """The same at the capture, as the backup has it: what ran is to be paused."""
    found = {}
    vault = open_vault(str(captured.vault))
    (backup,) = [backup for backup in captured.manifest.backups if backup.org == "root"]
    with tempfile.TemporaryDirectory() as folder:
        path = vault.fetch(backup.file, Path(folder) / "backup.zip")
        with zipfile.ZipFile(path) as archive:
            for org in ("root", "OACME"):
                for row in read_rows(archive, f"orgs/{org}/hunts.json"):
                    stats = row["stats"]
                    found[org, row["hunt_id"]] = (
                        "PAUSED",
                        int(stats["total_clients_with_results"]),
                        int(stats["total_collected_rows"]),
                    )
    assert any(rows for _, _, rows in found.values())
    return found


def test_only_what_was_chosen_comes_back(fresh):
    captured = fresh.captured.manifest.inventory
    said = []
    done = fresh.restore(
        providers=["users", "hunts", "ACL", "Repository"],
        users=["alice"],
        artifacts=["Custom.*.Rows"],
        orgs=["root"],
        say=said.append,
    )
    assert [finding for o in done.values() for finding in o.findings] == []
    found = fresh.inventory()
    assert list(found.orgs) == ["root"]
    assert set(found.orgs["root"]["users"]) == {"alice"}
    assert found.orgs["root"]["passwords"] == {"alice": captured.orgs["root"]["passwords"]["alice"]}
    assert found.orgs["root"]["hunt_parameters"] == captured.orgs["root"]["hunt_parameters"]
    assert set(found.orgs["root"]["artifacts"]) == {"Custom.Test.Rows"}
    assert all(".H" in key for key in found.orgs["root"]["flows"])
    assert len(found.orgs["root"]["flows"]) == 1
    assert any("left out by choice" in line for line in said)


def verified(fresh, *words):
    """What ``recovery verify`` says of the machine, and its exit code."""
    done = subprocess.run(
        [
            *fresh.command()[:3],
            "verify",
            *("--json", "--target", fresh.uri, "--wait", "0", *words),
            *("--vault", str(fresh.captured.vault), "--point", fresh.captured.manifest.point),
        ],
        cwd=CLONE,
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(done.stdout), done.returncode


def test_what_was_not_chosen_is_shown_as_such_and_a_datastore_before_as_a_finding(fresh):
    """The machine had a server once: an account that was on it, and nothing else."""
    store = "/var/lib/velociraptor"
    fresh.run(f"mkdir -p {store}/users {store}/acl; printf '\\012\\003old' > {store}/users/old.db")
    done = fresh.restore(orgs=["root"], providers=["users", "clients", "artifacts"])
    (said,) = done["install the package"].findings
    assert said.startswith(f"the machine had a datastore before this recovery: {store}, 1 file,")
    assert said.endswith("1 user record among it")
    report, code = verified(fresh)
    chosen = fresh.captured.manifest.inventory.orgs["root"]
    (users,) = [line for line in report["fidelity"] if line["item"] == "users"]
    assert (users["captured"], users["lost"]) == (len(chosen["users"]), 0)
    assert users["unknown"] == ["old"]
    assert [line for line in report["findings"] if "lost" in line] == []
    assert report["not_chosen"]["flows"] == sum(
        len(items["flows"]) for items in fresh.captured.manifest.inventory.orgs.values()
    )
    assert code == 1  # the account that was there before
    report, code = verified(fresh, "--everything")
    assert (code, report["not_chosen"]) == (1, {})
    assert any(line.startswith("OACME: clients: 1 lost") for line in report["findings"])


LISTING = (
    "cd /var/lib/velociraptor && find . -type f -not -path './server_artifact*' "
    "-not -path './orgs/*/server_artifact*' -not -path './logs/*' "
    "-not -path '*/client_info/*' -not -name 'index.json*' "
    "-print0 | sort -z | xargs -0 sha256sum; "
    "systemctl show velociraptor_server -p ActiveEnterTimestamp; dpkg -l | md5sum; "
    "find /etc /var/lib/velociraptor-recovery -type f -print0 | sort -z | xargs -0 sha256sum"
)
"""Everything on the machine that could be changed, but what the server logs and lists by itself."""


def settled(fresh):
    """The listing once it stays the same: a server writes its hunts' counts some seconds later."""
    last = []
    for _ in range(12):
        found = fresh.run(LISTING).text.splitlines()
        if found == last:
            return found
        last = found
        time.sleep(8)
    pytest.fail("the server goes on writing by itself")


def test_verify_changes_nothing_and_says_what_is_short(fresh):
    fresh.restore()
    fresh.query('SELECT server_set_metadata(metadata=dict(note="other")) AS A FROM scope()')
    before = settled(fresh)
    report, code = verified(fresh)
    after = fresh.run(LISTING).text.splitlines()
    assert sorted(set(after) ^ set(before)) == []
    assert any("server_metadata" in finding for finding in report["findings"]), report
    assert code == 1
