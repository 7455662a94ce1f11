"""Step: Velociraptor's own backup into every org, and the repair of what that gets wrong.

Only where no state was placed: on top of state it would replace the client list and reset
hunts (design: Order of a recovery). The repairs follow the facts' table "what restoring
really does", each named below.
"""

import zipfile
from collections.abc import Collection
from pathlib import Path

from recovery.counts import things
from recovery.errors import ServerError
from recovery.restore.backup_sources import newest_backups
from recovery.restore.call_restore import call_restore
from recovery.restore.choice import Provider
from recovery.restore.context import Context
from recovery.restore.state_files import org_records
from recovery.restore.step import Report
from recovery.restore.zip_artifacts import keep_metadata, set_artifacts
from recovery.restore.zip_users import create_users
from recovery.velociraptor.api import ROOT, Row
from recovery.velociraptor.backup_file import lacking_parts, rewrite_hunts
from recovery.velociraptor.config import SERVICE

STEP = "restore the backup"
_NAME = "recovery"
_PROVIDERS: dict[str, tuple[Provider, str]] = {
    "ClientInfo": ("clients", "client_info"),
    "Hunt": ("hunts", "hunts"),
    "Notebook": ("notebooks", "notebooks"),
}
"""What ``backup_restore`` brings back well enough, once its traps are taken care of; the part of a
backup that it reads. Without that part it reports an error, and the others come back."""
_ORG_CREATE = "SELECT org_create(name=Name, org_id=Id) AS Org FROM scope()"
ORGS = "SELECT Name, OrgId FROM orgs()"
_TOUCH = """
SELECT label(client_id=client_id, labels="recovery-touch", op="set") AS A,
       label(client_id=client_id, labels="recovery-touch", op="remove") AS B
FROM clients() WHERE client_id =~ "^C[.]" LIMIT 1
"""
_RUNNING = (2, "RUNNING")


def restore_backup(context: Context) -> Report:
    """Restores every org from the newest backup that holds it, the root's or its own.

    Raises :class:`ServerError` when a provider reports an error: on the wire that is only a
    column of a row, or no row at all.
    """
    if context.wants("state"):
        return Report("state was placed; the backup stays the second source", skipped=True)
    if not context.wants("backup"):
        return Report("the strategy asks for no backup", skipped=True)
    sources = {
        org: source
        for org, source in newest_backups(context, context.manifest).items()
        if org in context.manifest.orgs and context.wants_org(org)
    }
    if not sources:
        return Report("no backup holds an org of this point", ["no backup is of use"], skipped=True)
    findings = create_orgs(context, list(sources))
    prepared: dict[Path, Path] = {}
    tagged: dict[str, str] = {}
    artifacts = users = 0
    for org, (_, path) in sources.items():
        if path not in prepared:
            prepared[path] = _for_this_server(context, path)
        with zipfile.ZipFile(path) as archive:
            _restore_org(context, org, prepared[path], lacking_parts(archive, org))
            wanted = context.choice.artifact
            names = set_artifacts(context.api(), archive, org, findings, wanted)
            users += create_users(context.api(), archive, org, context.allowed)
        tagged |= {org: names[-1]} if names else {}
        artifacts += len(names)
    keep_metadata(context.api(), tagged)
    let_in = [key for key in context.allowed or () if key[0] in sources]
    context.journal.note_accounts(let_in, anew=True)
    _keep_on_disk(context, list(sources))
    oldest = min(backup.made_at for backup, _ in sources.values())
    return Report(
        f"{things(len(sources), 'org')} from {oldest:%Y-%m-%d %H:%M:%S} · "
        f"{things(artifacts, 'artifact')} · "
        f"{things(users, 'user')} without passwords",
        findings,
    )


def create_orgs(context: Context, orgs: list[str]) -> list[str]:
    """Orgs whose record wasn't placed are made anew: same id, but a nonce of their own."""
    have = {row["OrgId"] for row in context.api().query(ORGS)}
    for org in [org for org in orgs if org not in have]:
        env = {"Name": context.manifest.org_names.get(org, org), "Id": org}
        if not context.api().query(_ORG_CREATE, env=env, min_rows=1)[0]["Org"]:
            raise ServerError(f"the org {org} could not be created")
    placed = orgs_with_records(context)
    return [
        f"{org}: its nonce is in no file of this point: its clients are refused (403) until "
        "the old nonce is put back"
        for org in orgs
        if org not in placed | {ROOT}
    ]


def orgs_with_records(context: Context) -> set[str]:
    """The orgs whose record, with the nonce, is in the point."""
    return {
        org for state in context.manifest.state for org in org_records(context.fetch(state.tar))
    }


def _for_this_server(context: Context, source: Path) -> Path:
    """The backup as it may be restored: no hunt runs, none that its own archive brings back.

    A restored RUNNING hunt goes to the clients at once, with default parameters; one that
    an export archive holds comes from there, with its parameters, under the same id.
    """
    archived = {
        (archive.org, archive.hunt_id)
        for archive in context.manifest.archives
        if archive.kind == "hunt" and context.wants("collections")
    }

    def keep(org: str, hunt: Row) -> Row | None:
        if (org, hunt.get("hunt_id")) in archived or not context.choice.hunt(str(hunt["hunt_id"])):
            return None
        return restorable(hunt)

    return rewrite_hunts(source, context.folder / f"{_NAME}-{source.name}.zip", keep)


def restorable(hunt: Row) -> Row:
    """A hunt of a backup as it survives being restored: not running, its condition kept.

    The backup spells the condition with an inner ``UnionField`` that restoring doesn't read
    (seen on a real server: a hunt limited to a label came back for every client).
    """
    row = {**hunt, "state": 1} if hunt.get("state") in _RUNNING else dict(hunt)
    condition = dict(row.get("condition") or {})
    union = condition.pop("UnionField", None)
    if isinstance(union, dict):
        row["condition"] = condition | {
            name[:1].lower() + name[1:]: value for name, value in union.items()
        }
    return row


def _restore_org(context: Context, org: str, zip_path: Path, lacking: Collection[str]) -> None:
    """What a backup lacks is named by the check of the point, before anything is changed."""
    providers = [
        name
        for name, (kind, part) in _PROVIDERS.items()
        if context.choice.provider(kind) and part not in lacking
    ]
    if not providers:
        return
    call_restore(context, org, zip_path, providers)


def _keep_on_disk(context: Context, orgs: list[str]) -> None:
    """A restored client list is in memory only: touch a client in each org, restart cleanly."""
    for org in orgs:
        context.api().query(_TOUCH, org=org)
    context.target.run(["systemctl", "restart", SERVICE], timeout=120)
    context.api().wait_ready(context.request.ready_timeout)
