"""Runs the checks of ``checks/`` on a target: pytest in this process, its settings its own."""

import warnings
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict

from recovery.errors import RecoveryError
from recovery.target import Target
from recovery.velociraptor.api import Api
from recovery.verify.facts import ServerFacts

Say = Callable[[str], None]
Outcome = Literal["passed", "failed", "skipped", "error"]

_CHECKS = Path(__file__).parent / "checks"
# Clients last: they are waited for, and have had all this time to come.
_ORDER = ("package", "service", "config", "datastore", "network", "clients")
# What would reach into the calling process (signals, warning filters, hooks) stays out.
_WITHOUT = ("cacheprovider", "terminal", "warnings", "faulthandler")
_UNUSED_HOOKS = ("unraisableexception", "threadexception", "logging")


GIVEN: pytest.StashKey["Given"] = pytest.StashKey()


class Check(BaseModel):
    """One check. ``error``: it could not be made; ``skipped``: there was nothing to hold to.

    Only ``passed`` is passed.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    outcome: Outcome
    detail: str = ""
    seconds: float = 0.0


def run_checks(
    target: Target,
    facts: ServerFacts,
    junit: Path | None,
    say: Say,
    *,
    api: Api | None = None,
) -> list[Check]:
    """Makes every check, the clients' last; ``junit``: a JUnit XML is written there.

    Without ``api`` the clients can't be asked for, and their checks are errors. Raises
    :class:`RecoveryError` when the checks themselves could not be started.
    """
    given = Given(target, facts, api, say)
    argv = [str(_CHECKS / f"test_{room}.py") for room in _ORDER]
    argv += ["-c", str(_CHECKS / "pytest.ini"), "--rootdir", str(_CHECKS), "-s"]
    argv += ["--disable-plugin-autoload"]
    argv += [word for name in (*_WITHOUT, *_UNUSED_HOOKS) for word in ("-p", f"no:{name}")]
    if junit is not None:
        argv += [f"--junitxml={junit}"]
    with pytest.MonkeyPatch.context() as environment, warnings.catch_warnings():
        environment.delenv("PYTEST_ADDOPTS", raising=False)
        # A library's warning is no judgement on the server, whatever the caller's filters.
        warnings.simplefilter("ignore")
        ended = pytest.main(argv, plugins=[given])
    if ended is pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if ended not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) or not given.checks:
        raise RecoveryError(
            f"the checks did not run (pytest ended with {int(ended)})",
            step="check the server",
            target=target.uri,
            hint="is the toolkit installed whole? `recovery doctor` tells",
        )
    return list(given.checks.values())


class Given:
    """The plugin: holds what the checks may ask for, and keeps what comes of each."""

    def __init__(self, target: Target, facts: ServerFacts, api: Api | None, say: Say) -> None:
        self.target, self.facts, self.api, self._say = target, facts, api, say
        self.checks: dict[str, Check] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        """From there the fixtures take it."""
        config.stash[GIVEN] = self

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        self._take(item, call, report)
        return report

    def _take(
        self, item: pytest.Item, call: pytest.CallInfo[None], report: pytest.TestReport
    ) -> None:
        before = self.checks.get(item.nodeid)
        seconds = round((before.seconds if before else 0.0) + report.duration, 3)
        if call.excinfo is None:
            told = [str(value) for key, value in item.user_properties if key == "detail"]
            outcome: Outcome = before.outcome if before else "passed"
            detail = before.detail if before and before.detail else " ".join(told[-1:])
        else:
            outcome, detail = _judge(call.excinfo.value, report)
        self.checks[item.nodeid] = Check(
            name=_name(item), outcome=outcome, detail=detail, seconds=seconds
        )
        if report.when == "teardown":
            check = self.checks[item.nodeid]
            self._say(f"{check.outcome}: {check.name}{check.detail and f' · {check.detail}'}")


def _judge(raised: BaseException, report: pytest.TestReport) -> tuple[Outcome, str]:
    """A broken assertion of the check itself is a failure; whatever else, it wasn't checked."""
    if report.skipped:
        return "skipped", str(getattr(raised, "msg", raised))
    words = str(raised).split("\nassert ")[0].strip() or type(raised).__name__
    if isinstance(raised, AssertionError) and report.when == "call":
        return "failed", words
    return "error", f"could not be checked: {words}"


def _name(item: pytest.Item) -> str:
    room = item.nodeid.split("::")[0].rsplit("/", 1)[-1]
    what = item.name.removeprefix("test_").replace("_", " ")
    return f"{room.removeprefix('test_').removesuffix('.py')}: {what}"
