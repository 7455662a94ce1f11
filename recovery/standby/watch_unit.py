"""The systemd service that keeps a spare current: ``recovery standby watch``, always on.

A service, not a timer that starts a program anew each half minute: it has to remember since when
the server is ill, and it exports the lag also while a sync fails.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recovery.capture.put_units import put_units, remove_units, shown
from recovery.capture.systemd_units import ENVIRONMENT, one_line, quoted, sandbox
from recovery.target import Target

NAME = "recovery-standby"
UNIT = f"{NAME}.service"
_HINT = "is this a machine with systemd, and are you root? else keep `recovery standby watch` "
_HINT += "running by other means"
# On one of the two machines itself: the datastore's owner, the service and its config.
_LOCAL_RIGHTS = (
    *("CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_CHOWN", "CAP_FOWNER", "CAP_KILL"),
    *("CAP_SETUID", "CAP_SETGID"),
)
_LOCAL_WRITES = ("/etc/velociraptor", "/etc/systemd/system")


@dataclass(frozen=True)
class WatchUnit:
    """``command``: argv of the watch; ``local``: it runs on one of the two machines itself.

    ``writes``: folders of the vault and of a Prometheus file; ``keys``: the folder of the
    vault's keys, empty: none.
    """

    command: tuple[str, ...]
    vault: str
    writes: tuple[str, ...] = ()
    keys: str = ""
    local: bool = False


def service(unit: WatchUnit) -> str:
    """The text of ``recovery-standby.service``. Pure."""
    keys = [f"Environment={quoted([f'RECOVERY_KEYS={unit.keys}'])}"] if unit.keys else []
    rights: Sequence[str] = _LOCAL_RIGHTS if unit.local else ()
    writes = (*unit.writes, *(_LOCAL_WRITES if unit.local else ()))
    return "\n".join(
        [
            "[Unit]",
            f"Description=Keeps the spare of {one_line(unit.vault)} current",
            "Wants=network-online.target",
            "After=network-online.target",
            "# It is never given up: a spare that nobody keeps current is none.",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            "Type=exec",
            f"ExecStart={quoted(unit.command)}",
            "# After a promotion it ends, and the next one follows the other way round.",
            "Restart=always",
            "RestartSec=10",
            "# 1: promoted, and something falls short; the journal names it.",
            "SuccessExitStatus=1",
            "# Credentials of S3, RECOVERY_PASSPHRASE_FILE: in a file that only root reads.",
            f"EnvironmentFile=-{ENVIRONMENT}",
            "Environment=XDG_STATE_HOME=/var/lib",
            "Environment=PYTHONUNBUFFERED=1",
            *keys,
            "StateDirectory=velociraptor-recovery",
            "StateDirectoryMode=0700",
            "",
            *sandbox(rights, "full" if unit.local else "strict", writes),
            "",
            "[Install]",
            "WantedBy=multi-user.target",
            "",
        ]
    )


def install(target: Target, unit: WatchUnit) -> None:
    """Writes it, has systemd check it, and starts it now and at every boot.

    Raises :class:`TargetError`; what was there before is then back in its place.
    """
    put_units(target, {UNIT: service(unit)}, unit.writes, UNIT, _HINT)


def remove(target: Target) -> bool:
    """Stops it and takes it away; False when there was none. The pair stays as it is."""
    return remove_units(target, (UNIT,))


def state(target: Target) -> dict[str, str]:
    """``active``, ``since`` and ``restarts``, as systemd tells them."""
    names = {"ActiveState": "active", "ActiveEnterTimestamp": "since", "NRestarts": "restarts"}
    return shown(target, UNIT, names, _HINT)
