"""The user data is what cloud-init of Debian 12 takes: asked of cloud-init itself."""

import docker
import pytest

from recovery.drill.aws_double import image
from recovery.infra.aws.first_boot import user_data
from recovery.infra.ssh_keys import key_pair

pytestmark = [pytest.mark.docker]


@pytest.fixture
def cloud_init(engine):
    """Runs cloud-init's own check of a user data; its exit code and words."""
    try:
        engine.images.get(image())
    except docker.errors.ImageNotFound:
        pytest.skip(f"no image {image()}: `python3 -m setup test` makes it")

    def check(text):
        script = 'printf "%s" "$1" > /u && cloud-init schema --config-file /u'
        container = engine.containers.create(
            image(), ["sh", "-c", script, "check", text], network_mode="none"
        )
        try:
            container.start()
            return container.wait()["StatusCode"], container.logs().decode()
        finally:
            container.remove(force=True)

    return check


def test_cloud_init_takes_the_user_data(cloud_init):
    private, public = key_pair()
    text = user_data(private, public, "vol-0abc", "/var/lib/velociraptor")
    code, words = cloud_init(text)
    assert (code, "Valid cloud-config" in words) == (0, True), words


def test_and_would_refuse_another(cloud_init):
    private, public = key_pair()
    text = user_data(private, public, "vol-0abc", "/var/lib/velociraptor")
    code, words = cloud_init(text.replace("runcmd:\n", "runcmd: 5\nbootcmd:\n"))
    assert code != 0
    assert "runcmd" in words
