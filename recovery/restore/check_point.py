"""Step: is this recovery point whole, and is it the one asked for? Nothing is changed yet."""

import zipfile
from pathlib import Path

from recovery.counts import items, things
from recovery.errors import BadInputError, UntrustedError
from recovery.restore.backup_sources import newest_backups
from recovery.restore.check_backup import check_backup
from recovery.restore.check_folders import check_folders
from recovery.restore.check_package import check_package
from recovery.restore.check_state import check_state
from recovery.restore.check_zip import NEXT as _NEXT
from recovery.restore.choice import Choice
from recovery.restore.choose_point import is_to_come, missing_parts, to_come
from recovery.restore.chosen_names import artifacts_missed, left_out_by_kind, unknown_name
from recovery.restore.context import Context
from recovery.restore.narrow import narrowed
from recovery.restore.place_datastore import repository_of
from recovery.restore.place_state import adds_archives
from recovery.restore.step import Report
from recovery.vault.adopted_gaps import is_of_the_server
from recovery.vault.check_names import check_names
from recovery.vault.manifest import Manifest
from recovery.velociraptor.backup_file import PARTS, lacking_parts
from recovery.velociraptor.identity_providers import asked_at_start
from recovery.velociraptor.operator_identity import refuse_unusable


def check_point(context: Context) -> Report:
    """Deployment, config, package, state and backups of the point, each opened and checked.

    Raises :class:`BadInputError` for another deployment or unusable content, and
    :class:`recovery.errors.VaultError` for a missing or altered object.
    """
    if not context.has_point:
        package = Path(context.request.package)
        if not context.request.package:
            raise BadInputError(
                "a vault has to be named",
                hint="give a folder's path, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME",
            )
        if not package.is_file():
            raise BadInputError(
                f"no server package at {package}",
                hint="build one: `recovery package build --binary FILE --config FILE`",
            )
        check_package(package, package.name)
        return Report(f"first deployment of {package.name}", skipped=True)
    manifest = context.manifest
    left = check_asked(context)
    check_package(context.fetch(manifest.package.file), manifest.package.file.name)
    _ = context.named  # raises where a file in it is none that the config names
    if context.request.strategy != ["redeploy"]:  # the orgs' records are of use to all others
        for state in manifest.state:
            check_state(context.fetch(state.tar), state.tar.name, context.config.server_name)
    if context.wants("backup"):
        for backup in manifest.backups:
            check_backup(context.fetch(backup.file), backup.file.name)
    lacking = _lacking(context) if context.wants("backup") and not context.wants("state") else []
    context.facts["point"] = manifest.point
    # Said before anything is changed; as findings they are said again at the end.
    gaps = _gaps(context)
    said = [f"not in this point: {gap}" for gap in (*gaps, *lacking)]
    said += [
        f"the server asks {provider} at its start: the new machine has to reach it"
        for provider in asked_at_start(context.config)
    ]
    said += [f"left out by choice: {items(count, item)}" for item, count in left.items()]
    missed = artifacts_missed(manifest, context.choice) if context.wants("collections") else []
    if missed:
        said.append(
            "rows that come back and aren't shown until their artifacts are there (choose them, "
            f"too): those of {', '.join(missed[:10])}{' …' if missed[10:] else ''}"
        )
    for line in said:
        context.say(line)
    age = manifest.captured_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Report(
        f"{manifest.point} · captured {age} · {things(len(manifest.orgs), 'org')} · "
        f"{things(len(manifest.archives), 'archive')}"
        + (f" · left out by choice: {things(sum(left.values()), 'thing')}" if left else ""),
        findings=[f"not captured: {gap}" for gap in gaps] + lacking,
    )


def check_asked(context: Context) -> dict[str, int]:
    """Whether the point is one that this recovery can be made of, by its manifest and its config.

    Needs no machine, and is asked before one is made. Returns how many things of each item are
    left out by choice. Raises :class:`BadInputError`, and
    :class:`recovery.errors.UntrustedError` for one whose parts aren't all in the vault.
    """
    manifest = context.manifest
    check_names(manifest)
    if is_to_come(manifest):
        raise BadInputError(to_come(manifest), target=manifest.point, hint=_NEXT)
    places = context.wants("state")
    if missing := missing_parts(
        context.vault, manifest, lambda path: places and context.choice.file(path)
    ):
        raise UntrustedError(
            f"{', '.join(missing)} isn't in the vault as it should be",
            target=manifest.point,
            hint=_NEXT,
        )
    _check_deployment(context)
    check_folders(context.config.folders, manifest.point)
    _check_parts(context)
    _check_copy(context)
    return _check_choice(context)


