"""The server that an export reads, found by its config and asked through its API."""

from collections.abc import Iterator
from contextlib import contextmanager

from recovery.capture.compare_clocks import server_ahead
from recovery.capture.list_collections import list_orgs
from recovery.capture.options import CaptureOptions
from recovery.capture.scene import Say, Scene
from recovery.target import Target
from recovery.velociraptor.api import open_api
from recovery.velociraptor.read_config import read_config


@contextmanager
def open_scene(target: Target, options: CaptureOptions, say: Say) -> Iterator[Scene]:
    """The server on ``target`` with all its orgs; its API is open until the block ends.

    Raises :class:`recovery.errors.RecoveryError` when the server can't be asked.
    """
    config = read_config(target, options.config_path)
    with open_api(target, config) as api:
        yield Scene(
            target=target,
            api=api,
            config=config,
            options=options,
            orgs=list(list_orgs(api)),
            say=say,
            ahead=server_ahead(api),
        )
