"""A throw-away Debian machine with systemd, in a container, and packages to put on it."""

import os
import subprocess
import time
import uuid
from pathlib import Path

IMAGE = os.environ.get("RECOVERY_BASE_IMAGE", "velociraptor-recovery-base:current")
CONFIG = "/etc/velociraptor/server.config.yaml"
UNIT = "velociraptor_server.service"
HOLD = "/run/velociraptor-recovery/hold"


class Machine:
    """A container; `run` raises with all output where a command fails."""

    def __init__(self) -> None:
        self.name = f"server-deb-{uuid.uuid4().hex[:8]}"
        docker(
            "run", "--detach", "--network", "none", "--name", self.name,
            "--cap-add", "SYS_ADMIN", "--cgroupns=private",
            "--tmpfs", "/run", "--tmpfs", "/run/lock", *_apparmor(), IMAGE, "/sbin/init",
        )  # fmt: skip
        self.wait("systemctl is-system-running | grep -q running")

    def run(self, script: str, *, check: bool = True) -> str:
        """Run a shell script as root; gives stdout and stderr together."""
        done = subprocess.run(
            ["docker", "exec", "--interactive", self.name, "sh", "-e"],
            input=script,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        output = done.stdout + done.stderr
        assert not check or done.returncode == 0, f"{script}\nexit code {done.returncode}\n{output}"
        return output.strip()

    def succeeds(self, script: str) -> bool:
        done = subprocess.run(
            ["docker", "exec", self.name, "sh", "-ec", script], capture_output=True, check=False
        )
        return done.returncode == 0

    def wait(self, script: str, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while not self.succeeds(script):
            assert time.monotonic() < end, f"not within {seconds} s: {script}\n{self.journal()}"
            time.sleep(0.1)

    def journal(self) -> str:
        return self.run(f"journalctl --no-pager --lines 30 --unit {UNIT}", check=False)

    def put(self, source: Path, path: str) -> str:
        docker("cp", str(source), f"{self.name}:{path}")
        return path

    def install(self, package: Path, *flags: str) -> str:
        """`dpkg -i`, as on a terminal that nobody sits at: a question would be an error."""
        self.put(package, "/package.deb")
        return self.run(f"dpkg {' '.join(flags)} --install /package.deb </dev/null 2>&1")

    def stat(self, path: str) -> str:
        """Such as "640 root:velociraptor"."""
        return self.run(f"stat --format '%a %U:%G' {path}")

    def is_active(self) -> bool:
        return self.run(f"systemctl is-active {UNIT}", check=False) == "active"

    def is_enabled(self) -> str:
        return self.run(f"systemctl is-enabled {UNIT}", check=False)

    def starts(self) -> int:
        """How often the service's main process was started since the machine's boot."""
        count = f"journalctl --unit {UNIT} --output cat | grep -c ^Started || true"
        return int(self.run(count))

    def exposure(self) -> float:
        """What `systemd-analyze security` says: 0 is closed, 10 is open."""
        last = self.run(f"systemd-analyze security --no-pager {UNIT} 2>/dev/null | tail -1")
        return float(last.partition(": ")[2].split()[0])

    def remove(self) -> None:
        docker("rm", "--force", "--volumes", self.name)


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _apparmor() -> list[str]:
    """Docker's AppArmor profile forbids mounts, of which a sandbox is made."""
    has = "apparmor" in docker("info", "--format", "{{.SecurityOptions}}")
    return ["--security-opt", "apparmor=unconfined"] if has else []
