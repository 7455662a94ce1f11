import pytest

from recovery.drill.verdict import EXIT_CODES, make_report
from recovery.errors import RecoveryError
from tests.unit.drill.courses import check, course, line, without

ALL = "all clients served"


def test_everything_back_is_recovered():
    report = make_report(course())
    assert report.verdict == "recovered"
    assert report.findings == []
    assert (report.rto_seconds, report.rpo_seconds) == (9.3, 4.0)
    assert report.server is not None
    assert report.server.proof_for_production


@pytest.mark.parametrize("outcome", ["failed", "error", "skipped"])
def test_a_check_that_did_not_pass_is_never_recovered(outcome):
    report = make_report(course(checks=[check(), check("config: same", outcome, "why")]))
    assert report.verdict == "recovered with findings"


@pytest.mark.parametrize("outcome", ["error", "skipped"])
def test_what_could_not_be_checked_is_named(outcome):
    report = make_report(course(checks=[check(), check("config: same", outcome, "why")]))
    assert "config: same: why" in report.not_checked


@pytest.mark.parametrize("missing", [{"checks": []}, {"fidelity": []}])
def test_without_checks_or_table_nothing_is_proven(missing):
    assert make_report(course(**missing)).verdict == "recovered with findings"


def test_a_drill_without_a_table_says_so():
    assert "could not be compared" in " ".join(make_report(course(fidelity=[])).findings)


def test_findings_of_the_proof_stay():
    made = course(findings=["root: flows: 1 lost of 20: F.1"], fidelity=[line(lost=1)])
    report = make_report(made)
    assert report.verdict == "recovered with findings"
    assert "root: flows: 1 lost of 20: F.1" in report.findings


def test_some_clients_missing_is_a_finding_and_no_rto():
    report = make_report(without(course(back=4), ALL))
    assert report.verdict == "recovered with findings"
    assert report.rto_seconds is None
    assert "4 of 5 clients were served again: no RTO" in report.findings


def test_no_client_back_is_not_recovered():
    assert make_report(without(course(back=0), ALL)).verdict == "not recovered"


def test_an_error_before_the_clients_are_back_is_not_recovered():
    failed = RecoveryError("dpkg refused", step="install the package", hint="look")
    report = make_report(without(course(back=0), ALL), failed)
    assert report.verdict == "not recovered"
    assert report.error is not None
    assert report.error.hint == "look"


def test_an_error_before_the_loss_is_not_recovered():
    report = make_report(course(loss=None, back=0, expected={}), RecoveryError("no space"))
    assert report.verdict == "not recovered"
    assert report.findings == []
    assert (report.rto_seconds, report.rpo_seconds, report.change) == (9.3, None, None)


def test_a_proof_that_broke_off_leaves_findings():
    report = make_report(course(fidelity=[], checks=[]), RecoveryError("the checks did not run"))
    assert report.verdict == "recovered with findings"
    assert "the drill broke off: the checks did not run" in report.findings


@pytest.mark.parametrize(
    ("options", "words"),
    [({"rto": 9.0}, "RTO 9.3 s is over its budget"), ({"rpo": 3.0}, "RPO 4.0 s is over")],
)
def test_a_breached_budget_is_a_finding(options, words):
    report = make_report(course(options=options))
    assert report.verdict == "recovered with findings"
    assert words in " ".join(report.findings)


@pytest.mark.parametrize(
    ("strategy", "rpo"),
    [
        (("state", "collections"), 4.0),
        (("backup", "collections"), 108000.0),
        (("backup",), 108000.0),
        (("collections",), 4.0),
        (("redeploy",), None),
    ],
)
def test_the_rpo_is_the_age_of_the_oldest_source_used(strategy, rpo):
    options = {"strategy": strategy, "rpo": 10**6}
    assert make_report(course(options=options)).rpo_seconds == rpo


def test_the_fixtures_have_no_age():
    options = {"strategy": ("backup", "collections"), "scenario": "fixtures"}
    report = make_report(course(options=options))
    assert (report.rpo_seconds, report.verdict) == (None, "recovered")


def test_a_reference_server_is_no_proof_for_production():
    report = make_report(course(server_kind="reference"))
    assert report.server is not None
    assert (report.server.kind, report.server.proof_for_production) == ("reference", False)
    assert any("how a real Velociraptor behaves" in item for item in report.not_checked)


def test_moments_are_counted_from_the_loss():
    after = {one.name: one.after_loss for one in make_report(course()).moments}
    assert after == {
        "the server is lost": 0.0,
        "the server listens": 7.5,
        "all clients served": 9.3,
    }


def test_exit_codes_are_those_of_the_design():
    assert list(EXIT_CODES.items()) == [
        ("recovered", 0),
        ("recovered with findings", 1),
        ("not recovered", 2),
    ]
