"""Everything in the datastore belongs to the server, so that it can go on writing there."""

from typing import Any

from recovery.velociraptor.config import OWNER
from recovery.verify.facts import ServerFacts

SHOWN = 5


def test_owner(host: Any, facts: ServerFacts, record_property: Any) -> None:
    for folder in facts.folders:
        found = host.run("stat -c '%%U:%%G|%%a' %s", folder)
        assert found.rc == 0, f"{folder} is missing"
        owner, mode = found.stdout.strip().split("|")
        record_property("detail", f"{owner} {mode}")
        assert owner == f"{OWNER}:{OWNER}", f"{folder} belongs to {owner}"
        assert not int(mode, 8) & 0o002, f"{folder} can be changed by anybody (mode {mode})"


def test_no_file_of_another_user(host: Any, facts: ServerFacts) -> None:
    # `-print` alone: with millions of files, a sorted or formatted list takes minutes.
    for folder in facts.folders:
        found = host.run("find -H %s ! -user %s -print | head -n %s", folder, OWNER, str(SHOWN))
        assert found.rc == 0, "the files can't be listed"
        assert not found.stderr.strip(), f"can't be listed: {found.stderr[-200:]}"
        names = found.stdout.split()
        more = " …" if len(names) == SHOWN else ""
        assert not names, f"not of {OWNER}: {', '.join(names)}{more}"
