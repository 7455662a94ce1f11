"""The server package is installed, and its binary is the one that was captured."""

from typing import Any

import pytest

from recovery.velociraptor.config import PACKAGE
from recovery.velociraptor.paths import BINARY_PATH
from recovery.verify.facts import ServerFacts


def test_installed(host: Any, facts: ServerFacts, record_property: Any) -> None:
    status = host.run("dpkg-query -W -f '${db:Status-Abbrev}|${Version}' %s", PACKAGE)
    assert status.rc == 0, f"the package {PACKAGE} is not installed"
    state, version = status.stdout.split("|")
    assert state.strip() == "ii", f"the package's state is {state.strip()!r}, not 'ii'"
    record_property("detail", version)
    if facts.package_version:
        wanted = facts.package_version
        assert version == wanted, f"version {version} is installed; the point has {wanted}"


def test_binary_in_place(host: Any) -> None:
    words = host.run("stat -c '%%F|%%U|%%a' %s", BINARY_PATH)
    assert words.rc == 0, f"{BINARY_PATH} is missing"
    kind, owner, mode = words.stdout.strip().split("|")
    assert kind == "regular file", f"{BINARY_PATH} is a {kind}"
    assert owner == "root", f"{BINARY_PATH} belongs to {owner}, not root"
    assert not int(mode, 8) & 0o022, f"{BINARY_PATH} can be changed by others (mode {mode})"
    assert int(mode, 8) & 0o111 == 0o111, f"{BINARY_PATH} can't be run by all (mode {mode})"


def test_binary_version(host: Any, facts: ServerFacts, record_property: Any) -> None:
    if not facts.server_version:
        pytest.skip("the captured server's version is not known")
    said = host.run("%s version", BINARY_PATH)
    assert said.rc == 0, f"`{BINARY_PATH} version` ended with {said.rc}: {said.stderr[-200:]}"
    versions = [line.split(":", 1)[1] for line in said.stdout.splitlines() if "version:" in line]
    found = next((text.strip().strip("\"'") for text in versions if text.strip()), "")
    record_property("detail", found)
    wanted = facts.server_version
    assert found == wanted, f"the binary says {found!r}; the captured server was {wanted}"
