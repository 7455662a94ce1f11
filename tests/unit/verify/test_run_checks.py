"""Only a check that was made, and held, has passed."""

import pytest

from recovery.commands import Result
from recovery.errors import TargetError
from recovery.verify.facts import ServerFacts
from recovery.verify.run_checks import run_checks

FACTS = ServerFacts(
    folders=["/var/lib/velociraptor"],
    frontend_port=8000,
    api_port=8001,
    config_fingerprint="0" * 64,
    keys={"Client.nonce": "0" * 64},
    package_version="0.77.2-1",
    server_version="0.77.2",
    clients={"root": {"C.1": "x"}},
)


class DeafTarget:
    """A machine that can't be reached."""

    uri = testinfra_uri = "ssh://gone"

    def run(self, argv, **_):
        raise TargetError("no SSH connection", target=self.uri)

    def get(self, path):
        raise TargetError("no SSH connection", target=self.uri)


class EmptyTarget(DeafTarget):
    """A machine on which every command fails."""

    def run(self, argv, **_):
        return Result(tuple(argv), 1, b"", b"")


def outcomes(target, facts=FACTS, **more):
    said = []
    checks = run_checks(target, facts, None, said.append, **more)
    assert len(said) == len(checks)
    return {check.name: check for check in checks}


def test_what_could_not_be_checked_is_an_error_never_passed():
    found = outcomes(DeafTarget())
    for name in ("network: dns", "config: files it names"):
        assert found.pop(name).outcome == "skipped"
    assert {check.outcome for check in found.values()} == {"error"}
    assert all("could not be checked" in check.detail for check in found.values())


def test_an_empty_machine_passes_nothing():
    assert "passed" not in {check.outcome for check in outcomes(EmptyTarget()).values()}


def test_nothing_to_hold_to_is_skipped_with_its_reason():
    bare = ServerFacts(folders=["/d"], frontend_port=1, api_port=2, config_fingerprint="", keys={})
    found = outcomes(EmptyTarget(), bare)
    assert found["clients: old clients back"].outcome == "skipped"
    assert found["package: binary version"].detail == "the captured server's version is not known"


def test_details_are_sentences_not_source_lines():
    found = outcomes(EmptyTarget())
    assert found["package: installed"].detail == "the package velociraptor-server is not installed"
    assert "assert" not in " ".join(check.detail for check in found.values())


def test_the_callers_own_pytest_settings_change_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("PYTEST_ADDOPTS", "--no-such-option")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --also-unknown\n")
    (tmp_path / "conftest.py").write_text("raise SystemError('the operator\\'s own folder')\n")
    assert len(outcomes(EmptyTarget())) == 17


def test_the_clients_come_last():
    assert list(outcomes(EmptyTarget()))[-1].startswith("clients: ")


def test_an_interrupt_is_not_swallowed():
    class Interrupted(EmptyTarget):
        def run(self, argv, **_):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outcomes(Interrupted())


def test_junit_names_each_check_once(tmp_path):
    junit = tmp_path / "checks.xml"
    run_checks(EmptyTarget(), FACTS, junit, lambda _: None)
    assert junit.read_text().count("<testcase ") == 17
