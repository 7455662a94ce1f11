import json

from recovery.choose.recovery_time import past_drills

GOOD = {
    "rto_seconds": 12.5,
    "server": {"kind": "reference"},
    "finished_at": "2026-11-20T10:00:00Z",
    "strategy": ["redeploy", "state"],
    "verdict": "recovered",
}


def test_reports_are_read_newest_first_and_what_did_not_recover_is_left_out(tmp_path):
    reports = {
        "a": GOOD,
        "b": GOOD | {"finished_at": "2026-11-21T10:00:00Z", "rto_seconds": 9},
        "c": GOOD | {"verdict": "not recovered"},
        "d": GOOD | {"rto_seconds": None},
        "e": {"some": "thing"},
        "f": [],
        "g": GOOD | {"server": "odd"},
    }
    for name, report in reports.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(report))
    (tmp_path / "h").mkdir()
    (tmp_path / "h" / "report.json").write_text("{")
    found = past_drills(tmp_path)
    assert [drill.seconds for drill in found] == [9, 12.5]
    assert found[0].strategy == {"state"}


def test_no_reports_at_all(tmp_path):
    assert past_drills(tmp_path / "none") == []
