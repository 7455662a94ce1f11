"""`frontend`: the server itself."""

from __future__ import annotations

import argparse
import datetime as dt
import getpass
import os
import sys
import threading
from typing import Any

from server_app.cli.main import CommandError
from server_app.cli.stopping import ending
from server_app.config import load_config
from server_app.config.document import require

GUI_PATH = "/app/index.html"


def run_frontend(flags: argparse.Namespace) -> None:
    """Serves clients and API until SIGTERM or SIGINT, then saves and stops.

    Refuses what the real server refuses (facts: Configuration and keys, The
    server package): root where the config names a user, a public URL that is
    no GUI's, a certificate out of date that can't be reissued.
    """
    config = require(load_config(flags.config), ("Client", "Frontend", "Datastore"))
    check(config)
    renew_certificate(config)
    from server_app.services import Server

    stop = ending()
    server = Server(config)
    failure: list[BaseException] = []
    api: list[Any] = []

    def open_api() -> None:
        from server_app.api.service import open_api

        try:
            api.append(open_api(server))
        except Exception as error:  # noqa: BLE001 - handed over to the main thread
            failure.append(error)
            stop.set()

    try:
        server.start()
        # The API's library takes as long to load as the front end's: at the same time, then.
        opening = threading.Thread(target=open_api, name="open-api", daemon=True)
        opening.start()
        from server_app.frontend import serve

        serve(server, stop, lambda: _ready(config, opening))
    finally:
        for listener in api:
            listener.stop(grace=1).wait(3)
        server.close()
    if failure:
        raise CommandError(f"starting frontend: {failure[0]}") from failure[0]


def _ready(config: dict[str, Any], opening: threading.Thread) -> None:
    opening.join()
    sys.stderr.write(f"Frontend is ready on port {config['Frontend'].get('bind_port')}\n")
    sys.stderr.flush()
    threading.Thread(target=_warm_up, name="warm-up", daemon=True).start()


def _warm_up() -> None:
    """Loads the language after listening has begun, so that the first query needn't wait."""
    from server_app.vql.parse import parse
    from server_app.vql.registry import load

    load()
    parse("SELECT * FROM scope()")


def check(config: dict[str, Any]) -> None:
    """Raises CommandError for a config or user with which a server must not run."""
    client, frontend = config["Client"], config["Frontend"]
    for section, names in (
        ("Client", ("ca_certificate", "nonce", "server_urls")),
        ("Frontend", ("certificate", "private_key")),
    ):
        part = client if section == "Client" else frontend
        for name in names:
            if not part.get(name):
                raise CommandError(f"No {section}.{name} configured")
    user = frontend.get("run_as_user")
    if user and user != _user():
        raise CommandError(
            f"loading config file: Velociraptor should be running as the '{user}' user "
            f"but you are '{_user()}'. Please change user with sudo first."
        )
    url = (config.get("GUI") or {}).get("public_url") or ""
    if url and not url.endswith(GUI_PATH):
        raise CommandError(
            "Invalid GUI.public_url: it is the address of the GUI as seen from outside "
            f"and must end with '{GUI_PATH}'"
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def renew_certificate(config: dict[str, Any]) -> None:
    """An expired front end certificate is reissued in memory if the CA's key is there (facts)."""
    from cryptography import x509

    from server_app.config.keys import reissue_certificates

    try:
        certificate = x509.load_pem_x509_certificate(config["Frontend"]["certificate"].encode())
    except ValueError as error:
        raise CommandError("Frontend.certificate is not a certificate in PEM") from error
    if certificate.not_valid_after_utc > dt.datetime.now(dt.UTC):
        return
    if not (config.get("CA") or {}).get("private_key"):
        raise CommandError("Certificate not valid: it has expired and CA.private_key is missing")
    reissue_certificates(config)
