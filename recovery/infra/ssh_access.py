"""The way into a machine by SSH: keys on the machine, files for the operator, an answer.

Inputs: ``via`` (a target that puts the keys on the machine, e.g. ``docker://name``; empty
where its first boot did), address, port, machine, folder, patience (seconds), ``ready`` (an argv
that ends when the machine is ready; empty: at once), and the keys of
:class:`recovery.infra.ssh_keys.SshKeys` as secrets. Output: ``target``, its URI.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, DiffResult, Resource, ResourceProvider, UpdateResult

_KEYS = ("privateKey", "publicKey", "hostPrivateKey", "hostPublicKey")
_COMPARED = ("machine", "address", "port", "folder", *_KEYS)
_ENABLE = ["systemctl", "enable", "--now", "ssh.service"]
_PAUSE = 0.2
_BOOT_SECONDS = 900


class SshAccessProvider(ResourceProvider):
    """Key files that are missing here are written again by the next ``up``."""

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> CreateResult:
        return CreateResult(f"ssh-{props['address']}", _open(props))

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> DiffResult:
        from recovery.infra import key_files

        same = all(_olds.get(key) == _news.get(key) for key in _COMPARED)
        there = same and key_files.in_place(Path(_news["folder"]), _files(_news))
        return DiffResult(changes=not there, replaces=[])

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        if _olds.get("machine") == _news.get("machine") and _olds.get("folder") == _news["folder"]:
            _news = {**_news, "via": ""} if _olds.get("address") == _news["address"] else _news
        return UpdateResult(_open(_news))

    def delete(self, _id: str, _props: dict[str, Any]) -> None:
        from recovery.infra import key_files

        key_files.remove(Path(_props["folder"]), _files(_props))


class SshAccess(Resource, module="recovery", name="SshAccess"):
    """A machine that answers by SSH, under a host key known beforehand."""

    target: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        props: dict[str, pulumi.Input[Any]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        secret = {key: pulumi.Output.secret(props[key]) for key in ("privateKey", "hostPrivateKey")}
        super().__init__(SshAccessProvider(), name, {"target": None, **props, **secret}, opts)


def _files(props: dict[str, Any]) -> dict[str, str]:
    from recovery.infra import key_files

    return key_files.contents(
        props["privateKey"], props["hostPublicKey"], props["address"], int(props["port"])
    )


def _open(props: dict[str, Any]) -> dict[str, Any]:
    from recovery.infra import key_files

    folder = Path(props["folder"])
    if props["via"]:
        install(props["via"], props)
    key_files.write(folder, _files(props))
    uri = key_files.target_uri(props["address"], int(props["port"]), folder)
    wait_for_answer(uri, float(props["patience"]))
    if props["ready"]:
        _wait_until_ready(uri, list(props["ready"]), float(props["patience"]))
    return {**props, "target": uri}


def install(via: str, keys: dict[str, Any]) -> None:
    """Puts the operator's public key and the host key on the machine, and starts its sshd."""
    from recovery.target import open_target

    target = open_target(via)
    try:
        host = "/etc/ssh/ssh_host_ed25519_key"
        target.put(keys["hostPrivateKey"].encode(), host, mode=0o600)
        target.put(f"{keys['hostPublicKey']}\n".encode(), f"{host}.pub", mode=0o644)
        authorized = f"{keys['publicKey']} velociraptor-recovery\n".encode()
        target.run(["install", "-d", "-m", "700", "/root/.ssh"])
        target.put(authorized, "/root/.ssh/authorized_keys", mode=0o600)
        target.run(_ENABLE)
    finally:
        target.close()


def wait_for_answer(uri: str, patience: float) -> None:
    """Returns once a command runs over SSH; after ``patience`` seconds raises the last refusal."""
    _patiently(uri, patience, lambda target: target.run(["true"]))


def _wait_until_ready(uri: str, argv: list[str], patience: float) -> None:
    """Runs ``argv``, which ends with 1 when the first boot failed (2: with a warning).

    Asked again where the connection is refused: a first boot starts its sshd anew.
    """
    from recovery.errors import TargetError

    done = _patiently(
        uri, patience, lambda target: target.run(argv, timeout=_BOOT_SECONDS, check=False)
    )
    if done.returncode not in (0, 2):
        raise TargetError(
            f"the machine's first boot failed: {done.error_text}",
            step="reach the machine",
            target=uri,
            hint="`cloud-init status --long` and /var/log/cloud-init-output.log on it tell why; "
            "then `pulumi up` again, or `pulumi destroy` and `up` for a new machine",
        )


def _patiently(uri: str, patience: float, ask: Callable[[Any], Any]) -> Any:
    from recovery.errors import TargetError
    from recovery.target import open_target

    deadline = time.monotonic() + patience
    while True:
        target = open_target(uri)
        try:
            return ask(target)
        except TargetError:
            if time.monotonic() > deadline:
                raise
        finally:
            target.close()
        time.sleep(_PAUSE)
