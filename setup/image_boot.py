"""Whether a container of the base image comes up under systemd on this engine."""

import os
import secrets
import time

from setup.commands import ask, run
from setup.errors import SetupError
from setup.places import cache_folder

PATIENCE = 60.0


def boot_argv(image: str, security_options: str, name: str) -> list[str]:
    """Return the argv that boots `image` as `name`, for an engine with these security options.

    Neither --privileged nor SYS_RESOURCE (facts: both fail where the machine itself lacks
    capabilities). AppArmor's profile for Docker forbids mounts, which systemd cannot do without.
    """
    unconfined = ["--security-opt", "apparmor=unconfined"] if "apparmor" in security_options else []
    return [
        "docker", "run", "--detach", f"--name={name}", "--network=none", "--cap-add=SYS_ADMIN",
        "--cgroupns=private", "--tmpfs=/run", "--tmpfs=/run/lock", *unconfined,
        image, "/sbin/init",
    ]  # fmt: skip


def check(image: str) -> float:
    """Boot a container of `image` and remove it; the seconds until systemd says `running`.

    Raises SetupError with systemd's own words when it does not come up.
    """
    options = ask(["docker", "info", "--format", "{{.SecurityOptions}}"]) or ""
    container = f"velociraptor-recovery-boot-{os.getpid()}-{secrets.token_hex(3)}"
    log = cache_folder() / "logs" / "base-image.log"
    begin = time.monotonic()
    try:
        run(boot_argv(image, options, container), log=log, hint=_hint(image), timeout=PATIENCE)
        state = "unknown"
        while time.monotonic() - begin < PATIENCE:
            # `systemctl` fails for every state but running: the words are on standard output.
            state = (
                ask(["docker", "exec", container, "sh", "-c", "systemctl is-system-running; true"])
                or "unknown"
            )
            if state == "running":
                return time.monotonic() - begin
            if state in {"degraded", "maintenance"}:
                break
            time.sleep(0.1)
        failed = ask(["docker", "exec", container, "systemctl", "list-units", "--state=failed"])
        raise SetupError(
            f"base image: systemd in a container says {state}\n{failed or ''}", _hint(image)
        )
    finally:
        ask(["docker", "rm", "--force", "--volumes", container])


def _hint(image: str) -> str:
    return (
        f"See `docker run -it --cap-add SYS_ADMIN --cgroupns=private --tmpfs /run "
        f"--tmpfs /run/lock {image}` for what systemd says while it starts."
    )
