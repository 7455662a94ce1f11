"""Step: is this recovery point whole, and is it the one asked for? Nothing is changed yet."""

import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath

from recovery.errors import BadInputError
from recovery.restore.context import Context
from recovery.restore.step import Report

_NEXT = "choose another point: `recovery points list`; nothing was changed on the machine"


def check_point(context: Context) -> Report:
    """Deployment, config, package, state and backups of the point, each opened and checked.

    Raises :class:`BadInputError` for another deployment or unusable content, and
    :class:`recovery.errors.VaultError` for a missing or altered object.
    """
    if not context.has_point:
        return Report(f"first deployment of {Path(context.request.package).name}", skipped=True)
    manifest = context.manifest
    wanted = context.request.deployment
    if context.config.deployment != manifest.server.deployment:
        raise BadInputError(
            "the config in the recovery point is not of the deployment it names",
            target=manifest.point,
            hint=_NEXT,
        )
    if wanted and wanted != manifest.server.deployment:
        raise BadInputError(
            f"the recovery point is of deployment {manifest.server.deployment[:16]}…, "
            f"asked for was {wanted[:16]}…: its clients would not trust this server",
            target=manifest.point,
            hint=_NEXT,
        )
    context.fetch(manifest.package.file)
    if context.wants("state"):
        for state in manifest.state:
            check_state_tar(context.fetch(state.tar), state.tar.name)
    if context.wants("backup"):
        for backup in manifest.backups:
            check_zip(context.fetch(backup.file), backup.file.name)
    context.facts["point"] = manifest.point
    age = manifest.captured_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Report(
        f"{manifest.point} · captured {age} · {len(manifest.orgs)} orgs · "
        f"{len(manifest.archives)} archives",
        findings=[f"not captured: {gap}" for gap in manifest.gaps],
    )


def check_state_tar(path: Path, name: str) -> None:
    """Only plain files and folders, only below the datastore: no links, devices, or ``..``."""
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                way = PurePosixPath(member.name)
                if way.is_absolute() or ".." in way.parts:
                    raise BadInputError(
                        f"{name} holds a path outside the datastore: {member.name!r}", hint=_NEXT
                    )
                if not (member.isreg() or member.isdir()):
                    raise BadInputError(
                        f"{name} holds a link or device: {member.name!r}", hint=_NEXT
                    )
    except (tarfile.TarError, EOFError, OSError) as broken:
        raise BadInputError(f"{name} can't be read: {broken}", hint=_NEXT) from broken


def check_zip(path: Path, name: str) -> None:
    """Every member's CRC; an empty, truncated or damaged zip is refused (facts: failures)."""
    try:
        with zipfile.ZipFile(path) as archive:
            broken = archive.testzip()
            if not archive.namelist():
                raise BadInputError(f"{name} is empty", hint=_NEXT)
    except (zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError) as cause:
        raise BadInputError(f"{name} is not a whole zip: {cause}", hint=_NEXT) from cause
    if broken:
        raise BadInputError(f"{name} is damaged at {broken}", hint=_NEXT)
