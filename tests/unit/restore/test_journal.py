"""The journal on a machine: what was done for which point."""

import json
from typing import Any

from recovery.commands import Result
from recovery.restore.journal import Journal, recovered_point
from recovery.restore.request import Outcome


class Machine:
    """A target whose only file is the journal; honest about cut-off lines."""

    def __init__(self, text: str = "") -> None:
        self.text = text
        self.asked = 0

    def run(self, argv: list[str], *, stdin: bytes | None = None, **_: Any) -> Result:
        self.asked += 1
        if stdin is not None:
            self.text += stdin.decode()
        return Result(tuple(argv), 0, self.text.encode(), b"")


def _line(point: str, step: str) -> str:
    return json.dumps({"point": point, "step": step, "detail": f"{step} done"}) + "\n"


def test_what_was_done_is_known_to_whoever_goes_on() -> None:
    machine = Machine()
    Journal(machine, "P1").add(Outcome(step="install", status="done", detail="1.0"))  # type: ignore[arg-type]
    again = Journal(machine, "P1")  # type: ignore[arg-type]
    assert again.is_done("install")
    assert again.detail("install") == "1.0"
    assert not Journal(machine, "P2").is_done("install")  # type: ignore[arg-type]


def test_the_point_that_a_machine_was_recovered_from() -> None:
    machine = Machine(_line("P1", "place") + _line("P2", "import") + "{cut")
    assert recovered_point(machine, ["place", "restore"]) == "P1"  # type: ignore[arg-type]
    assert recovered_point(Machine(), ["place"]) == ""  # type: ignore[arg-type]


def test_other_points_are_named() -> None:
    machine = Machine(_line("P1", "place") + _line("P3", "place") + _line("P2", "install"))
    assert Journal(machine, "P3").others("place") == ["P1"]  # type: ignore[arg-type]
    assert Journal(machine, "P2").others("place") == ["P1", "P3"]  # type: ignore[arg-type]


def test_what_was_done_for_another_point_since_is_done_again() -> None:
    machine = Machine(_line("P1", "install") + _line("P2", "install") + _line("P1", "place"))
    journal = Journal(machine, "P1")  # type: ignore[arg-type]
    assert not journal.is_done("install")
    assert journal.is_done("place")
    assert Journal(machine, "P2").is_done("install")  # type: ignore[arg-type]


def test_a_line_cut_off_by_a_kill_counts_as_not_done() -> None:
    machine = Machine(_line("P", "install") + _line("P", "place")[:20])
    journal = Journal(machine, "P")  # type: ignore[arg-type]
    assert journal.is_done("install")
    assert not journal.is_done("place")


def test_accounts_that_were_let_in_are_remembered_for_their_point() -> None:
    machine = Machine(_line("P1", "place"))
    journal = Journal(machine, "P1")  # type: ignore[arg-type]
    assert journal.accounts is None
    journal.note_accounts([("root", "ann")])
    journal.note_accounts({("O1", "bob")})
    both = {("root", "ann"), ("O1", "bob")}
    assert journal.accounts == both
    assert Journal(machine, "P1").accounts == both  # type: ignore[arg-type]
    assert Journal(machine, "P2").accounts is None  # type: ignore[arg-type]
    journal.note_accounts([("root", "eve")], anew=True)
    assert Journal(machine, "P1").accounts == {("root", "eve")}  # type: ignore[arg-type]
    nobody = Journal(machine, "P2")  # type: ignore[arg-type]
    nobody.note_accounts([])
    assert nobody.accounts == set()


def test_what_was_wanted_is_remembered_step_by_step() -> None:
    machine = Machine(_line("P1", "place"))
    first = Journal(machine, "P1", wanted={"orgs": ["root"]})  # type: ignore[arg-type]
    assert first.wanted(["place"]) == []  # noted by an earlier version
    first.note_wanted("import")
    first.note_wanted("import")
    Journal(machine, "P1").note_wanted("import")  # type: ignore[arg-type]
    Journal(machine, "P2").note_wanted("import")  # type: ignore[arg-type]
    assert Journal(machine, "P1").wanted(["import"]) == [{"orgs": ["root"]}, {}]  # type: ignore[arg-type]
