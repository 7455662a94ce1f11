"""Users that the config itself makes at a server's very first start, as administrators.

``GUI.initial_users`` is looked at where the datastore has no ``config/install_time`` (facts: Server
and clients), or one without a time in it (read in its source): a package alone, or a backup, would
bring back whoever stands there, removed since or not, whatever was approved.
"""

import re
from collections.abc import Sequence
from typing import Any

from recovery.accounts.approve import approve
from recovery.accounts.read_accounts import Account
from recovery.accounts.review import review
from recovery.errors import BadInputError
from recovery.restore.accounts_of import accounts_of
from recovery.restore.context import Context
from recovery.restore.point_before import earlier_point
from recovery.restore.review_accounts import allowed_accounts
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import ROOT
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.config_edit import set_list
from recovery.velociraptor.messages import protobuf_values
from recovery.velociraptor.records import is_json_record, json_record
from recovery.velociraptor.state_tar import deciding_files
from recovery.velociraptor.stored_names import same_user

_PLACE = ("GUI", "initial_users")
_INSTALLED = ("config/install_time.json.db", "config/install_time.db")
_TIME = re.compile(r"[1-9][0-9]{0,17}")


def initial_users(config: ServerConfig) -> list[str]:
    """Their names. Pure."""
    return [str(user.get("name") or "") for user in _entries(config)]


def held_initial_users(context: Context) -> list[str]:
    """Those that may not come back: not as administrators, by what is known and approved.

    Where accounts come back with the strategy, they must be among them, with such rights; with a
    package alone, or a backup that has none, they are compared with the config of the point before.
    """
    if not context.has_point or not (names := initial_users(context.config)):
        return []
    if _was_started(context):
        return []
    allowed = allowed_accounts(context)
    root = [one for one in _accounts(context) if one.org == ROOT]
    if allowed is not None and root:
        approved = [one for one in root if one.is_admin and one.key in allowed]
    else:
        before = _before(context, earlier_point(context, context.manifest))
        differences = review(_as_accounts(names), _as_accounts(before))
        deployment = context.manifest.server.deployment
        approved = approve(context.request.accounts, differences, deployment)
    known = {same_user(account.name) for account in approved}
    return [name for name in names if same_user(name) not in known]


def without_users(raw: bytes, names: Sequence[str]) -> bytes:
    """The config's text without these initial users, all else as it is.

    Raises :class:`BadInputError` where its form doesn't allow it.
    """
    if not names:
        return raw
    config = ServerConfig.parse(raw)
    kept = [user for user in _entries(config) if str(user.get("name") or "") not in names]
    return set_list(raw.decode(), _PLACE, kept).encode()


def _entries(config: ServerConfig) -> list[dict[str, Any]]:
    gui = config.values.get("GUI")
    listed = gui.get("initial_users") if isinstance(gui, dict) else None
    return [user for user in listed if isinstance(user, dict)] if isinstance(listed, list) else []


def _was_started(context: Context) -> bool:
    """Whether the state that is placed says that its server has had its first start."""
    if not context.wants("state"):
        return False
    states = [s.tar for s in context.manifest.state if context.wants_org(s.org)]
    records = [
        file.read()
        for tar in states
        for file in deciding_files(context.fetch(tar))
        if file.path in _INSTALLED
    ]
    return bool(records) and all(map(tells_time, records))


def tells_time(record: bytes) -> bool:
    """Whether a record of the first start has a time; one without it is none to a server. Pure."""
    try:
        if not is_json_record(record):
            return _TIME.fullmatch(str(dict(protobuf_values(record)).get(1))) is not None
        values = json_record(record)
    except ValueError:
        return False
    return any(_TIME.fullmatch(str(values.get(name))) for name in ("installTime", "install_time"))


def _accounts(context: Context) -> list[Account]:
    """Those that come back with the strategy."""
    brings = context.wants("state") or context.wants("backup")
    return accounts_of(context, context.manifest) if brings else []


def _before(context: Context, point: Manifest | None) -> list[str]:
    if point is None:
        return []
    try:
        return initial_users(ServerConfig.parse(context.fetch(point.config).read_bytes()))
    except BadInputError:
        return []


def _as_accounts(names: Sequence[str]) -> list[Account]:
    return [Account(ROOT, name, {"roles": ["administrator"]}) for name in names]
