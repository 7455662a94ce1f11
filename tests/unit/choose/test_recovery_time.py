import json

from recovery.choose.recovery_time import best_drill, past_drills

GOOD = {
    "rto_seconds": 12.5,
    "server": {"kind": "reference"},
    "finished_at": "2026-11-20T10:00:00Z",
    "strategy": ["redeploy", "state"],
    "verdict": "recovered",
    "scenario": "rehearsal",
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


def test_a_spares_drill_counts_for_a_spare_alone(tmp_path):
    """Its strategy is that of a complete copy; its time is that of a promotion."""
    spare = {"strategy": ["datastore"], "scenario": "standby", "rto_seconds": 7.5}
    restored = spare | {"scenario": "rehearsal", "rto_seconds": 27.5}
    for name, report in {"a": spare, "b": restored}.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps(GOOD | report))
    found = past_drills(tmp_path)
    assert best_drill(found, frozenset({"datastore"})).seconds == 27.5
    assert best_drill(found, frozenset({"datastore"}), spare=True).seconds == 7.5
