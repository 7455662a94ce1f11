"""The spare follows: whole, current, and honest about it."""

import re
import shlex
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from recovery.errors import CommandError, TargetError
from recovery.standby.pair import read_pair
from recovery.standby.places import KEY, ROLE, ROOM
from recovery.standby.role import take_role_argv
from recovery.standby.status import look
from recovery.standby.sync import sync
from recovery.standby.try_copy import try_copy
from recovery.standby.watch import Rhythm, watch
from recovery.target import open_target
from recovery.velociraptor.config import SERVICE
from recovery.velociraptor.paths import BINARY_PATH, CONFIG_PATH
from tests.integration.standby.conftest import until

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600)]
LABEL = "SELECT label(client_id=C, labels='late', op='set') AS A FROM scope()"


def test_a_spare_is_installed_and_held(scene):
    assert scene.serves() == [scene.one]
    assert (
        scene.run(scene.two, f"systemctl start {SERVICE}; systemctl is-active {SERVICE} || :")
        == "inactive"
    )
    assert read_pair(scene.vault) == scene.pair


def test_a_sync_has_what_was_acknowledged_and_the_list_from_memory(scene):
    flow = scene.collect(scene.one)
    # Not on the server's disk for minutes (facts: client_info_write_time).
    scene.query(scene.one, LABEL, C=scene.client)
    done = sync(scene.vault, scene.pair, scene.say)
    assert done.findings == []
    assert done.clients == 1
    ds = scene.config.datastore
    listed = scene.run(scene.two, f"cat {ds}/client_info/snapshot.json")
    assert b"late".hex() in listed
    assert b"late".hex() not in scene.run(scene.one, f"cat {ds}/client_info/snapshot.json || :")
    assert flow in scene.run(scene.two, f"ls {ds}/clients/{scene.client}/collections")
    assert scene.run(scene.one, f"ls {ds}/backups 2>/dev/null || :") == ""


def test_files_have_the_owner_of_the_spares_own_package(scene):
    uids = [scene.run(name, "id -u velociraptor") for name in (scene.one, scene.two)]
    assert uids[0] != uids[1]
    ds = scene.config.datastore
    assert scene.run(scene.two, f"find {ds} ! -user velociraptor") == ""


def test_the_lag_is_measured_and_within_the_default_timer(scene):
    sync(scene.vault, scene.pair, scene.say)
    began = time.monotonic()
    seconds = sync(scene.vault, scene.pair, scene.say).seconds
    found = look(scene.vault, scene.pair)
    # Timer of 30 s and the sync itself: the oldest that the copy ever is.
    assert 30 + seconds < 60
    assert found.lag is not None
    assert found.lag <= time.monotonic() - began + 2


def test_the_key_reads_the_datastore_and_runs_nothing_else(scene):
    address = scene.addresses[scene.one]
    ssh = f"ssh -F none -i {KEY} -o BatchMode=yes -o UserKnownHostsFile={KEY}/../known_hosts"
    ssh = ssh.replace(f"{KEY}/../", f"{KEY.rpartition('/')[0]}/")
    for command in ("id", "cat /etc/shadow", "rsync --server --sender -e.x . /etc/"):
        ended = scene.run(scene.two, f"{ssh} root@{address} '{command}' 2>&1; echo code $?")
        assert ended.splitlines()[-2:] == ["refused", "code 126"]


def test_a_copy_of_the_copy_is_really_started(scene):
    sync(scene.vault, scene.pair, scene.say)
    told = try_copy(scene.vault, scene.pair, scene.say)
    assert told["usable"], told
    assert told["clients"] == 1
    assert scene.serves() == [scene.one]
    assert "trial" not in scene.run(scene.two, "ls /var/lib/velociraptor-recovery/standby")


class SeenError(Exception):
    """The trial has ended, and was said."""


SLOW_TAR = """#!/bin/sh
# As slow as a copy of hundreds of gigabytes, but for the lists.
case "$*" in *--exclude=*) touch /srv/copying; sleep 5;; esac
exec /usr/bin/tar "$@"
"""
SLOW_SERVER = """#!/bin/sh
# The trial's server takes its time; every other call is as it was.
case "$*" in *trial/server.config.yaml*frontend*) sleep 5;; esac
exec /usr/local/bin/velociraptor.real "$@"
"""


@pytest.fixture
def slow_trial(scene):
    """A spare whose trials take ten seconds more: five of copying, five until an answer."""
    target = open_target(f"docker://{scene.two}")
    target.put(SLOW_TAR.encode(), "/usr/local/bin/tar", mode=0o755)
    target.run(["mv", BINARY_PATH, "/usr/local/bin/velociraptor.real"])
    target.put(SLOW_SERVER.encode(), BINARY_PATH, mode=0o755)
    yield
    target.run(["mv", "/usr/local/bin/velociraptor.real", BINARY_PATH])
    target.run(["rm", "-f", "/usr/local/bin/tar", "/srv/copying"])
    target.close()


def test_syncs_go_on_while_a_large_copy_is_tried(scene, slow_trial):
    sync(scene.vault, scene.pair, scene.say)
    ages = []
    began = time.monotonic()

    def looked(status):
        ages.append(status.lag)
        if any("a copy of it starts" in line for line in scene.said):
            raise SeenError
        assert time.monotonic() - began < 240, scene.said

    scene.said.clear()
    rhythm = Rhythm(sync=2, look=0.5, check=3600)
    with pytest.raises(SeenError):
        watch(scene.vault, scene.pair, None, rhythm, scene.say, looked=looked)
    assert time.monotonic() - began > 10
    assert not any("another sync is at work" in line for line in scene.said), scene.said
    # A trial that held the syncs up would show as its whole length, ten seconds at least.
    assert len(ages) > 3
    assert max(ages) < 10


