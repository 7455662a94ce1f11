"""The configuration is the captured one, and nobody else can read its private keys."""

from typing import Any

import pytest

from recovery.target import Target
from recovery.velociraptor.config import OWNER, ServerConfig
from recovery.velociraptor.paths import CONFIG_PATH
from recovery.verify.facts import ServerFacts, key_digests, setting_digests


@pytest.fixture(name="now", scope="module")
def _now(target: Target) -> ServerConfig:
    """The configuration on the target; its text goes no further than here."""
    return ServerConfig.parse(target.get(CONFIG_PATH), source=CONFIG_PATH)


def test_not_readable_by_others(host: Any, record_property: Any) -> None:
    found = host.run("stat -c '%%a|%%U|%%G' %s", CONFIG_PATH)
    assert found.rc == 0, f"{CONFIG_PATH} is missing"
    mode, owner, group = found.stdout.strip().split("|")
    record_property("detail", f"{mode} {owner}:{group}")
    assert not int(mode, 8) & 0o007, f"{CONFIG_PATH} has mode {mode}: anybody can read the keys"
    assert not int(mode, 8) & 0o020, f"{CONFIG_PATH} has mode {mode}: its group can change it"
    assert owner in ("root", OWNER), f"{CONFIG_PATH} belongs to {owner}"
    assert group in ("root", OWNER), f"{CONFIG_PATH} belongs to the group {group}"


def test_same_key_material(now: ServerConfig, facts: ServerFacts, record_property: Any) -> None:
    if not facts.keys:
        pytest.skip("no captured configuration to compare with")
    found = key_digests(now)
    names = sorted({*facts.keys, *found})
    other = [name for name in names if facts.keys.get(name) != found.get(name)]
    record_property("detail", f"{len(names)} keys, certificates and nonces")
    assert not other, f"not the captured ones: {', '.join(other)}"


def test_same_configuration(now: ServerConfig, facts: ServerFacts) -> None:
    if not facts.config_fingerprint:
        pytest.skip("no captured configuration to compare with")
    found = setting_digests(now)
    names = sorted({*facts.settings, *found})
    other = [name for name in names if facts.settings.get(name) != found.get(name)]
    says = f"not as captured: {', '.join(other)}" if other else "other comments, or another order"
    assert now.fingerprint == facts.config_fingerprint, f"{CONFIG_PATH}: {says}"


def test_files_it_names(target: Target, facts: ServerFacts, record_property: Any) -> None:
    if facts.named is None:
        pytest.skip("the recovery point has none of the files that its config may name")
    record_property("detail", f"{len(facts.named)} (TLS, artifact definitions)")
    wanted = "".join(f"{path}\0" for path in facts.named).encode()
    argv = ["sh", "-c", "xargs -0 -r sha256sum -z -- 2>/dev/null || :"]
    said = target.run(argv, stdin=wanted).stdout.decode().split("\0")
    found = {line[66:]: line[:64] for line in said if line}
    missing = sorted(facts.named.keys() - found.keys())
    other = sorted(path for path in found if found[path] != facts.named.get(path))
    assert not missing, f"not there: {', '.join(missing)}"
    assert not other, f"not as captured: {', '.join(other)}"
