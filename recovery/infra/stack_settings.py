"""The stack's configuration as the toolkit's settings."""

import os
from pathlib import Path

import pulumi
from pulumi.runtime.config import CONFIG, get_config_env

from recovery.errors import BadInputError, RecoveryError
from recovery.infra.aws.credentials import require_credentials
from recovery.refused_values import none_of
from recovery.settings import Settings, parse_settings

ACCOUNTS = ("unchanged", "known", "all")
"""What recovery:accounts may be, beside a file."""
_KINDS = {"accounts": "approval or file of rules", "package": "package", "vault": "vault folder"}


def read_settings() -> Settings:
    """The settings of the stack being updated; wrong ones end the program with their words.

    All keys are read, not those known by name, so that a misspelt one is refused instead of
    ignored. Secrets among them stay in ``SecretStr`` until a resource takes them as such.
    """
    own = f"{pulumi.get_project()}:"
    everything = {**get_config_env(), **CONFIG.get()}
    flat = {key.removeprefix(own): text for key, text in everything.items() if key.startswith(own)}
    try:
        settings = parse_settings(flat)
        require_files(settings)
        require_credentials(settings, everything)
    except RecoveryError as wrong:
        raise pulumi.RunError(str(wrong)) from None  # the one error shown without a traceback
    return settings


def require_files(settings: Settings) -> None:
    """Returns when the files and folders that the settings name are there.

    Looked at before a machine is made for nothing. Raises :class:`BadInputError`.
    """
    named = {"package": settings.package}
    if settings.accounts not in ACCOUNTS:
        named["accounts"] = settings.accounts
    if "://" not in settings.vault:
        named["vault"] = settings.vault
    for key, text in named.items():
        path = Path(text).expanduser()
        if not text or (path.is_dir() if key == "vault" else path.is_file()):
            continue
        words = f", and {none_of(text, ACCOUNTS)}" if key == "accounts" else ""
        raise BadInputError(
            f"recovery:{key} can't be used: there is no {_KINDS[key]} {path}{words}",
            step="read the settings",
            hint=f"`pulumi config set {key} …` with one that is there; nothing was changed",
        )


def stack_label() -> str:
    """The stack's name with its project's, for labels and folders."""
    return f"{pulumi.get_project()}-{pulumi.get_stack()}"


def key_folder(settings: Settings) -> Path:
    """Where this stack's SSH key files are kept: as set, else in the operator's own state."""
    if settings.folder:
        return Path(settings.folder).expanduser().resolve()
    state = os.environ.get("XDG_STATE_HOME", "")
    base = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return base / "velociraptor-recovery" / "ssh" / stack_label()
