"""What the vault says of readiness: points, their age, parts, keys, and the last verification."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from recovery.capture.readiness import Level, Line, in_words
from recovery.counts import things
from recovery.errors import BadInputError, VaultError
from recovery.vault.by_capture import order
from recovery.vault.manifest import DatastoreCopy, Manifest
from recovery.vault.shelf_vault import Listed, ShelfVault
from recovery.vault.verify_points import last_verified
from recovery.velociraptor.config import ServerConfig

_CAPTURE = "`recovery capture --from URI --vault URI`"
_VERIFY_EVERY = timedelta(days=30)


def look_at_vault(
    vault: ShelfVault, rpo: timedelta, now: datetime
) -> tuple[list[Line], Manifest | None, ServerConfig | None]:
    """The lines, the newest readable point, and its config where it can be opened."""
    try:
        listed = vault.list_points()
    except VaultError as refused:
        return [Line("vault", "bad", refused.message, refused.hint)], None, None
    lines = [_vault(vault.uri, len(listed))]
    lines += _rolled_back(vault, listed)
    lines += [
        Line(f"point {entry.point}", "bad", entry.trouble.message, entry.trouble.hint)
        for entry in listed
        if entry.trouble
    ]
    readable = [entry.file.manifest for entry in listed if entry.file]
    if not readable:
        lines.append(Line("newest point", "bad", "there is none", f"run {_CAPTURE}"))
        return lines, None, None
    newest = max(readable, key=order)
    lines.append(age_line(newest, rpo, now))
    config, keys = _open_config(vault, newest)
    lines += [keys, *_parts(vault, newest, rpo, now), _verified(vault, now)]
    return lines, newest, config


def _vault(uri: str, points: int) -> Line:
    """A folder that is missing, or another one than was meant, looks like an empty vault."""
    if points:
        return Line("vault", "good", f"{uri}: {things(points, 'point')}")
    says = f"{uri}: there is no recovery point at that place"
    return Line("vault", "bad", says, f"check the address; if it is right, run {_CAPTURE}")


def age_line(newest: Manifest, rpo: timedelta, now: datetime) -> Line:
    """The newest point's age against the RPO; one from the future is a clock that is wrong."""
    age = now - newest.captured_at
    says = f"{newest.point}: {in_words(age)} old, RPO {in_words(rpo)}"
    if age < -timedelta(minutes=5):
        ahead = f"{newest.point} was captured {in_words(-age)} from now"
        return Line("newest point", "bad", ahead, "set this machine's clock, or the other one's")
    level: Level = "good" if age <= rpo else "bad"
    remedy = "" if level == "good" else f"run {_CAPTURE}, and see why the timer did not"
    return Line("newest point", level, says, remedy, max(0.0, age.total_seconds()))


def _rolled_back(vault: ShelfVault, listed: list[Listed]) -> Iterator[Line]:
    if vault.seen:
        try:
            vault.seen.refuse_rollback([entry.point for entry in listed])
        except VaultError as refused:
            yield Line("rollback", "bad", refused.message, refused.hint)


def _open_config(vault: ShelfVault, newest: Manifest) -> tuple[ServerConfig | None, Line]:
    """Opening the config proves the keys at hand."""
    with tempfile.TemporaryDirectory(prefix="recovery-status-") as folder:
        try:
            raw = vault.fetch(newest.config, Path(folder) / "config").read_bytes()
        except VaultError as refused:
            if vault.keys and not vault.keys.identities and vault.holds(newest.config):
                says = "sealed; identity.txt is not here, as it should be on a capturing host"
                remedy = "know where it is: without it no recovery"
                return None, Line("keys", "good", says, remedy)
            return None, Line("keys", "bad", refused.message, refused.hint)
    try:
        config = ServerConfig.parse(raw, source=f"config of {newest.point}")
    except BadInputError as refused:
        return None, Line("keys", "bad", str(refused), f"run {_CAPTURE}")
    if vault.keys is None:
        says = "the vault is not sealed: whoever reads it has the server's keys"
        remedy = "`recovery vault init --help`: a sealed vault"
        return config, Line("keys", "warning", says, remedy)
    return config, Line("keys", "good", "they open the newest point")


