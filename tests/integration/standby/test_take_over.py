"""The spare takes over: once, from wherever it is cut off, and never beside the old server."""

import pytest

from recovery.standby.failback import failback
from recovery.standby.pair import who_serves
from recovery.standby.promote import promote
from recovery.standby.sync import sync
from recovery.velociraptor.config import SERVICE

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]


class Killed(BaseException):
    """As if the process had ended here."""


class Until:
    """Takes progress lines, and is killed at the ``number``-th step's end."""

    def __init__(self, number):
        self.left = number
        self.lines = []

    def __call__(self, line):
        self.lines.append(line)
        if " s" in line and "·" in line:
            self.left -= 1
            if self.left == 0:
                raise Killed


def killed_at_every_step(act):
    """Runs ``act`` again and again, each time killed one step later; how many kills it took."""
    number = 0
    while True:
        number += 1
        try:
            return act(Until(number)), number - 1
        except Killed:
            continue


def test_promoted_through_a_kill_at_every_step_and_back_the_same_way(scene):
    flow = scene.collect(scene.one)
    sync(scene.vault, scene.pair, scene.say)
    done, kills = killed_at_every_step(
        lambda say: promote(scene.vault, scene.pair, scene.switch, say)
    )
    assert kills >= 6
    assert scene.serves() == [scene.two]
    assert done.findings == []
    assert (done.back, done.clients) == (1, 1)
    assert flow in scene.flows(scene.two)
    later = scene.collect(scene.two)
    back, kills = killed_at_every_step(
        lambda say: failback(scene.vault, scene.pair, scene.switch, say)
    )
    assert kills >= 6
    assert scene.serves() == [scene.one]
    assert back.findings == []
    assert {flow, later} <= scene.flows(scene.one)
    assert who_serves(scene.vault, scene.pair)[1].uri == f"docker://{scene.one}"


def test_a_planned_promotion_loses_nothing_and_brings_the_clients(scene, back_to_one):
    sync(scene.vault, scene.pair, scene.say)
    done = promote(scene.vault, scene.pair, scene.switch, scene.say)
    assert (done.rpo, done.back, done.clients) == (0, 1, 1)
    assert done.served is not None


def test_a_server_that_crashed_has_an_older_list_than_its_spare(scene, back_to_one):
    """The label is in memory, and by the last sync on the spare; on the disk it is not yet."""
    # One that was written a moment before the sync began is older, too.
    lists = f"{scene.config.datastore}/client_info/snapshot.json"
    scene.run(scene.one, f"touch {lists}")
    label = "SELECT label(client_id=C, labels='seen', op='set') AS A FROM scope()"
    scene.query(scene.one, label, C=scene.client)
    sync(scene.vault, scene.pair, scene.say)
    # One that systemd starts again has lost the label itself, and writes such a list at its end.
    drop_ins = f"/run/systemd/system/{SERVICE}.d"
    stays = f"mkdir -p {drop_ins}; printf '[Service]\nRestart=no\n' > {drop_ins}/crashed.conf"
    scene.run(scene.one, f"{stays}; systemctl daemon-reload")
    scene.run(scene.one, f"systemctl kill --kill-who=all -s KILL {SERVICE}")
    scene.run(scene.one, f"rm {drop_ins}/crashed.conf; systemctl daemon-reload")
    done = promote(scene.vault, scene.pair, scene.switch, scene.say)
    assert scene.serves() == [scene.two]
    asked = "SELECT labels FROM clients(client_id=C)"
    assert "seen" in scene.query(scene.two, asked, C=scene.client)[0]["labels"]
    assert any("no sign that the old server ended cleanly" in line for line in done.findings)
    assert done.clients == 1
