import json
import xml.etree.ElementTree as ET
from pathlib import Path

import jsonschema
import pytest

from recovery.drill.junit import junit_xml
from recovery.drill.schema import schema_text
from recovery.drill.verdict import make_report
from recovery.drill.write_report import write_report
from recovery.errors import RecoveryError
from tests.unit.drill.courses import check, course, line, without

SCHEMA = Path(__file__).parents[3] / "docs" / "report.schema.json"
ENDS = {
    "recovered": lambda: make_report(course()),
    "findings": lambda: make_report(
        course(checks=[check(outcome="skipped", detail="why")], fidelity=[line(lost=1)])
    ),
    "redeploy": lambda: make_report(course(options={"strategy": ("redeploy",)})),
    "failed early": lambda: make_report(
        course(loss=None, manifest=None, checks=[], fidelity=[], server_kind=""),
        RecoveryError("no space", step="set the stage", hint="free some"),
    ),
}


def test_the_schema_in_docs_is_that_of_the_report():
    assert SCHEMA.read_text() == schema_text()


def test_the_schema_is_one():
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("end", ENDS)
def test_every_report_fits_the_schema(end):
    jsonschema.validate(json.loads(ENDS[end]().model_dump_json()), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize(
    "damage",
    [
        {"verdict": "fine"},
        {"rto_seconds": -1},
        {"server": {"kind": "reference", "version": "1"}},
        {"surprise": 1},
        {"fidelity": [{"item": "flows"}]},
    ],
)
def test_the_schema_refuses_what_is_no_report(damage):
    report = json.loads(ENDS["recovered"]().model_dump_json()) | damage
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(report, json.loads(SCHEMA.read_text()))


def test_the_schema_has_what_programs_were_promised():
    properties = json.loads(SCHEMA.read_text())["required"]
    promised = {"verdict", "server", "strategy", "rto_seconds", "rpo_seconds"}
    assert promised | {"phases", "checks", "fidelity"} <= set(properties)


def _cases(report):
    suite = ET.fromstring(junit_xml(report)).find("testsuite")  # noqa: S314 - our own
    assert suite is not None
    return suite, {f"{case.get('classname')} {case.get('name')}": case for case in suite}


def test_junit_of_a_recovered_drill_has_no_failure():
    suite, cases = _cases(ENDS["recovered"]())
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("0", "0", "0")
    assert suite.get("tests") == str(len(cases))
    assert cases["drill.network dns"].get("time") == "0.250"


@pytest.mark.parametrize(
    ("outcome", "element"), [("failed", "failure"), ("error", "error"), ("skipped", "skipped")]
)
def test_junit_never_passes_what_did_not(outcome, element):
    _, cases = _cases(make_report(course(checks=[check(outcome=outcome, detail='a < "b"')])))
    inside = cases["drill.network dns"].find(element)
    assert inside is not None
    assert inside.text == 'a < "b"'


def test_junit_of_losses_and_budgets():
    made = course(
        options={"rto": 1.0, "strategy": ("redeploy",)},
        fidelity=[line(lost=2, missing=["F.1"]), line("labels", lost=1, expected=True)],
    )
    _, cases = _cases(make_report(made))
    assert cases["drill.fidelity root flows"].find("failure") is not None
    assert cases["drill.fidelity root labels"].find("failure") is None
    assert cases["drill.budget RTO"].find("failure") is not None
    assert cases["drill.budget RPO"].find("skipped") is not None


def test_junit_of_a_drill_that_ended_early_has_an_error():
    suite, cases = _cases(ENDS["failed early"]())
    assert suite.get("errors") == "1"
    assert cases["drill.drill came to its end"].find("error") is not None


def test_files_are_whole_or_not_there(tmp_path):
    report = without(course(back=4), "all clients served")
    files = write_report(make_report(report), tmp_path / "deep" / "er", tmp_path / "j" / "x.xml")
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert names == ["deep/er/report.html", "deep/er/report.json", "j/x.xml"]
    assert sorted(files) == sorted(path for path in tmp_path.rglob("*.*") if path.is_file())


def test_a_folder_that_can_not_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(RecoveryError, match="could not be written") as refused:
        write_report(ENDS["recovered"](), tmp_path / "file" / "sub", None)
    assert "--report" in refused.value.hint
