"""Never two at once: whatever is cut, killed, or comes back."""

import time

import pytest

from recovery.standby.promote import promote
from recovery.standby.sync import sync
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
        running = scene.command("promote", "--no-switch")
        time.sleep(seconds)
        running.kill()
        running.communicate()
        assert len(scene.serves()) <= 1
    promote(scene.vault, scene.pair, scene.switch, scene.say)
    assert scene.serves() == [scene.two]
