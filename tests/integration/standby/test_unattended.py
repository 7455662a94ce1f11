"""Unattended, and by SSH: whoever is cut off here is cut off from the operator, too."""

import time

import docker
import pytest

from recovery.errors import BadInputError, CommandError, TargetError
from recovery.standby.failback import failback
from recovery.standby.init_pair import init_pair
from recovery.standby.promote import promote
from recovery.standby.status import look
from recovery.standby.sync import sync
from recovery.standby.watch import Rhythm, watch
from recovery.velociraptor.config import SERVICE
from tests.integration.standby.conftest import LONG

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(600), LONG]
BY_SSH = True


def guarded(scene, seconds):
    one, two = scene.uris[scene.one], scene.uris[scene.two]
    return init_pair(scene.vault, one, two, scene.say, guard_seconds=seconds)


def seen_while(scene, running):
    """The sets of machines that served, as they were seen until the command ended."""
    seen = []
    while running.poll() is None:
        seen.append(tuple(scene.serves()))
        time.sleep(0.2)
    return seen, *(stream.decode() for stream in running.communicate())


def test_without_a_guard_it_never_replaces_one_that_may_still_serve(scene):
    sync(scene.vault, scene.pair, scene.say)
    scene.cut(scene.one)
    try:
        rhythm = Rhythm(sync=1, look=0.2, promote_after=0.5)
        assert watch(scene.vault, scene.pair, scene.switch, rhythm, scene.say, turns=2) is None
        assert any("is a person's to say" in line for line in scene.said)
        with pytest.raises(TargetError, match="may still serve"):
            promote(scene.vault, scene.pair, scene.switch, scene.say)
    finally:
        scene.mend(scene.one)
    assert scene.serves() == [scene.one]


def test_a_word_that_was_wrong_ends_when_both_are_seen(scene, back_to_one):
    """Said to be dead, only cut off: both serve, until the first look at both."""
    sync(scene.vault, scene.pair, scene.say)
    scene.cut(scene.one)
    try:
        dead = {"old_is_dead": True, "client_wait": 0}
        promote(scene.vault, scene.pair, scene.switch, scene.say, **dead)
    finally:
        scene.mend(scene.one)
    assert scene.serves() == [scene.one, scene.two]
    assert look(scene.vault, scene.pair).findings[0].startswith("BOTH machines serve")
    with pytest.raises(TargetError, match="served without the lease; it is stopped"):
        sync(scene.vault, scene.pair, scene.say)
    assert scene.serves() == [scene.two]
    # It still has its own datastore; to start that as a spare's would lose the other's work.
    with pytest.raises(BadInputError, match="was not made a spare since") as refused:
        promote(scene.vault, scene.pair, scene.switch, scene.say)
    assert "failback" in refused.value.hint
    assert scene.serves() == [scene.two]


def test_a_server_that_is_cut_off_stops_itself_is_replaced_and_returns_as_nothing(
    scene, back_to_one
):
    pair = guarded(scene, 12)
    sync(scene.vault, pair, scene.say)
    scene.cut(scene.one)
    try:
        words = ("--promote-after", "3s", "--every", "2s", "--check-every", "0s", "--no-switch")
        seen, _, said = seen_while(scene, scene.command("watch", *words))
        assert "ill for" in said
        assert "it has stopped itself by now" in said
        assert (scene.one, scene.two) not in seen
        assert seen[0] == (scene.one,)
        assert scene.serves() == [scene.two]
    finally:
        scene.mend(scene.one)
    scene.switch.to(scene.addresses[scene.two])
    client = docker.from_env()
    client.containers.get(scene.one).restart()
    client.close()
    scene.run(scene.one, f"sleep 3; systemctl start {SERVICE}", check=False)
    assert scene.serves() == [scene.two]
    with pytest.raises(CommandError) as refused:
        sync(scene.vault, pair, scene.say)
    assert "--only-follow" in refused.value.hint
    late = scene.collect(scene.two)
    done = failback(scene.vault, pair, scene.switch, scene.say)
    assert done.rpo == 0
    assert scene.serves() == [scene.one]
    assert late in scene.flows(scene.one)


def test_a_spare_that_is_away_lets_a_guarded_server_serve(scene, back_to_one):
    """Its notes are missing then: a promotion waits a whole deadline more."""
    pair = guarded(scene, 16)
    sync(scene.vault, pair, scene.say)
    scene.cut(scene.two)
    try:
        rhythm = Rhythm(sync=1, look=0.5)
        began = time.monotonic()
        while time.monotonic() - began < 22:
            watch(scene.vault, pair, None, rhythm, scene.say, turns=1)
            assert scene.serves() == [scene.one]
    finally:
        scene.mend(scene.two)
    scene.cut(scene.one)
    try:
        began = time.monotonic()
        dead = {"old_is_dead": True, "client_wait": 0}
        promote(scene.vault, pair, scene.switch, scene.say, **dead)
        assert time.monotonic() - began > 16
        assert scene.serves() == [scene.two]
    finally:
        scene.mend(scene.one)
