"""`machine: host`: a machine that exists, reached by SSH; its identity decides, not its address."""

import dataclasses

import pytest

from recovery import commands
from recovery.infra import docker_engine, key_files
from recovery.infra.dns_update import look_up
from recovery.infra.ssh_access import install
from recovery.infra.ssh_keys import key_pair
from recovery.infra.update import destroy, up
from recovery.settings import base_image

pytestmark = [pytest.mark.docker, pytest.mark.pulumi, pytest.mark.slow]

GROUPS = ["server", "collections", "proof"]
NAME = "host.example.test"


@pytest.fixture
def host(run_id, tmp_path):
    """A machine with an sshd and a known host key, as an operator would have it; its URI."""
    labels = {"velociraptor-recovery.run": run_id}
    made = docker_engine.create(docker_engine.Wanted(base_image(""), run_id, labels=labels))
    private, public = key_pair()
    host_private, host_public = key_pair()
    keys = {
        "publicKey": public,
        "hostPrivateKey": host_private,
        "hostPublicKey": host_public,
    }
    install(f"docker://{made.name}", keys)
    folder = tmp_path / "keys"
    key_files.write(folder, key_files.contents(private, host_public, made.address, 22))
    return made, key_files.target_uri(made.address, 22, folder)


def test_the_steps_run_on_it_and_again_when_it_is_installed_anew(stack, steps, said, host, knot):
    made, uri = host
    settings = {
        "package": stack.settings["package"],
        "machine": "host",
        "hostUri": uri,
        "name": NAME,
        "dns": "rfc2136",
        "dnsServer": knot.server,
        "dnsKeyName": knot.key_name,
    }
    wanted = dataclasses.replace(
        stack, settings=settings, secrets={"dnsKeySecret": knot.key_secret}
    )
    result = up(wanted, said.append)
    assert result.outputs["target"] == uri
    assert steps.groups() == GROUPS
    assert {call["on"] for call in steps.calls()} == {made.name}
    assert look_up(knot, NAME).addresses == (made.address,)
    steps.forget()

    assert up(wanted, said.append).changed == 0
    assert steps.groups() == []

    anew = "0123456789abcdef0123456789abcdef"
    commands.run(
        ["docker", "exec", "-i", made.name, "tee", "/etc/machine-id"], stdin=f"{anew}\n".encode()
    )
    up(wanted, said.append)
    assert steps.groups() == GROUPS

    destroy(wanted, said.append)
    assert docker_engine.inspect(made.name).running, "an existing machine isn't the stack's to end"
    assert look_up(knot, NAME) is None
