"""However a drill ends, nothing of it is left, and nothing of anybody else's is touched."""

import json
import os
import signal
import time

import pytest

from recovery.settings import base_image

pytestmark = [pytest.mark.docker, pytest.mark.pulumi, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.mark.parametrize(
    ("words", "number", "code"),
    [("set the stage", signal.SIGINT, 130), ("install the package", signal.SIGTERM, 143)],
)
def test_an_interrupted_drill_leaves_nothing(drills, words, number, code):
    process = drills.start()
    drills.wait_for(process, f"{words} …")
    time.sleep(0.5)
    process.send_signal(number)
    ended = drills.ended(process)
    assert ended.code == code
    assert "nothing is left of it" in ended.err
    assert drills.left(ended.run) == []
    assert ended.report is None


def test_what_a_killed_drill_left_is_cleaned_up_and_no_running_one(drills):
    process = drills.start()
    drills.wait_for(process, "deploy the production server …")
    run = (drills.folder / "err").read_text().split("drill ", 1)[1][:6]
    stranger = drills.client.containers.create(
        base_image(""), ["true"], labels={"velociraptor-recovery": "machine"}
    )
    try:
        spared = drills.command("clean", "--json")
        assert run in json.loads(spared.stdout)["running"]
        assert drills.left(run)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert drills.left(run)
        planned = drills.command("clean", "--dry-run")
        assert f"would remove drill {run}" in planned.stdout
        assert drills.left(run)
        cleaned = drills.command("clean")
        assert f"removed drill {run}" in cleaned.stdout
        assert drills.left(run) == []
        stranger.reload()
    finally:
        stranger.remove(force=True)


def test_a_kept_drill_says_how_to_look_into_it(drills):
    ended = drills.run("--scenario", "fixtures", "--keep")
    kept = ended.report["kept"]
    assert any(name.endswith("-dns") for name in kept)
    for name in kept:
        assert f"docker exec -it {name} bash" in ended.out
        assert drills.client.containers.get(name).status == "running"
    assert drills.command("clean").returncode == 0
    assert drills.left(ended.run) == []
