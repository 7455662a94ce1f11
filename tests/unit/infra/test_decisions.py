"""What the providers decide, without an engine: when a group runs again, what a container gets."""

import copy
from types import SimpleNamespace

import pytest

from recovery.infra import key_files
from recovery.infra.docker_engine import Wanted, options
from recovery.infra.engine_events import Told, as_error, changed
from recovery.infra.ssh_keys import SshKeysProvider, key_pair
from recovery.infra.step_group import StepGroupProvider, point_kept

PROPS = {
    "group": "server",
    "machine": "m1",
    "target": "docker://a",
    "packageSha256": "",
    "accountsSha256": "",
    "triggers": [],
    "request": {
        "vault": "/v",
        "point": "",
        "package": "",
        "strategy": ["state"],
        "deployment": "",
        "hunts": "paused",
        "accounts": "all",
        "orgs": [],
        "flows_since": None,
        "ready_timeout": 120,
    },
}


def changed_props(path, value):
    props = copy.deepcopy(PROPS)
    inner = props["request"] if path in props["request"] else props
    inner[path] = value
    return props


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("machine", "m2"),
        ("point", "p2"),
        ("strategy", ["backup"]),
        ("deployment", "d"),
        ("hunts", "released"),
        ("accounts", "known"),
        ("orgs", ["OACME"]),
        ("flows_since", "2026-11-01"),
        ("packageSha256", "ab"),
        ("accountsSha256", "ab"),
        ("triggers", ["192.0.2.2"]),
    ],
)
def test_what_runs_a_group_again(path, value):
    assert StepGroupProvider().diff("id", PROPS, changed_props(path, value)).changes is True


@pytest.mark.parametrize(
    ("path", "value"), [("target", "ssh://a"), ("vault", "/moved"), ("ready_timeout", 300)]
)
def test_what_does_not(path, value):
    assert StepGroupProvider().diff("id", PROPS, changed_props(path, value)).changes is False


def test_outputs_beside_the_inputs_are_no_difference():
    olds = {**PROPS, "point": "2026-11-23", "outcomes": [], "seconds": 3.0}
    assert StepGroupProvider().diff("id", olds, PROPS).changes is False


@pytest.mark.parametrize("what", ["package", "accounts"])
def test_the_files_content_is_an_input(tmp_path, what):
    file = tmp_path / "a"
    file.write_bytes(b"1")
    news = changed_props(what, str(file))
    one = StepGroupProvider().check({}, news).inputs[f"{what}Sha256"]
    file.write_bytes(b"2")
    assert StepGroupProvider().check({}, news).inputs[f"{what}Sha256"] != one


def test_an_older_stack_without_the_approvals_hash_is_not_run_again():
    olds = {key: value for key, value in PROPS.items() if key != "accountsSha256"}
    assert StepGroupProvider().diff("id", olds, PROPS).changes is False


@pytest.mark.parametrize(
    ("news", "kept"),
    [
        (changed_props("accounts", "approval.json"), "P1"),
        (changed_props("machine", "m2"), ""),
        (changed_props("vault", "/other"), ""),
        (changed_props("deployment", "d"), ""),
    ],
)
def test_a_machine_keeps_its_point_when_it_is_run_again(news, kept):
    assert point_kept({**PROPS, "point": "P1"}, news) == kept


def test_a_container_gets_no_more_than_systemd_needs():
    given = options(
        Wanted("image", "p", resolver="192.0.2.53", volume="/ds"), "p-1", apparmor=False
    )
    assert given["cap_add"] == ["SYS_ADMIN"]
    assert "privileged" not in given
    assert "security_opt" not in given
    assert given["dns"] == ["192.0.2.53"]
    assert given["volumes"] == {"p-1-datastore": {"bind": "/ds", "mode": "rw"}}


def test_apparmor_is_lifted_only_where_it_is():
    assert options(Wanted("i", "p"), "p-1", apparmor=True)["security_opt"] == [
        "apparmor=unconfined"
    ]


def test_key_files_name_the_one_host(tmp_path):
    files = key_files.contents("PRIVATE", "ssh-ed25519 AAAA", "192.0.2.7", 2222)
    assert files["known_hosts"] == "[192.0.2.7]:2222 ssh-ed25519 AAAA\n"
    folder = tmp_path / "a b"
    key_files.write(folder, files)
    assert key_files.in_place(folder, files)
    assert (folder / "identity").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    uri = key_files.target_uri("192.0.2.7", 2222, folder)
    assert uri.startswith("ssh://root@192.0.2.7:2222?identity=")
    assert "a+b" in uri
    key_files.remove(folder, files)
    assert not folder.exists()


def test_ssh_keys_are_new_each_time_and_stay():
    one, two = key_pair(), key_pair()
    assert one != two
    assert one[1].startswith("ssh-ed25519 ")
    assert SshKeysProvider().diff("id", {}, {"x": 1}).changes is False


def event(**parts):
    empty = dict.fromkeys(("diagnostic_event", "res_outputs_event", "summary_event"))
    return SimpleNamespace(**{**empty, **parts})


def diagnostic(severity, message):
    return event(diagnostic_event=SimpleNamespace(severity=severity, message=message))


def test_events_become_lines_outputs_and_counts():
    said = []
    told = Told(said.append)
    told.hear(diagnostic("debug", "registering"))
    told.hear(diagnostic("info#err", "<{%reset%}>import 4/10\n<{%reset%}>"))
    told.hear(diagnostic("error", "<{%fg 1%}>update failed"))
    stack = SimpleNamespace(type="pulumi:pulumi:Stack", new=SimpleNamespace(outputs={"a": 1}))
    told.hear(event(res_outputs_event=SimpleNamespace(metadata=stack)))
    group = {"group": "proof", "outcomes": [], "facts": {"report": "r.json"}}
    for outputs in (group, {"group": "server"}):  # one that never ran has no outcomes
        steps = SimpleNamespace(outputs=outputs)
        done = SimpleNamespace(type="pulumi-python:dynamic/recovery:StepGroup", new=steps)
        told.hear(event(res_outputs_event=SimpleNamespace(metadata=done)))
    told.hear(event(summary_event=SimpleNamespace(resource_changes={"same": 3, "create": 2})))
    assert said == ["import 4/10"]
    assert told.outputs == {"a": 1}
    assert told.groups == {"proof": group}
    assert changed(told.changes) == 2
    assert told.errors == []


def test_a_steps_error_keeps_its_words_and_hint():
    text = "Exception calling application: start: docker://a: no answer\n  next: look at its log"
    error = as_error([text], "drill", "")
    assert error.message == "start: docker://a: no answer"
    assert error.hint == "look at its log"
    assert error.target == "stack drill"


def test_a_failure_without_an_event_shows_the_end_of_the_log():
    assert "disk full" in as_error([], "drill", "a\nb\ndisk full\n").message
