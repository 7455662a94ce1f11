"""The proof on a real machine: all well, and each thing that can be wrong, by both ways in."""

from contextlib import contextmanager

import pytest

from recovery.verify.facts import DnsFacts
from recovery.verify.prove import prove
from tests.integration.verify.conftest import START_CLIENT

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]

STRATEGY = ["state", "collections"]
UNIT = "velociraptor_server"
CONFIG = "/etc/velociraptor/server.config.yaml"


def say(_line):
    pass


def outcomes(proof):
    return {check.name: check.outcome for check in proof.checks}


def prove_it(served, target=None, **more):
    return prove(target or served.target, served.config, served.manifest, STRATEGY, say, **more)


def test_a_sound_server_has_no_finding(served, either_way, tmp_path):
    junit = tmp_path / "checks.xml"
    proof = prove_it(served, either_way, junit=junit)
    assert [finding for finding in proof.findings if "alice" not in finding] == []
    found = outcomes(proof)
    assert found.pop("network: dns") == "skipped"
    assert set(found.values()) == {"passed"}
    assert len(found) == 16
    assert junit.read_text().count("<testcase ") == 17


@contextmanager
def broken(target, break_it, repair):
    # A unit may take its whole TimeoutStopSec to stop.
    target.run(["bash", "-ec", break_it], timeout=180)
    try:
        yield
    finally:
        target.run(["bash", "-ec", repair], timeout=180)


MODES = {
    "service: enabled": (f"systemctl disable -q {UNIT}", f"systemctl enable -q {UNIT}"),
    "config: not readable by others": (f"chmod 644 {CONFIG}", f"chmod 640 {CONFIG}"),
    "datastore: no file of another user": (
        "touch /var/lib/velociraptor/stray",
        "rm /var/lib/velociraptor/stray",
    ),
    "package: binary in place": (
        "chmod 777 /usr/local/bin/velociraptor",
        "chmod 755 /usr/local/bin/velociraptor",
    ),
}
CONTENTS = {
    "config: not readable by others": (f"chmod 660 {CONFIG}", f"chmod 640 {CONFIG}"),
    "config: same configuration": (
        f"cp -p {CONFIG} /root/kept; echo '# more' >> {CONFIG}",
        f"cp -p /root/kept {CONFIG}",
    ),
    "config: same key material": (
        f"sed -i 's/^  nonce: .*/  nonce: AAAAAAAAAAA=/' {CONFIG}",
        "true",
    ),
    "datastore: owner": (
        "chgrp root /var/lib/velociraptor",
        "chgrp velociraptor /var/lib/velociraptor",
    ),
}


@pytest.mark.parametrize("wrongs", [MODES, CONTENTS], ids=["modes", "contents"])
def test_what_is_wrong_is_found_and_nothing_else(served, wrongs):
    break_all = "; ".join(break_it for break_it, _ in wrongs.values())
    repair_all = "; ".join(repair for _, repair in reversed(wrongs.values()))
    with broken(served.target, break_all, repair_all):
        proof = prove_it(served)
    found = outcomes(proof)
    assert {name for name, outcome in found.items() if outcome == "failed"} == set(wrongs)
    assert "error" not in found.values()
    told = "\n".join(proof.findings)
    assert all(f"check {name}: " in told for name in wrongs)
    if wrongs is CONTENTS:
        assert f"check config: same configuration: {CONFIG}: not as captured: Client.nonce" in told


def test_another_package_version_is_found(served):
    package = served.manifest.package.model_copy(update={"version": "0.0.1-1"})
    manifest = served.manifest.model_copy(update={"package": package})
    proof = prove(served.target, served.config, manifest, STRATEGY, say)
    assert outcomes(proof)["package: installed"] == "failed"


def test_a_client_that_stays_away_is_found(served):
    stop = f"systemctl stop client; systemctl restart {UNIT}"
    with broken(
        served.target, stop, "systemctl reset-failed client || true; systemctl daemon-reload"
    ):
        proof = prove_it(served, wait=4)
        not_sent = prove_it(served, wait=0, clients_sent=False)
    served.target.run(START_CLIENT.split())
    assert outcomes(proof)["clients: old clients back"] == "failed"
    (finding,) = [finding for finding in proof.findings if "old clients back" in finding]
    assert served.client in finding
    assert outcomes(not_sent)["clients: old clients back"] == "skipped"
    assert [finding for finding in not_sent.findings if "client" in finding] == []
    assert outcomes(prove_it(served))["clients: old clients back"] == "passed"


def test_a_stopped_server_passes_nothing_that_needs_it(served):
    with broken(served.target, f"systemctl stop {UNIT}", f"systemctl start {UNIT}"):
        proof = prove_it(served)
    found = outcomes(proof)
    assert found["service: running"] == "failed"
    assert found["network: frontend listens"] == "failed"
    assert found["clients: old clients back"] == "error"
    assert proof.fidelity == []
    assert any("could not be compared" in finding for finding in proof.findings)


def test_lost_things_are_named(served):
    served.query(
        'SELECT label(client_id=C, labels=["prod"], op="remove") AS A FROM scope()', C=served.client
    )
    try:
        proof = prove_it(served)
    finally:
        served.query(
            'SELECT label(client_id=C, labels=["prod"], op="set") AS A FROM scope()',
            C=served.client,
        )
    assert f"root: labels: 1 lost of 1: {served.client}/prod" in proof.findings


def test_an_account_that_nobody_captured_is_a_finding(served):
    served.query('SELECT user_create(user="mallory", roles=["administrator"]) AS A FROM scope()')
    try:
        proof = prove_it(served)
    finally:
        served.query('SELECT user_delete(user="mallory", really_do_it=TRUE) AS A FROM scope()')
    assert (
        "root: users: 1 there, though held back, not chosen or not in the recovery point: mallory"
        in proof.findings
    ), proof.findings


def test_the_targets_own_resolver_is_asked_where_no_name_server_is_named(served):
    served.target.run(["bash", "-c", "echo 192.0.2.7 server.test >> /etc/hosts"])
    right = DnsFacts(name="server.test", address="192.0.2.7")
    wrong = DnsFacts(name="server.test", address="192.0.2.8")
    assert outcomes(prove_it(served, dns=right))["network: dns"] == "passed"
    assert outcomes(prove_it(served, dns=wrong))["network: dns"] == "failed"


def test_a_first_deployment_has_nothing_to_be_compared_with(served):
    proof = prove(served.target, served.config, None, ["redeploy"], say)
    assert proof.fidelity == []
    assert proof.findings == []
    assert outcomes(proof)["clients: old clients back"] == "skipped"
    assert outcomes(proof)["config: same key material"] == "skipped"
