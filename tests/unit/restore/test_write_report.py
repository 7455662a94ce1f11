import json
import stat
from datetime import UTC, datetime

import pytest

from recovery.errors import RecoveryError
from recovery.restore.request import RestoreRequest
from recovery.restore.write_report import record, write_report
from recovery.verify.prove import Proof

AT = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
REQUEST = RestoreRequest(target="docker://one", vault="/vault")


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("findings", "verdict"),
    [([], "recovered"), (["root: 1 hunt lost"], "recovered with findings")],
)
def test_the_record_says_what_came_of_it(findings, verdict):
    proof = Proof(checks=[], fidelity=[], findings=findings)
    said = record(REQUEST, "2026-aaaa", proof, AT)
    assert (said["verdict"], said["findings"], said["point"]) == (verdict, findings, "2026-aaaa")


def test_it_is_the_operators_own():
    path = write_report({"verdict": "recovered"}, AT)
    assert json.loads(path.read_text()) == {"verdict": "recovered"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_disk_that_refuses_is_an_error_with_a_way_out(state):
    (state / "velociraptor-recovery").write_text("a file where the folder should be")
    with pytest.raises(RecoveryError) as refused:
        write_report({}, AT)
    assert "recovered and serving" in refused.value.hint
