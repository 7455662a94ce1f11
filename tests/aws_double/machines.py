"""An instance as a container: it boots by cloud-init from its user data, with its own sshd.

The NoCloud seed stands in for EC2's metadata service, a file for an EBS volume's device; all
else (user data, cloud-init, sshd, the volume's file system and its mount) is real.
"""

import io
import json
import tarfile
from contextlib import suppress
from functools import cache
from typing import Any

from aws_double.account import Account
from aws_double.kinds.kind import RefusedError

_INSTANCE = "aws-double.instance"
_SEED = "/var/lib/cloud/seed/nocloud"
_DEVICES = "/dev/disk/by-id"
_LOOP = ["b 7:* rwm", "c 10:237 rwm"]
_ATTACH = """set -e
mkdir -p /var/lib/ebs "$1"
truncate -s "$3G" "/var/lib/ebs/$2"
[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
for n in $(seq 0 31); do [ -e /dev/loop$n ] || mknod /dev/loop$n b 7 $n; done
ln -sf "/var/lib/ebs/$2" "$1/nvme-Amazon_Elastic_Block_Store_$2"
"""


def wanted(account: Account) -> bool:
    """Whether instances are containers here."""
    return bool(account.places.image)


def boot(account: Account, instance: str, user_data: str, public_key: str) -> None:
    """Starts the instance's container; returns at once, as EC2 does."""
    from docker.errors import DockerException

    from recovery.infra.docker_engine import Wanted, options

    places = account.places
    name = f"{places.prefix}-{instance[-8:]}"
    asked = Wanted(
        image=places.image,
        prefix=places.prefix,
        network=places.network,
        resolver=places.resolver,
        labels={**(places.labels or {}), _INSTANCE: instance},
    )
    given = options(asked, name, apparmor=_has_apparmor())
    meta = {"instance-id": instance, "local-hostname": name, "public-keys": [public_key]}
    try:
        container = _engine().containers.create(asked.image, **given, device_cgroup_rules=_LOOP)
        seed = {"user-data": user_data, "meta-data": json.dumps(meta)}
        container.put_archive("/", _tar({f"{_SEED}/{key}": text for key, text in seed.items()}))
        container.start()
    except DockerException as failed:
        remove(account, instance)
        raise RefusedError(f"InsufficientInstanceCapacity: {failed}") from failed


def address(account: Account, instance: str, key: str = "IPAddress") -> str:
    """The container's address; empty when there is none."""
    if not (container := _find(account, instance)):
        return ""
    container.reload()
    networks = container.attrs["NetworkSettings"]["Networks"]
    return str(next(iter(networks.values()), {}).get(key) or "")


def address6(account: Account, instance: str) -> str:
    """The container's IPv6 address; one for documentation where it has none (moto has none)."""
    made_up = f"2001:db8::{instance[-4:]}"
    return address(account, instance, "GlobalIPv6Address") or made_up


def attach(account: Account, instance: str, volume: str, size: int) -> None:
    """The volume's device appears, ``size`` GiB, as EBS's name it (without the dash)."""
    if container := _find(account, instance):
        argv = ["sh", "-c", _ATTACH, "attach", _DEVICES, volume.replace("-", ""), str(size)]
        done = container.exec_run(argv)
        if done.exit_code:
            raise RefusedError(f"{volume} could not be attached: {done.output.decode()}")


def remove(account: Account, instance: str) -> None:
    """The instance's end, its disks included."""
    from docker.errors import NotFound

    if container := _find(account, instance):
        with suppress(NotFound):
            container.remove(force=True, v=True)


def _find(account: Account, instance: str) -> Any:
    if not wanted(account) or not instance:
        return None
    found = _engine().containers.list(
        ignore_removed=True, all=True, filters={"label": f"{_INSTANCE}={instance}"}
    )
    return found[0] if found else None


def _tar(files: dict[str, str]) -> bytes:
    bundle = io.BytesIO()
    with tarfile.open(fileobj=bundle, mode="w") as tar:
        for path, text in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(text.encode()), 0o600
            tar.addfile(entry, io.BytesIO(text.encode()))
    return bundle.getvalue()


@cache
def _engine() -> Any:
    import docker  # half a second, and only where instances are containers

    return docker.from_env(timeout=120)


@cache
def _has_apparmor() -> bool:
    return any("apparmor" in line for line in _engine().info().get("SecurityOptions") or [])