UNITS = "systemctl list-units --plain --no-legend 'velociraptor-recovery-trial*'"


def test_who_takes_over_waits_for_no_trial_and_ends_it(scene, slow_trial):
    sync(scene.vault, scene.pair, scene.say)
    for begun in ("ls /srv/copying", f"{UNITS} | grep -w velociraptor-recovery-trial.service"):
        with ThreadPoolExecutor(1) as beside:
            trial = beside.submit(try_copy, scene.vault, scene.pair, scene.say)
            until(lambda look=begun: scene.run(scene.two, f"{look} 2>/dev/null || :"))
            with pytest.raises(TargetError, match="another trial"):
                try_copy(scene.vault, scene.pair, scene.say)
            began = time.monotonic()
            scene.run(scene.two, shlex.join(take_role_argv("spare", scene.config.datastore)))
            assert time.monotonic() - began < 5
            with pytest.raises(TargetError, match="ended it"):
                trial.result(30)
        left = f"ls {ROOM}; {UNITS}"
        until(lambda look=left: "trial" not in scene.run(scene.two, look), 20)


def test_an_unusable_copy_says_so_from_then_on(scene):
    ds = scene.config.datastore
    sync(scene.vault, scene.pair, scene.say)
    scene.run(scene.two, f"mv {ds}/client_info {ds}/hidden")
    told = try_copy(scene.vault, scene.pair, scene.say)
    assert not told["usable"]
    found = look(scene.vault, scene.pair)
    assert any("NOT USABLE" in line for line in found.findings)
    scene.run(scene.two, f"rm -rf {ds}/hidden")
    sync(scene.vault, scene.pair, scene.say)
    told = try_copy(scene.vault, scene.pair, scene.say)
    assert told["usable"], told


def test_a_full_disk_on_the_spare_is_said_and_the_age_goes_on(scene):
    ds = scene.config.datastore
    before = look(scene.vault, scene.pair).spare.last
    scene.run(scene.two, f"mount -t tmpfs -o size=64k tmpfs {ds}")
    try:
        with pytest.raises(CommandError) as full:
            sync(scene.vault, scene.pair, scene.say)
        assert "make space" in full.value.hint
        assert look(scene.vault, scene.pair).spare.last.began == before.began
    finally:
        scene.run(scene.two, f"umount {ds}")
    assert sync(scene.vault, scene.pair, scene.say).findings == []


def test_a_killed_sync_is_gone_on_with(scene):
    ds = scene.config.datastore
    scene.run(
        scene.one,
        f"runuser -u velociraptor -- dd if=/dev/urandom of={ds}/big bs=1M count=64 status=none",
    )
    for seconds in (0.8, 1.6, 2.4):
        running = scene.command("sync")
        time.sleep(seconds)
        running.kill()
        running.wait()
        running.stdout.close()
        running.stderr.close()
    until(lambda: synced(scene))
    sums = {scene.run(name, f"sha256sum {ds}/big") for name in (scene.one, scene.two)}
    assert len(sums) == 1
    scene.run(scene.one, f"rm {ds}/big")


def synced(scene):
    """False while the killed one's rsync still runs on the spare, under the lock, to its end."""
    try:
        return sync(scene.vault, scene.pair, scene.say)
    except CommandError as busy:
        if "another sync is at work" not in busy.message:
            raise
        return None


def test_a_source_that_lost_its_datastore_empties_no_spare(scene):
    ds = scene.config.datastore
    files = f"find {ds} -type f | wc -l"
    before = int(scene.run(scene.two, files))
    scene.run(scene.one, f"systemctl stop {SERVICE}; mount -t tmpfs tmpfs {ds}")
    try:
        with pytest.raises(TargetError, match="there is no datastore"):
            sync(scene.vault, scene.pair, scene.say)
    finally:
        scene.run(scene.one, f"umount {ds}; systemctl start {SERVICE}")
        scene.query(scene.one, "SELECT 1 AS Ready FROM scope()")
    assert int(scene.run(scene.two, files)) == before > 10


def test_a_skewed_clock_changes_no_age_and_is_said(scene):
    shifted = '#!/bin/sh\\nexec /bin/date -d "+1 hour" "$@"\\n'
    scene.run(scene.two, f"printf '{shifted}' > /usr/local/bin/date; chmod 755 /usr/local/bin/date")
    try:
        assert sync(scene.vault, scene.pair, scene.say).findings == []
        found = look(scene.vault, scene.pair)
        assert found.lag is not None
        assert found.lag < 60
        told = [re.search(r"clock of .* is \+(\d+) s off", line) for line in found.findings]
        # To the second only on a machine that answers at once.
        assert [abs(int(one[1]) - 3600) < 30 for one in told if one] == [True]
    finally:
        scene.run(scene.two, "rm /usr/local/bin/date")


def test_a_newer_config_follows(scene):
    scene.run(scene.one, f"echo '# changed' >> {CONFIG_PATH}")
    sync(scene.vault, scene.pair, scene.say)
    sums = {scene.run(name, f"sha256sum {CONFIG_PATH}") for name in (scene.one, scene.two)}
    assert len(sums) == 1
    assert scene.run(scene.two, f"stat -c '%a %U:%G' {CONFIG_PATH}") == "640 root:velociraptor"
    assert scene.run(scene.two, f"cat {ROLE}") == "spare"
