import pytest

from recovery.drill.clock import Clock, Moment, Phase
from recovery.drill.timeline import WIDTH, loss_drawing, phases_drawing, ticks
from recovery.drill.verdict import make_report
from tests.unit.drill.courses import course, without


def test_phases_stand_where_they_were():
    drawing = phases_drawing(make_report(course()))
    assert drawing is not None
    live, rebuild = drawing.bars
    assert rebuild.x == pytest.approx(live.x + live.width)
    assert live.width / rebuild.width == pytest.approx(30 / 12, rel=0.01)
    assert rebuild.x + rebuild.width < WIDTH
    assert (live.kind, rebuild.kind) == ("before", "after")


def test_the_time_without_a_server_is_shaded():
    drawing = phases_drawing(make_report(course()))
    assert drawing is not None
    assert drawing.window is not None
    rebuild = drawing.bars[1]
    assert drawing.window[0] == pytest.approx(rebuild.x, abs=0.1)
    assert drawing.window[1] / rebuild.width == pytest.approx(9.3 / 12, rel=0.01)


def test_without_the_last_client_the_shade_reaches_the_end():
    drawing = phases_drawing(make_report(without(course(back=1), "all clients served")))
    assert drawing is not None
    assert drawing.window is not None
    end = drawing.bars[1].x + drawing.bars[1].width
    assert sum(drawing.window) == pytest.approx(end, abs=0.2)


def test_from_the_loss_each_begins_where_the_last_ended():
    drawing = loss_drawing(make_report(course()))
    assert drawing is not None
    assert [(bar.label, bar.value) for bar in drawing.bars] == [
        ("the server listens", "7.5 s"),
        ("all clients served", "9.3 s"),
    ]
    first, second = drawing.bars
    assert second.x == pytest.approx(first.x + first.width, abs=0.2)


def test_nothing_to_draw_is_no_drawing():
    report = make_report(course(clock=Clock(), loss=None))
    assert (phases_drawing(report), loss_drawing(report)) == (None, None)


@pytest.mark.parametrize("end", [0.4, 3, 47, 90, 333, 5000, 10**5])
def test_ticks_are_few_and_round(end):
    marks = ticks(end, 660 / end)
    assert 1 <= len(marks) <= 9
    assert marks[0].text == "0"
    assert all(mark.x <= WIDTH for mark in marks)


def test_a_phase_is_kept_when_it_fails():
    seen = []
    clock = Clock(seen.append, lambda phase: seen.append(phase.name.upper()))
    with pytest.raises(ValueError, match="no"), clock.phase("try"):
        raise ValueError("no")
    assert [phase.name for phase in clock.phases] == ["try"]
    assert seen == ["try", "TRY"]


def test_a_moment_comes_once():
    clock = Clock()
    assert clock.mark("up") == clock.mark("up")
    assert clock.moments == [Moment("up", clock.moments[0].at)]
    assert clock.at("down") is None
    assert Phase("x", 0, 1).seconds == 1
