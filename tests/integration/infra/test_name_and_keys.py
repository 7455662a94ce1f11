"""DNS, SSH, recovery points and secrets through `pulumi up`, with real knot and real sshd."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from recovery.errors import RecoveryError
from recovery.infra import dns_update
from recovery.infra.dns_update import Record
from recovery.infra.update import destroy, up
from recovery.target import open_target
from tests.unit.restore.points import Point

pytestmark = [
    pytest.mark.docker,
    pytest.mark.pulumi,
    pytest.mark.slow,
    # When the engine ends with a failure, the SDK's language server leaves its loop unclosed.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


@pytest.fixture
def named(stack, knot, run_id, monkeypatch):
    """The stack with a name of its own in the test's zone."""
    name = f"{run_id}.example.test"
    monkeypatch.setenv("STUB_SERVER", knot.server)
    monkeypatch.setenv("STUB_NAME", name)
    dns = {"dns": "rfc2136", "name": name, "dnsServer": knot.server, "dnsTtl": "7"}
    dns |= {"dnsKeyName": knot.key_name}
    settings = {**stack.settings, **dns}
    return replace(stack, settings=settings, secrets={"dnsKeySecret": knot.key_secret})


def with_settings(stack, **more):
    return replace(stack, settings={**stack.settings, **more})


def test_the_name_follows_the_machine(named, knot, steps, engine, said):
    name = named.settings["name"]
    first = up(named, said.append)
    address = first.outputs["address"]
    assert dns_update.look_up(knot, name) == Record(name, 7, (address,))
    published = {call["group"]: call["name"] for call in steps.calls()}
    assert published == {"server": [], "collections": [address], "proof": [address]}
    assert {call["clients_sent"] for call in steps.calls()} == {True}
    assert up(named, said.append).changed == 0

    dns_update.publish(knot, Record(name, 60, ("192.0.2.99",)))
    assert up(named, said.append).changes["update"] == 1
    assert dns_update.look_up(knot, name) == Record(name, 7, (address,))

    engine.containers.get(first.outputs["target"].removeprefix("docker://")).remove(force=True)
    second = up(named, said.append).outputs["address"]
    assert dns_update.look_up(knot, name).addresses == (second,)

    destroy(named, said.append)
    assert dns_update.look_up(knot, name) is None


def test_the_archives_can_come_before_the_name(named, steps, said):
    address = up(with_settings(named, importBeforeDns="true"), said.append).outputs["address"]
    published = [(call["group"], call["name"]) for call in steps.calls()]
    assert published == [("server", []), ("collections", []), ("proof", [address])]


def test_destroy_leaves_a_name_that_another_stack_has_taken_over(named, knot, said):
    name = named.settings["name"]
    up(named, said.append)
    theirs = Record(name, 60, ("192.0.2.50",))
    dns_update.publish(knot, theirs)
    destroy(named, said.append)
    assert dns_update.look_up(knot, name) == theirs


def test_a_wrong_dns_key_fails_the_update_after_the_server_and_the_right_one_goes_on(
    named, steps, said
):
    with pytest.raises(RecoveryError, match="TSIG key"):
        up(replace(named, secrets={"dnsKeySecret": "d3Jvbmc="}), said.append)
    assert steps.groups() == ["server"]
    up(named, said.append)
    assert steps.groups() == ["server", "collections", "proof"]


def test_ssh_with_a_known_host_key_and_no_secret_in_the_open(named, steps, said, knot):
    over_ssh = with_settings(named, dockerConnect="ssh", folder=str(named.folder / "ssh"))
    result = up(over_ssh, said.append)
    uri = result.outputs["target"]
    query = parse_qs(urlsplit(uri).query)
    identity, known_hosts = Path(query["identity"][0]), Path(query["known_hosts"][0])
    assert [path.stat().st_mode & 0o777 for path in (identity, known_hosts)] == [0o600, 0o600]
    assert identity.parent.stat().st_mode & 0o777 == 0o700
    target = open_target(uri)
    assert target.run(["id", "-un"]).text == "root"
    target.close()
    assert {call["target"] for call in steps.calls()} == {uri}
    assert known_hosts.read_text().startswith(result.outputs["address"] + " ssh-ed25519 ")

    steps.forget()
    key = identity.read_text()
    identity.unlink()
    assert up(over_ssh, said.append).changes["update"] == 1, "a missing key file is written again"
    assert identity.read_text() == key
    assert steps.groups() == []

    open_text = _everything_in(named.folder, but=[identity]) + json.dumps(result.outputs)
    open_text += "\n".join(said)
    assert _body(key) not in open_text
    assert "BEGIN OPENSSH PRIVATE KEY" not in open_text
    assert knot.key_secret not in open_text
    destroy(over_ssh, said.append)
    assert not identity.exists()


def _everything_in(folder, but):
    files = [path for path in folder.rglob("*") if path.is_file() and path not in but]
    assert len(files) > 3
    return "\n".join(path.read_bytes().decode("utf-8", "replace") for path in files)


def _body(key):
    return key.splitlines()[2]


def commit(point, name, hour):
    """A whole one: the stack looks at it before it makes a machine."""
    at = datetime(2026, 11, 23, hour, tzinfo=UTC)
    point.changes = {"point": name, "captured_at": at, "finished_at": at}
    point.make()


def test_the_newest_point_is_chosen_once_for_a_machine(stack, steps, tmp_path, engine, said):
    point = Point(tmp_path / "vault")
    settings = {key: value for key, value in stack.settings.items() if key != "package"}
    stack = replace(stack, settings={**settings, "vault": point.vault.uri})
    point.folder.mkdir(exist_ok=True)
    with pytest.raises(RecoveryError, match="no recovery point"):
        up(stack, said.append)

    commit(point, "2026-11-23T06-00-00Z-aaaa", 6)
    first = up(stack, said.append)
    assert first.outputs["recovery_point"] == "2026-11-23T06-00-00Z-aaaa"
    assert {call["point"] for call in steps.calls()} == {"2026-11-23T06-00-00Z-aaaa"}

    commit(point, "2026-11-23T07-00-00Z-bbbb", 7)
    assert up(stack, said.append).changed == 0, "a newer point alone is no reason to restore"

    engine.containers.get(first.outputs["target"].removeprefix("docker://")).remove(force=True)
    assert up(stack, said.append).outputs["recovery_point"] == "2026-11-23T07-00-00Z-bbbb"

    steps.forget()
    chosen = with_settings(stack, point="2026-11-23T06-00-00Z-aaaa")
    assert up(chosen, said.append).outputs["recovery_point"] == "2026-11-23T06-00-00Z-aaaa"
    assert steps.groups() == ["server", "collections", "proof"]
