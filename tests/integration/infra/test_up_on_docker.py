"""`pulumi up` with the real engine and real containers, by the door that the drill uses."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from recovery.errors import RecoveryError
from recovery.infra.update import destroy, preview, up

pytestmark = [
    pytest.mark.docker,
    pytest.mark.pulumi,
    pytest.mark.slow,
    # When the engine ends with a failure, the SDK's language server leaves its loop unclosed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

GROUPS = ["server", "collections", "proof"]


def with_settings(stack, **more):
    return replace(stack, settings={**stack.settings, **more})


def container_of(result):
    return result.outputs["target"].removeprefix("docker://")


def exists(engine, name):
    return bool(engine.containers.list(ignore_removed=True, all=True, filters={"name": name}))


def test_the_life_of_a_machine(stack, steps, engine, said):
    foreseen = preview(stack, said.append)
    assert foreseen["create"] == 7
    assert steps.groups() == []

    first = up(stack, said.append)
    assert steps.groups() == GROUPS
    name = container_of(first)
    assert first.outputs["address"] == _address(engine, name)
    assert first.groups["server"]["outcomes"][0]["detail"] == name
    assert first.outputs["report"].endswith("report.json")
    assert f"server on {name}" in said, "progress lines reach the caller"
    assert "site-packages" in steps.calls()[0]["packaging"]
    proof = steps.calls()[-1]
    assert (proof["clients_sent"], proof["client_wait"]) == (False, 0), "it has no name to switch"

    steps.forget()
    assert up(stack, said.append).changed == 0
    assert steps.groups() == []

    engine.containers.get(name).stop()
    again = up(stack, said.append)
    assert container_of(again) == name
    assert engine.containers.get(name).status == "running"
    assert steps.groups() == [], "its disk is the same: nothing to restore"

    engine.containers.get(name).remove(force=True)
    second = up(stack, said.append)
    another = container_of(second)
    assert another != name
    assert [(call["group"], call["on"]) for call in steps.calls()] == [
        (group, another) for group in GROUPS
    ]
    steps.forget()
    assert up(stack, said.append).changed == 0

    engine.containers.get(another).remove(force=True)
    destroy(stack, said.append)
    destroy(stack, said.append)
    assert not exists(engine, stack.settings["dockerRun"])


def _address(engine, name):
    networks = engine.containers.get(name).attrs["NetworkSettings"]["Networks"]
    return next(iter(networks.values()))["IPAddress"]


def test_a_failed_group_fails_the_update_and_the_next_one_goes_on(stack, steps, said):
    steps.fail("collections")
    with pytest.raises(RecoveryError) as failed:
        up(stack, said.append)
    assert "it did not listen" in failed.value.message
    assert "start the server" in failed.value.message
    assert failed.value.hint == "look at its log"
    assert steps.groups() == ["server", "collections"]

    steps.heal("collections")
    steps.forget()
    assert up(stack, said.append).changes["create"] == 2
    assert steps.groups() == ["collections", "proof"]


def test_a_silent_docker_engine_is_no_lost_machine(stack, steps, engine, said, monkeypatch):
    name = container_of(up(stack, said.append))
    steps.forget()
    with monkeypatch.context() as away:
        away.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
        with pytest.raises(RecoveryError, match="the Docker engine doesn't answer"):
            up(stack, said.append)
    assert up(stack, said.append).changed == 0
    assert exists(engine, name)
    assert steps.groups() == []


def test_another_package_under_the_same_path_is_installed(stack, steps, package, said):
    up(stack, said.append)
    steps.forget()
    package.write_bytes(b"a newer package")
    assert up(stack, said.append).changes["update"] == 3
    assert steps.groups() == GROUPS


def test_a_misspelt_setting_is_refused_before_anything_is_made(stack, engine, said):
    with pytest.raises(RecoveryError, match=r"recovery:dockerNetwrk.*dockerNetwork"):
        up(with_settings(stack, dockerNetwrk="x"), said.append)
    assert not exists(engine, stack.settings["dockerRun"])


def test_a_missing_image_is_named(stack, engine, said):
    with pytest.raises(RecoveryError, match="no such image") as refused:
        up(with_settings(stack, dockerImage="nobody/nothing:never"), said.append)
    assert "make setup" in refused.value.hint
    assert not exists(engine, stack.settings["dockerRun"])


def test_the_volume_goes_with_its_container(stack, engine, said):
    wanted = with_settings(stack, dockerVolume="true")
    name = container_of(up(wanted, said.append))
    mounts = engine.containers.get(name).attrs["Mounts"]
    assert [mount["Destination"] for mount in mounts] == ["/var/lib/velociraptor"]
    destroy(wanted, said.append)
    label = {"label": f"velociraptor-recovery.run={stack.settings['dockerRun']}"}
    assert engine.volumes.list(filters=label) == []


def test_the_lock_of_an_update_that_was_killed_is_taken_away(stack, steps, said):
    up(stack, said.append)
    ended = subprocess.Popen(["true"])
    ended.wait()
    path = _lock(stack, ended.pid)
    assert up(stack, said.append).changed == 0
    assert any("killed" in line for line in said)
    assert not path.exists()


def test_the_lock_of_a_living_update_stays(stack, steps, said, tmp_path):
    up(stack, said.append)
    (tmp_path / "pulumi").symlink_to("/bin/sleep")
    living = subprocess.Popen([tmp_path / "pulumi", "60"])
    try:
        path = _lock(stack, living.pid)
        with pytest.raises(RecoveryError, match="currently locked"):
            up(stack, said.append)
        assert path.exists()
    finally:
        living.kill()
        living.wait()


def _lock(stack, pid):
    """A lock as the file backend writes it."""
    locks = stack.folder / "state" / ".pulumi" / "locks" / "organization" / "recovery" / stack.name
    locks.mkdir(parents=True, exist_ok=True)
    path = locks / "0d5a3c1e-0000-4000-8000-000000000000.json"
    values = {"pid": pid, "username": "root", "hostname": os.uname().nodename}
    path.write_text(json.dumps({**values, "timestamp": "2026-11-23T10:00:00Z"}))
    return path


def test_an_update_killed_in_the_middle_is_gone_on_with(stack, steps, engine, said):
    """`kill -9` of everything while the container boots: it stays, and is named afterwards."""
    script = f"""
from pathlib import Path
from recovery.infra.update import StackRequest, up
up(StackRequest({stack.name!r}, Path({str(stack.folder)!r}), {stack.settings!r}), print)
"""
    started = subprocess.Popen(
        [sys.executable, "-c", script], start_new_session=True, stdout=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not exists(engine, stack.settings["dockerRun"]) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(started.pid, signal.SIGKILL)
    started.wait()
    (left,) = engine.containers.list(
        ignore_removed=True, all=True, filters={"name": stack.settings["dockerRun"]}
    )

    result = up(stack, said.append)
    assert container_of(result) != left.name
    assert any(left.name in line for line in said)
    assert steps.groups() == GROUPS

    said.clear()
    assert up(stack, said.append).changed == 0
    assert said == [], "nothing unfinished is left in the state"
