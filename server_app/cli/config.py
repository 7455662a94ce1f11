"""`config …`: make, show and derive configuration files."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from server_app.cli.main import CommandError, UsageError
from server_app.config import BUILD, client_config, dump_yaml, load_config
from server_app.config.document import require
from server_app.config.merge import apply_merge, apply_patch
from server_app.services.directory import RESERVED

Flags = argparse.Namespace


def generate(flags: Flags) -> None:
    """A new server config with new keys, merges first, then patches."""
    from server_app.config.defaults import default_config
    from server_app.config.keys import add_key_material

    if flags.interactive:
        raise CommandError("questions are not asked here: use --merge or --merge_file")
    config = default_config()
    add_key_material(config)
    sys.stdout.write(dump_yaml(_changed(config, flags)))


def show(flags: Flags) -> None:
    """The config as this program reads it, in the org asked for."""
    config = load_config(flags.config)
    config["version"] = dict(BUILD)
    if isinstance(config.get("Client"), dict):
        config["Client"]["version"] = dict(BUILD)
        if _other_org(flags.org):
            config["Client"]["nonce"] = _nonce(config, flags.org)
    config = _changed(config, flags)
    sys.stdout.write(json.dumps(config) if flags.json else dump_yaml(config))


def client(flags: Flags) -> None:
    """The client's config; with --org that of another org, which differs by its nonce."""
    config = load_config(flags.config)
    nonce = _nonce(config, flags.org) if _other_org(flags.org) else ""
    sys.stdout.write(dump_yaml(client_config(config, nonce)))


def api_client(flags: Flags) -> None:
    """Writes an API client's config (mode 0600, valid a year) and gives the user its roles."""
    from server_app.config.keys import new_certificate
    from server_app.services import Server

    config = require(load_config(flags.config), ("CA", "Client"))
    if flags.name in RESERVED:
        raise CommandError(f"Username is reserved: {flags.name}")
    certificate, key = new_certificate(config, flags.name)
    document = {
        "ca_certificate": config["Client"]["ca_certificate"],
        "client_cert": certificate,
        "client_private_key": key,
        "api_connection_string": _api_address(config),
        "name": flags.name,
    }
    # Opened with its mode: there is no moment at which others could read the key.
    try:
        descriptor = os.open(flags.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except OSError as error:
        reason = f"open {flags.output}: {(error.strerror or '').lower()}"
        raise CommandError(f"Unable to open output file: {reason}") from error
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        os.fchmod(descriptor, 0o600)
        file.write(dump_yaml(document))
    sys.stdout.write(f"Creating API client file on {flags.output}.\n")
    if not flags.role:
        sys.stdout.write(
            f"No role added to user {flags.name}. You will need to do this later "
            "using the 'acl grant' command."
        )
        return
    users = Server(require(config, ("Datastore",))).org("").users
    users.create(flags.name, [role.strip() for role in flags.role.split(",") if role.strip()])


def rotate(flags: Flags) -> None:
    """The config with new keys and certificates for front end and GUI."""
    from server_app.config.keys import rotate_keys

    config = require(load_config(flags.config), ("CA", "Client", "Frontend", "GUI"))
    rotate_keys(config, flags.validity)
    sys.stdout.write(dump_yaml(config))


def reissue(flags: Flags) -> None:
    """The config with new certificates for the keys there are."""
    from server_app.config.keys import reissue_certificates

    config = require(load_config(flags.config), ("CA", "Client", "Frontend", "GUI"))
    reissue_certificates(config, flags.validity)
    sys.stdout.write(dump_yaml(config))


def _changed(config: dict[str, Any], flags: Flags) -> dict[str, Any]:
    merges = [*_texts(flags.merge_file), *flags.merge]
    patches = [*_texts(flags.patch_file), *flags.patch]
    for text in merges:
        config = apply_merge(config, text)
    for text in patches:
        config = apply_patch(config, text)
    return config


def _texts(name: str | None) -> list[str]:
    """A file's text, if one is named."""
    try:
        return [Path(name).read_text("utf-8")] if name else []
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"open {name}: {reason}, try --help") from error


def _other_org(org_id: str) -> bool:
    return org_id not in ("", "root")


def _nonce(config: dict[str, Any], org_id: str) -> str:
    from server_app.services import Server

    return Server(require(config, ("Datastore",))).org(org_id).nonce


def _api_address(config: dict[str, Any]) -> str:
    """Where API clients connect: loopback where the API is bound to it, else its host name."""
    section = config.get("API") or {}
    bound = str(section.get("bind_address") or "")
    if section.get("bind_scheme") == "unix":
        return f"unix://{bound}"
    host = section.get("hostname") or (config.get("Frontend") or {}).get("hostname") or bound
    if bound == "127.0.0.1":
        host = bound
    return f"{host}:{section.get('bind_port', 8001)}"
