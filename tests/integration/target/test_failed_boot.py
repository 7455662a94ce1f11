"""A machine whose systemd dies at its start: its last words are told, and what to do."""

import io
import tarfile

import docker
import pytest

from recovery.errors import TargetError
from recovery.infra.docker_engine import Wanted, create
from recovery.settings import base_image

pytestmark = [pytest.mark.docker]
USED_UP = "Failed to create control group inotify object: Too many open files"


@pytest.fixture
def dying():
    """The base image, with an init that says what systemd says where inotify is used up."""
    engine = docker.from_env()
    made = engine.containers.create(base_image(""), ["true"])
    script = f"#!/bin/sh\necho '{USED_UP}'\necho '[!!!!!!] Failed to allocate manager object.'\n"
    content = (script + "exec sleep 0.2\n").encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        entry = tarfile.TarInfo("init")
        entry.size, entry.mode = len(content), 0o755
        tar.addfile(entry, io.BytesIO(content))
    made.put_archive("/usr/sbin", out.getvalue())
    image = made.commit(repository="test-dying")
    made.remove()
    yield image.id
    engine.images.remove(image.id, force=True)
    engine.close()


def test_the_kernels_limit_is_named(dying):
    with pytest.raises(TargetError) as failed:
        create(Wanted(image=dying, prefix="test-dying"))
    assert USED_UP in failed.value.message
    assert "sysctl -w fs.inotify.max_user_instances=1024" in failed.value.hint
    assert docker.from_env().containers.list(all=True, filters={"name": "test-dying"}) == []
