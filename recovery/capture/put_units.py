"""Puts systemd units on a machine as a whole, asks after them, and takes them off again."""

from collections.abc import Mapping, Sequence

from recovery.capture.systemd_units import UNITS
from recovery.errors import CommandError, RecoveryError, TargetError
from recovery.target import Target


def put_units(
    target: Target, texts: Mapping[str, str], folders: Sequence[str], start: str, hint: str
) -> None:
    """Writes the units, has systemd check them, enables ``start`` and (re)starts it.

    ``folders`` are made beforehand: a service can't write where nothing is. Raises
    :class:`TargetError` with ``hint``; what was there before is then back in its place.
    """
    before = {name: _read(target, f"{UNITS}/{name}") for name in texts}
    try:
        for folder in folders:
            target.run(["mkdir", "-p", "-m", "700", "--", folder])
        for name, text in texts.items():
            target.put(text.encode(), f"{UNITS}/{name}", mode=0o644)
        paths = [f"{UNITS}/{name}" for name in texts]
        checked = target.run(["systemd-analyze", "verify", *paths], check=False)
        if checked.returncode or any(name.encode() in checked.stderr for name in texts):
            raise CommandError(f"systemd refuses the units: {checked.error_text}")
        target.run(["systemctl", "daemon-reload"])
        target.run(["systemctl", "enable", start])
        # What runs already takes its new text only so.
        target.run(["systemctl", "restart", start])
    except RecoveryError as refused:
        for name, old in before.items():
            _put_back(target, f"{UNITS}/{name}", old)
        target.run(["systemctl", "daemon-reload"], check=False)
        raise TargetError(
            refused.message, step="install the units", target=target.uri, hint=hint
        ) from refused


def remove_units(target: Target, names: Sequence[str]) -> bool:
    """Stops and removes them, the first one (which was enabled) first; False: there were none."""
    if _read(target, f"{UNITS}/{names[0]}") is None:
        return False
    target.run(["systemctl", "disable", "--now", names[0]], timeout=120)
    target.run(["rm", "-f", "--", *(f"{UNITS}/{name}" for name in names)])
    target.run(["systemctl", "daemon-reload"])
    return True


def shown(target: Target, unit: str, names: Mapping[str, str], hint: str) -> dict[str, str]:
    """What systemd tells of a unit: its property → our name for it, as our name → value.

    Raises :class:`TargetError` with ``hint`` where no systemd answers.
    """
    argv = ["systemctl", "show", unit, "--property", ",".join(names)]
    try:
        told = target.run(argv).text
    except CommandError as refused:
        raise TargetError(
            refused.message, step="ask systemd", target=target.uri, hint=hint
        ) from refused
    pairs = (line.partition("=") for line in told.splitlines())
    return {names[name]: value for name, _, value in pairs if name in names}


def _read(target: Target, path: str) -> bytes | None:
    try:
        return target.get(path)
    except RecoveryError:
        return None


def _put_back(target: Target, path: str, old: bytes | None) -> None:
    if old is None:
        target.run(["rm", "-f", "--", path], check=False)
    else:
        target.put(old, path, mode=0o644)
