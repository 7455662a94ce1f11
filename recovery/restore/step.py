"""A step: a name, what it does, and whether doing it once is enough."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from recovery.errors import EXIT_BAD_INPUT, RecoveryError
from recovery.restore.begin_anew import begin_anew
from recovery.restore.context import Context
from recovery.restore.request import Outcome
from recovery.restore.to_disk import to_disk

PACKAGE_STEP = "install the package"
"""The one step that is the same whatever was chosen."""
STATE_STEP = "place the state"
ORG_RECORDS = "org records"
"""What that step says first where no state was asked for: nothing else was placed."""


_UNTOUCHED = "nothing was changed on the machine"
_STAYS = "what is done stays; run the same command again, and it goes on from there"


@dataclass(frozen=True)
class Report:
    """What a step's own function tells: words with numbers, findings, and whether it ran."""

    detail: str
    findings: list[str] = field(default_factory=list)
    skipped: bool = False


@dataclass(frozen=True)
class Step:
    """``once`` steps are not run again on a machine whose journal has them done, unless ``again``
    finds that they brought less than is asked for now.

    Steps that don't change anything come first and don't touch the machine at all: from the
    first one that does, the machine is held for this recovery alone.
    """

    name: str
    run: Callable[[Context], Report]
    once: bool = True
    changes: bool = True
    again: Callable[[Context], bool] = lambda _context: False


def run_steps(steps: Sequence[Step], context: Context) -> list[Outcome]:
    """Runs the steps in order; a failed one raises its error with the step's name in it.

    The error says what became of the machine until then: a group whose first steps change nothing
    is the first on it, so that before it holds the machine nothing was done there.
    """
    first = not steps[0].changes and any(step.changes for step in steps)
    try:
        return [_run(step, context) for step in steps]
    except RecoveryError as error:
        error.so_far = so_far(error, first=first, held=context.held)
        raise


def so_far(error: RecoveryError, *, first: bool, held: bool) -> str:
    """What became of the machine: ``first`` group on it, ``held`` for this recovery by now."""
    if "nothing was changed" in error.hint:  # said by who can be asked without a machine, too
        return ""
    if first and (not held or error.exit_code == EXIT_BAD_INPUT):
        return _UNTOUCHED
    return "" if error.exit_code == EXIT_BAD_INPUT else _STAYS


def _run(step: Step, context: Context) -> Outcome:
    started = time.monotonic()
    try:
        if step.changes:
            context.hold()
        if step.name == PACKAGE_STEP:
            begin_anew(context, PACKAGE_STEP)
        if step.once and context.journal.is_done(step.name) and not step.again(context):
            context.say(f"{step.name}: already done on this machine")
            return Outcome(
                step=step.name,
                status="already done",
                detail=context.journal.detail(step.name),
                findings=[*context.journal.findings(step.name), *_other_choice(step, context)],
            )
        context.say(f"{step.name} …")
        report = step.run(context)
        done = step.once and not report.skipped
        if done:
            to_disk(context)
        outcome = Outcome(
            step=step.name,
            status="skipped" if report.skipped else "done",
            detail=report.detail,
            seconds=round(time.monotonic() - started, 3),
            findings=report.findings,
        )
        if done:
            context.journal.add(outcome)
    except RecoveryError as error:
        error.step = error.step or step.name
        error.target = error.target or context.request.target
        raise
    context.say(f"{step.name}: {outcome.detail} · {outcome.seconds:.1f} s")
    return outcome


def _other_choice(step: Step, context: Context) -> list[str]:
    """What was placed before a server's start isn't placed again under a running one."""
    if step.name == PACKAGE_STEP or not context.journal.was_chosen_otherwise(step.name):
        return []
    words = (
        f"{step.name} was done with another choice of strategy, orgs or things: what "
        "that left out stays out; take a new machine to bring it back"
    )
    return [words]
