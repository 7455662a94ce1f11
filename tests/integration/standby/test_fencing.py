"""Never two at once: whatever is cut, killed, or comes back."""

import time

import pytest

from recovery.errors import RecoveryError
from recovery.restore.hold_service import release_argv
from recovery.standby import guard
from recovery.standby.promote import promote
from recovery.standby.sync import sync
from recovery.target import open_target
from recovery.velociraptor.config import SERVICE

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]


def test_a_cut_network_leaves_one_that_serves(scene, back_to_one):
    sync(scene.vault, scene.pair, scene.say)
    scene.cut(scene.one)
    try:
        done = promote(scene.vault, scene.pair, scene.switch, scene.say, client_wait=0)
        assert scene.serves() == [scene.two]
        assert any("last sync" in line for line in done.findings)
        assert scene.switch.current() == scene.addresses[scene.two]
        # Not even a reboot, or a person who starts it by hand, makes the old one serve again.
        scene.run(scene.one, f"systemctl start {SERVICE}", check=False)
        assert scene.serves() == [scene.two]
    finally:
        scene.mend(scene.one)


def test_two_promotions_at_once_make_one(scene, back_to_one):
    sync(scene.vault, scene.pair, scene.say)
    first, second = (scene.command("promote", "--no-switch") for _ in range(2))
    said = [process.communicate(timeout=120)[1].decode() for process in (first, second)]
    assert 0 in (first.returncode, second.returncode), said
    assert scene.serves() == [scene.two]


def test_a_killed_command_is_gone_on_with(scene, back_to_one):
    sync(scene.vault, scene.pair, scene.say)
    for seconds in (1.0, 1.8, 2.6):
        # By name: one that ended before it could be killed is not to be turned round.
        running = scene.command("promote", "--no-switch", "--to", scene.uris[scene.two])
        time.sleep(seconds)
        running.kill()
        running.communicate()
        assert len(scene.serves()) <= 1
    promote(scene.vault, scene.pair, scene.switch, scene.say, to=scene.uris[scene.two])
    assert scene.serves() == [scene.two]


def test_a_server_that_hears_nothing_stops_itself(scene, back_to_one):
    one, two = (open_target(f"docker://{name}") for name in (scene.one, scene.two))
    guard.install(one)
    guard.renew(one, two, 600)
    assert scene.serves() == [scene.one]
    guard.renew(one, two, 1)
    guard.wait_until_fenced(two, scene.say)
    assert scene.serves() == []
    guard.remove(one)
    one.run(release_argv())
    scene.query(scene.one, "SELECT 1 AS Ready FROM scope()")


def test_a_server_that_does_not_stop_is_killed_in_time(scene, back_to_one):
    """Its unit would give it a minute; the spare waits for the guard's margin, and no longer."""
    one, two = (open_target(f"docker://{name}") for name in (scene.one, scene.two))
    main = scene.run(scene.one, f"systemctl show {SERVICE} -p MainPID --value")
    guard.install(one)
    one.run(["kill", "-STOP", main])
    guard.renew(one, two, 1)
    guard.wait_until_fenced(two, scene.say)
    assert scene.serves() == []
    assert scene.run(scene.one, f"kill -0 {main} 2>/dev/null || echo gone") == "gone"
    guard.remove(one)
    one.run(release_argv())
    scene.query(scene.one, "SELECT 1 AS Ready FROM scope()")


def test_unattended_it_takes_over_from_one_whose_service_stays_away(scene, back_to_one):
    sync(scene.vault, scene.pair, scene.say)
    scene.run(scene.one, f"systemctl stop {SERVICE}")
    after = time.monotonic()
    words = ("--promote-after", "4s", "--every", "30s", "--check-every", "0s", "--no-switch")
    running = scene.command("watch", *words)
    out, said = (stream.decode() for stream in running.communicate(timeout=120))
    assert time.monotonic() - after > 4
    assert running.returncode == 0, (out, said)
    assert "lost: nothing" in out
    assert scene.serves() == [scene.two]


def test_a_spare_without_a_copy_is_none(scene, back_to_one):
    scene.run(scene.two, "mv /var/lib/velociraptor-recovery/standby/last-sync.json /root/")
    try:
        with pytest.raises(RecoveryError, match="no usable spare"):
            promote(scene.vault, scene.pair, scene.switch, scene.say)
    finally:
        scene.run(scene.two, "mv /root/last-sync.json /var/lib/velociraptor-recovery/standby/")
    assert scene.serves() == [scene.one]
