"""Tags that only the server's memory has: of built-in artifacts, and where no backup was made."""

import json
from types import SimpleNamespace

from recovery.capture.built_in_tags import add_built_in
from recovery.capture.take_backups import TakenBackups
from recovery.velociraptor.inventory import Inventory


class Server:
    """Answers for the artifacts that it is asked for, as a real one does."""

    def __init__(self):
        self.asked = []

    def query(self, _vql, *, env, org):
        names = json.loads(env["Names"])
        self.asked.append((org, names))
        tags = {"hidden": False, "basic": True, "tags": ["x"]}
        return [{"name": name, "metadata": tags} for name in [*names, "Generic.Other"]]


def test_what_is_counted_and_in_no_backup_is_asked_for():
    counted = {
        "root": {"artifact_tags": {"Custom.A": "1", "Generic.Client.Info": "2"}},
        "OACME": {"artifact_tags": {"Custom.B": "3"}},
    }
    backups = TakenBackups(tags={"root": {"Custom.A": {"tags": ["a"]}}})
    api = Server()
    scene = SimpleNamespace(orgs=["root", "OACME", "OGONE"], api=api)
    add_built_in(scene, backups, Inventory(orgs=counted))
    assert api.asked == [("root", ["Generic.Client.Info"]), ("OACME", ["Custom.B"])]
    now = {"basic": True, "tags": ["x"]}
    assert backups.tags["root"] == {"Custom.A": {"tags": ["a"]}, "Generic.Client.Info": now}
    assert backups.tags["OACME"] == {"Custom.B": now}
