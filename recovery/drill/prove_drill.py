"""What follows every rebuild: a crash, a restart, then the checks and the table."""

import time

from recovery.capture.memory_lists import disk_lists
from recovery.drill import busy, engine
from recovery.drill.course import Course
from recovery.drill.crash import crash
from recovery.drill.hunt_checks import HUNT_STATES, pause_check, repetition_check
from recovery.drill.name_server import NameServer
from recovery.drill.outcomes import steps_of
from recovery.drill.persistence import only_before, persistence_check
from recovery.drill.words import duration
from recovery.errors import RecoveryError
from recovery.infra.update import UpResult
from recovery.target import Target, open_target
from recovery.vault.manifest import Manifest
from recovery.velociraptor.api import open_api
from recovery.velociraptor.config import ServerConfig
from recovery.verify.expected import brought
from recovery.verify.facts import DnsFacts
from recovery.verify.prove import Proof, prove

_READY = 120.0
_PAUSE = 0.5
_LATE = 1.5
"""Writes of the client list come up to a tenth later than asked for, and each takes its time."""


def take_rebuilt(course: Course, rebuilt: UpResult) -> None:
    """Notes the new machine and what the recovery did.

    Raises :class:`RecoveryError` when it isn't another one: then nothing was proven.
    """
    course.new_container = engine.machine_of(course.run)
    course.new_address = rebuilt.outputs["address"]
    course.steps = steps_of(rebuilt.groups)
    if course.new_address == course.lost.address:
        raise RecoveryError("the rebuilt server has the lost one's address", step="rebuild it")


def crash_and_answer(course: Course, config: ServerConfig, rebuilt: UpResult) -> None:
    """What isn't on disk by now is lost here, and not in a month."""
    target = open_target(rebuilt.outputs["target"])
    try:
        if "clients" not in brought(course.options.strategy):
            course.say(_until_listed(course, target, config))
        crash(target)
        with open_api(target, config) as api:
            seconds = api.wait_ready(_READY)
        course.say(f"killed with SIGKILL, answers again after {seconds:.1f} s")
    finally:
        target.close()


def _until_listed(course: Course, target: Target, config: ServerConfig) -> str:
    """Waits until the clients that enrolled anew are on disk, as in use they are; in words.

    That list is no part of the recovery, but the server's own: written late, and what a crash
    takes of it a real server may not list again for five minutes (seen on a 0.77.2: a client
    whose first word was not its poll is known, and in no search until the index is made anew).
    """
    began = time.monotonic()
    wanted = [client for ids in course.expected.values() for client in ids]
    while True:
        lists = b"".join(disk_lists(target, config.files).values())
        waited = time.monotonic() - began
        if all(f'"{client}"'.encode() in lists for client in wanted):
            return f"its client list is on disk after {duration(waited)}"
        if waited > config.write_time * _LATE:
            return f"its client list is not on disk after {duration(waited)}"
        time.sleep(_PAUSE)


def prove_drill(
    course: Course,
    config: ServerConfig,
    name_server: NameServer,
    rebuilt: UpResult,
    manifest: Manifest,
) -> None:
    """The checks and the table after the crash, held against those before it."""
    record = DnsFacts(
        name=course.run.server_name,
        address=course.new_address,
        nameserver=name_server.address,
    )
    target = open_target(rebuilt.outputs["target"])
    try:
        proof = prove(
            target,
            config,
            manifest,
            course.options.strategy,
            course.say,
            since=course.lost.at,
            dns=record,
        )
        with open_api(target, config) as api:
            there = [org for org in manifest.orgs if org not in course.unserved]
            states = {org: api.query(HUNT_STATES, org=org) for org in there}
            course.came_back = busy.there(api, course.since_copy) if course.since_copy else 0
    finally:
        target.close()
    before = [
        Proof.model_validate_json(group["facts"]["proof"])
        for group in rebuilt.groups.values()
        if "proof" in group["facts"]
    ]
    course.checks = [
        *proof.checks,
        persistence_check(before, proof),
        pause_check(states),
        repetition_check(proof.fidelity),
    ]
    course.fidelity = proof.fidelity
    course.findings += proof.findings
    course.findings += [
        f"{step.step}: {finding}"
        for group, step in course.steps
        for finding in step.findings
        if group != "proof"
    ]
    course.findings += [finding for earlier in before for finding in only_before(earlier, proof)]