def _gaps(context: Context) -> list[str]:
    """What was not captured; of the server itself nothing where archives alone are added to it."""
    gaps = context.manifest.gaps
    return [gap for gap in gaps if not is_of_the_server(gap)] if adds_archives(context) else gaps


def _lacking(context: Context) -> list[str]:
    """The parts that the orgs' backups haven't got, and what is lost with them."""
    found = []
    for org, (backup, path) in newest_backups(context, context.manifest).items():
        if org in context.manifest.orgs and context.wants_org(org):
            with zipfile.ZipFile(path) as archive:
                found += [
                    f"{org}: {PARTS[part]} do not come back: {backup.file.name} has no {part}.json"
                    for part in lacking_parts(archive, org)
                ]
    return found


def _check_deployment(context: Context) -> None:
    """The config's CA, the manifest's fingerprint and the one asked for are the same."""
    manifest, wanted = context.manifest, context.request.deployment
    refuse_unusable(context.config)
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


def _check_parts(context: Context) -> None:
    """What the strategy is built on is in the point; else the server would come back empty."""
    manifest = context.manifest
    # An adopted point has a state of org records alone: its parts say that it holds none.
    lacking = [
        part
        for part in ("state", "backup")
        if part in context.request.strategy and not (context.wants(part) and part in manifest.parts)
    ]
    if lacking:
        raise BadInputError(
            f"the recovery point holds no {' and no '.join(lacking)}, only "
            f"{', '.join(manifest.parts)}: the server would come back empty",
            target=manifest.point,
            hint=f"--strategy {best_strategy(manifest)} (in Pulumi recovery:strategy), or another "
            "point (`recovery points list`); nothing was changed on the machine",
        )


def best_strategy(manifest: Manifest) -> str:
    """The strategy that brings back the most of what the point holds, without a complete copy."""
    base = next((part for part in ("state", "backup") if part in manifest.parts), "redeploy")
    return f"{base},collections" if "collections" in manifest.parts else base


def _check_copy(context: Context) -> None:
    """A complete copy is there, and is asked for whole or by org."""
    if "datastore" not in context.request.strategy:
        return
    if context.manifest.datastore is None:
        raise BadInputError(
            "the recovery point holds no complete copy",
            target=context.manifest.point,
            hint="`recovery datastore list` shows those that do; nothing was changed",
        )
    repository_of(context.request.repository, context.manifest.datastore)
    if context.choice != Choice(orgs=context.choice.orgs):
        raise BadInputError(
            "a complete copy comes back whole, or by org: no kind or name can be chosen of it",
            target="--strategy datastore",
            hint="with --strategy state,collections they can; nothing was changed",
        )


def _check_choice(context: Context) -> dict[str, int]:
    """How many things of each item are left out; a name that nothing bears is refused."""
    manifest, choice = context.manifest, context.choice
    if contrary := left_out_by_kind(choice):
        option, kind = contrary
        raise BadInputError(
            f"nothing would come of it: the chosen providers leave {kind} out",
            target=option,
            hint=f"add --provider {kind}, or leave one of the two options away; "
            "nothing was changed on the machine",
        )
    if unknown := unknown_name(manifest, choice):
        where = "" if unknown.option == "--org" or not choice.orgs else " in the chosen orgs"
        meant = f"; did you mean {unknown.meant!r}?" if unknown.meant else ""
        raise BadInputError(
            f"{manifest.point} holds nothing named {unknown.name!r}{where}{meant}",
            target=unknown.option,
            hint=f"`recovery points show {manifest.point}` lists what it holds; several names: "
            f"{unknown.option} once for each (in Pulumi by commas); nothing was changed on the "
            "machine",
        )
    return narrowed(manifest, choice)[1]
