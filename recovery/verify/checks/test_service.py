"""The unit starts at boot, is running, and runs the package's binary as its own user."""

from typing import Any

from recovery.velociraptor.config import OWNER, SERVICE
from recovery.velociraptor.paths import BINARY_PATH


def test_enabled(host: Any) -> None:
    state = host.run("systemctl is-enabled %s", SERVICE).stdout.strip()
    assert state == "enabled", f"{SERVICE} is {state or 'unknown'}: it won't start at boot"


def test_running(host: Any) -> None:
    state = host.run("systemctl is-active %s", SERVICE).stdout.strip()
    assert state == "active", f"{SERVICE} is {state or 'unknown'}"


def test_process(host: Any, record_property: Any) -> None:
    pid = host.run("systemctl show -p MainPID --value %s", SERVICE).stdout.strip()
    assert pid.strip("0"), f"{SERVICE} has no process"
    # Not /proc/PID/exe: root in a container may not look through another user's link.
    command = host.file(f"/proc/{pid}/cmdline").content_string.split("\0")
    assert command[0] == BINARY_PATH, f"process {pid} runs {command[0] or 'an unknown program'}"
    user = host.run("stat -c %%U %s", f"/proc/{pid}").stdout.strip()
    record_property("detail", f"process {pid} as {user}")
    assert user == OWNER, f"process {pid} runs as {user}, not as {OWNER}"
