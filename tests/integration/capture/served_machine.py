"""A machine with systemd and a running server, on which this clone can run too."""

import json
import secrets
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from recovery.target import open_target
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from server_deb.build import BuildRequest, build_package
from tests.integration.target.machines import IMAGE, need_engine
from tests.integration.verify.conftest import MERGE

CLONE = Path(__file__).parents[3]
RECOVERY = Path(sys.prefix) / "bin" / "recovery"
FLAGS = ["--cap-add", "SYS_ADMIN", "--cgroupns=private", "--tmpfs", "/run", "--tmpfs", "/run/lock"]


@contextmanager
def served_machine(binary, folder, mounted):
    """Yields the target; ``mounted``: a folder of this machine → where it is seen there."""
    if CLONE.is_relative_to("/tmp") or CLONE.is_relative_to("/var/tmp"):
        pytest.skip("the clone lies below /tmp, which a service with a /tmp of its own can't see")
    need_engine()
    name = f"test-schedule-{secrets.token_hex(3)}"
    seen = {sys.base_prefix, sys.prefix, str(CLONE)}
    shared = [word for path in sorted(seen) for word in ("--volume", f"{path}:{path}:ro")]
    for here, there in mounted.items():
        shared += ["--volume", f"{here}:{there}"]
    subprocess.run(
        ["docker", "run", "--detach", "--name", name, *FLAGS, *shared, IMAGE, "/sbin/init"],
        check=True,
        capture_output=True,
    )
    target = open_target(f"docker://{name}")
    try:
        _install(target, binary, folder)
        yield target
    finally:
        target.close()
        subprocess.run(["docker", "rm", "--force", name], check=True, capture_output=True)


def _install(target, binary, folder):
    merge = folder / "merge.json"
    merge.write_text(json.dumps(MERGE))
    made = subprocess.run(
        [binary, "config", "generate", "--merge_file", merge], capture_output=True, check=True
    )
    config = ServerConfig.parse(made.stdout)
    package = build_package(BuildRequest(binary=binary, config=config.raw, output=folder))
    target.put(package.path, "/root/server.deb", mode=0o600)
    target.run(["systemctl", "is-system-running", "--wait"], check=False)
    target.run(["dpkg", "-i", "/root/server.deb"], timeout=120)
    with open_api(target, config) as api:
        api.wait_ready(60)
