"""Where things stand on the page's two drawings: all phases, and the way from the loss. Pure.

Everything is in the units of the SVG's own view box.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from recovery.drill.report import Report
from recovery.drill.watch import ALL, LOST
from recovery.drill.words import duration

WIDTH = 960
_LEFT, _RIGHT = 230, 100
_ROW, _TOP, _BOTTOM = 26, 8, 26
_NICE = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400)
_TICKS = 8
_THINNEST = 1.5


@dataclass(frozen=True)
class Bar:
    """A labelled bar; ``kind`` becomes its CSS class."""

    label: str
    value: str
    x: float
    y: float
    width: float
    kind: str


@dataclass(frozen=True)
class Tick:
    x: float
    text: str


@dataclass(frozen=True)
class Drawing:
    """Bars from top to bottom on an axis of seconds. ``window``: (x, width) to be shaded."""

    height: float
    bars: list[Bar]
    ticks: list[Tick]
    window: tuple[float, float] | None = None


def phases_drawing(report: Report) -> Drawing | None:
    """Every phase as a bar, the time without a server shaded; None where there is no phase."""
    if not report.phases:
        return None
    end = max(phase.began + phase.seconds for phase in report.phases)
    scale = _scale(end)
    at = {moment.name: moment.at for moment in report.moments}
    lost, served = at.get(LOST), at.get(ALL)
    window = None
    if lost is not None:
        until = served if served is not None else end
        window = (_LEFT + lost * scale, max((until - lost) * scale, _THINNEST))
    bars = [
        _bar(number, phase.name, phase.began, phase.seconds, scale, kind=_kind(phase.began, lost))
        for number, phase in enumerate(report.phases)
    ]
    return Drawing(_height(len(bars)), bars, ticks(end, scale), window)


def loss_drawing(report: Report) -> Drawing | None:
    """What had to happen until the clients were served: each bar begins where the last ended."""
    after = [moment for moment in report.moments if moment.after_loss]
    if not after:
        return None
    end = max(moment.after_loss or 0 for moment in after)
    scale = _scale(end)
    bars = []
    began = 0.0
    for number, moment in enumerate(sorted(after, key=lambda one: one.at)):
        until = moment.after_loss or 0.0
        bar = _bar(number, moment.name, began, until - began, scale, kind="down", value=until)
        bars.append(bar)
        began = until
    return Drawing(_height(len(bars)), bars, ticks(end, scale))


def ticks(end: float, scale: float) -> list[Tick]:
    """Round times along the axis, at most eight."""
    step = next((nice for nice in _NICE if end / nice <= _TICKS), _NICE[-1])
    marks: Sequence[int] = range(0, int(end) + 1, step)
    return [Tick(round(_LEFT + mark * scale, 1), _axis(mark)) for mark in marks]


def _axis(mark: int) -> str:
    return "0" if mark == 0 else duration(mark).replace(".0 s", " s")


def _scale(end: float) -> float:
    return (WIDTH - _LEFT - _RIGHT) / max(end, 0.001)


def _height(rows: int) -> float:
    return _TOP + rows * _ROW + _BOTTOM


def _kind(began: float, lost: float | None) -> str:
    return "before" if lost is None or began < lost else "after"


def _bar(
    number: int,
    label: str,
    began: float,
    seconds: float,
    scale: float,
    *,
    kind: str,
    value: float | None = None,
) -> Bar:
    return Bar(
        label=label,
        value=duration(seconds if value is None else value),
        x=round(_LEFT + began * scale, 1),
        y=_TOP + number * _ROW,
        width=round(max(seconds * scale, _THINNEST), 1),
        kind=kind,
    )
