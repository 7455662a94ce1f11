"""The door to drills: one drill from its options to its report, and nothing left behind."""

import logging
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from recovery.drill import leftovers
from recovery.drill.aws_double import refuse_absent
from recovery.drill.children import end_children
from recovery.drill.clock import Clock, Phase
from recovery.drill.course import Course
from recovery.drill.doctor import refuse_unready
from recovery.drill.fixtures import restore_fixtures
from recovery.drill.interrupt import interruptible
from recovery.drill.names import new_run
from recovery.drill.options import DrillOptions, Scenario
from recovery.drill.places import report_folder
from recovery.drill.production import check_binary, server_binary
from recovery.drill.rehearse import rehearse
from recovery.drill.rehearse_standby import rehearse_standby
from recovery.drill.report import Report
from recovery.drill.run_lock import running
from recovery.drill.verdict import make_report
from recovery.drill.write_report import write_report
from recovery.errors import BadInputError, RecoveryError

_SCENARIOS: dict[Scenario, Callable[[Course], None]] = {
    "rehearsal": rehearse,
    "fixtures": restore_fixtures,
    "standby": rehearse_standby,
}


class Audience(Protocol):
    """Who watches: a terminal, a log, nobody."""

    def begins(self, phase: str) -> None: ...

    def says(self, line: str) -> None: ...

    def ends(self, phase: Phase) -> None: ...


def conduct(options: DrillOptions, audience: Audience) -> tuple[Report, list[Path]]:
    """Runs a drill; its report, and the files it was written to.

    Whatever happens, what the drill made is removed again, unless ``options.keep``. Raises
    :class:`BadInputError` when it could not begin, and
    :class:`recovery.drill.interrupt.Interrupted` after cleaning up.
    """
    binary = server_binary(options.server_binary)
    known = check_binary(binary)
    refuse_unready(binary)
    if options.on == "aws-double":
        refuse_absent()
    run = new_run()
    clock = Clock(audience.begins, audience.ends)
    course = Course(run, options, binary, clock, audience.says, known.kind, known.version)
    audience.says(f"drill {run.ident} · {known.kind} {known.version} · {binary}")
    error: RecoveryError | None = None
    with interruptible(), running(run):
        try:
            _SCENARIOS[options.scenario](course)
        except RecoveryError as failed:
            error = failed
        except Exception as fault:  # noqa: BLE001 - a drill always ends with a report and no leftovers
            error = _unforeseen(fault, course)
        finally:
            _end(course, audience)
        if isinstance(error, BadInputError) and course.loss is None:
            raise error
        report = make_report(course, error)
        folder = report_folder(run.ident, options.report, clock.started_at)
        return report, write_report(report, folder, options.junit)


def _end(course: Course, audience: Audience) -> None:
    """Ends what still runs, then removes everything, or says what was kept."""
    if course.cloud:
        course.cloud.end()
    end_children(course.run.folder)
    if course.options.keep:
        found = leftovers.find_leftovers(course.run)
        course.kept = [name for left in found for name in left.containers]
        return
    audience.says("removing containers, network and keys of this drill")
    try:
        leftovers.remove_run(course.run)
    except RecoveryError as stuck:
        # Whatever ended the drill is the news; this comes beside it.
        course.findings.append(f"not all of this drill could be removed: {stuck.message}")
        audience.says(str(stuck))


def _unforeseen(fault: Exception, course: Course) -> RecoveryError:
    """A fault of the toolkit itself: told as such, its trace in the log."""
    logging.getLogger(__name__).debug("drill %s", course.run.ident, exc_info=fault)
    where = traceback.extract_tb(fault.__traceback__)[-1]
    return RecoveryError(
        f"{type(fault).__name__}: {fault} ({Path(where.filename).name}:{where.lineno})",
        step=course.clock.phases[-1].name if course.clock.phases else "",
        hint="this is a fault of the toolkit: please report it with these words",
    )