def _parts(vault: ShelfVault, newest: Manifest, rpo: timedelta, now: datetime) -> Iterator[Line]:
    missing = [item.name for item in newest.objects() if not vault.holds(item)]
    if missing:
        says = f"{len(missing)} of the newest point's objects are missing, e.g. {missing[0]}"
        yield Line("objects", "bad", says, f"run {_CAPTURE}; it stores them anew")
    else:
        yield Line("objects", "good", f"all {len(newest.objects())} are there")
    package = newest.package
    if package.file.name in missing:
        yield Line("package", "bad", "missing", f"run {_CAPTURE} --package FILE")
    else:
        yield Line("package", "good", f"{package.version} ({package.origin})")
    if newest.config_newer:
        yield Line("config", "good", "newer than the package's; captured, and put over it")
    else:
        yield Line("config", "good", "the package's own")
    yield _nonces(newest)
    yield _backup(newest, rpo, now)
    if newest.datastore:
        yield _copy(newest.datastore)
    if newest.gaps:
        says = f"{len(newest.gaps)}: {newest.gaps[0]}"
        yield Line("gaps", "warning", says, "`recovery points show` lists them")
    else:
        yield Line("gaps", "good", "none")


def _nonces(newest: Manifest) -> Line:
    """Without an org's old nonce its clients are refused by 403 (facts: Server and clients)."""
    others = [org for org in newest.orgs if org != "root"]
    known = {state.org for state in newest.state} and set(newest.inventory.orgs["root"]["orgs"])
    lost = [org for org in others if org not in known]
    if lost:
        says = f"not captured for {', '.join(lost)}: their clients would be refused"
        return Line("org nonces", "bad", says, f"run {_CAPTURE} --strategy state,collections")
    count = things(len(others), "org")
    return Line("org nonces", "good", f"known for {count} besides root")


def _backup(newest: Manifest, rpo: timedelta, now: datetime) -> Line:
    root = [backup.made_at for backup in newest.backups if backup.org == "root"]
    if not root:
        says = "the newest point holds none: there is no second source"
        return Line("backup", "warning", says, f"run {_CAPTURE} --backup-now")
    age = now - max(root)
    if age > max(rpo, timedelta(days=1)) + timedelta(hours=1):
        says = f"{in_words(age)} old, checked at the capture"
        return Line("backup", "warning", says, f"run {_CAPTURE} --backup-now")
    return Line("backup", "good", f"{in_words(age)} old, every member checked at the capture")


def _copy(copy: DatastoreCopy) -> Line:
    says = f"{things(copy.files, 'file')} in {copy.repository}"
    if copy.beside_server:
        remedy = "`recovery datastore backup` to a mounted share, S3 or sftp"
        return Line("complete copy", "bad", f"{says}: the server's own disk, lost with it", remedy)
    return Line("complete copy", "good", says)


def _verified(vault: ShelfVault, now: datetime) -> Line:
    last = last_verified(vault.uri)
    run = "run `recovery points verify --vault URI` where identity.txt is"
    if not last:
        return Line("verified", "warning", "never from this machine", run)
    age = now - datetime.fromisoformat(str(last["at"])).astimezone(UTC)
    opened = things(int(str(last["opened"])), "object")
    says = f"{in_words(age)} ago: {opened} opened, {last['damaged']} damaged"
    if last["damaged"]:
        return Line("verified", "bad", says, "`recovery points verify --all` names them")
    if not last["whole"] or age > _VERIFY_EVERY:
        return Line("verified", "warning", says, run, age.total_seconds())
    return Line("verified", "good", says, value=age.total_seconds())
