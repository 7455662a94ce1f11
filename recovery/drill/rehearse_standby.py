"""The hot spare, rehearsed: it follows a server at work, takes over from it, and hands back.

The loss is the same as in every drill: the serving machine and its storage are gone. What the
server had acknowledged before the last sync is counted then, and held against the spare.
"""

import time
from datetime import UTC, datetime

from recovery.capture.capture_point import capture
from recovery.capture.options import CaptureOptions
from recovery.drill import busy, engine, name_server
from recovery.drill.course import Course
from recovery.drill.crash import crash
from recovery.drill.hunt_checks import repetition_check
from recovery.drill.loss import lose, prepare_stranger
from recovery.drill.persistence import only_before, persistence_check
from recovery.drill.production import write_private
from recovery.drill.rehearse import deploy, expect_clients, live
from recovery.drill.stack import spare
from recovery.drill.stage import Stage, set_stage
from recovery.drill.watch import LOST, Watch
from recovery.drill.words import duration
from recovery.errors import RecoveryError
from recovery.infra.update import UpResult, up
from recovery.standby.init_pair import init_pair
from recovery.standby.pair import Pair
from recovery.standby.promote import promote
from recovery.standby.sync import sync
from recovery.standby.try_copy import try_copy
from recovery.switch.open import open_switch
from recovery.target import Target, open_target
from recovery.vault.manifest import Manifest
from recovery.vault.store import open_vault
from recovery.velociraptor.api import open_api
from recovery.velociraptor.take_inventory import take_inventory
from recovery.verify.facts import DnsFacts
from recovery.verify.prove import Proof, prove
from recovery.verify.run_checks import Check

_READY = 120.0


def rehearse_standby(course: Course) -> None:
    """Runs every phase; ``course`` holds what came of them, also when one raises."""
    clock = course.clock
    with clock.phase("set the stage"):
        stage = set_stage(course)
    with clock.phase("deploy the production server"):
        production = deploy(course, stage)
        container = engine.machine_of(course.run)
    with clock.phase("live on it"):
        live(course, stage, production)
    with clock.phase("capture a recovery point"):
        manifest = _capture(course, production)
    with clock.phase("make the spare"):
        second = up(spare(course, stage.name_server), course.say)
        pair = _pair(course, stage, production, second)
    with clock.phase("follow the server at work"):
        manifest = _follow(course, stage, production, pair, manifest)
    with clock.phase("lose the server"):
        watcher = _lose(course, stage, container, production)
    try:
        with clock.phase("promote the spare"):
            _promote(course, pair, second)
        with clock.phase("clients come back"):
            watcher.wait(stage.config.max_poll + 30)
    finally:
        watcher.stop()
        course.back = watcher.back
    target = open_target(second.outputs["target"])
    try:
        with clock.phase("prove the promotion"):
            before = _prove(course, stage, target, manifest)
        with clock.phase("kill -9, restart"):
            crash(target)
            with open_api(target, stage.config) as api:
                api.wait_ready(_READY)
                course.came_back = busy.there(api, course.since_copy)
        with clock.phase("prove it again"):
            after = _prove(course, stage, target, manifest)
    finally:
        target.close()
    course.checks += [
        *after.checks,
        persistence_check([before], after),
        repetition_check(after.fidelity),
    ]
    course.fidelity = after.fidelity
    course.findings += [*after.findings, *only_before(before, after)]


def _capture(course: Course, production: UpResult) -> Manifest:
    """What the spare's package comes from; the spare itself takes nothing else of it."""
    target = open_target(production.outputs["target"])
    try:
        options = CaptureOptions(strategy=["redeploy", "state"])
        manifest = capture(target, open_vault(course.vault), options, course.say)
    finally:
        target.close()
    course.findings += [f"not captured: {gap}" for gap in manifest.gaps]
    return manifest


def _pair(course: Course, stage: Stage, production: UpResult, second: UpResult) -> Pair:
    server = stage.name_server
    key = course.run.folder / "tsig"
    write_private(key, f"{name_server.ALGORITHM}:{server.key_name}:{server.key_secret}".encode())
    switch = f"dns://{server.address}/{course.run.server_name}?key={key}&zone={server.zone}"
    return init_pair(
        open_vault(course.vault),
        production.outputs["target"],
        second.outputs["target"],
        course.say,
        switch=f"{switch}&ttl={name_server.TTL}",
    )


def _follow(
    course: Course, stage: Stage, production: UpResult, pair: Pair, manifest: Manifest
) -> Manifest:
    """A first sync, a trial of the copy, then the sync that counts, with clients at work.

    The recovery point as it is returned holds what was acknowledged when that sync began.
    """
    vault = open_vault(course.vault)
    sync(vault, pair, course.say)
    told = try_copy(vault, pair, course.say)
    isolated = "in a network of its own" if told.get("isolated") else "on loopback alone"
    course.checks.append(
        Check(
            name="standby: a copy of the copy starts",
            outcome="passed" if told["usable"] else "failed",
            detail=f"{told['says']}, {isolated}",
        )
    )
    target = open_target(production.outputs["target"])
    try:
        with open_api(target, stage.config) as api, busy.busy(api) as work:
            inventory = take_inventory(api, target, stage.config)
            began = datetime.now(UTC)
            work.start()
            time.sleep(1)
            done = sync(vault, pair, course.say)
            time.sleep(1)
            work.stop()
            course.since_copy = set(work.flows)
    finally:
        target.close()
    course.findings += [f"sync: {finding}" for finding in done.findings]
    course.say(f"the last sync took {done.seconds:.1f} s")
    counted = manifest.model_copy(update={"inventory": inventory, "captured_at": began})
    course.manifest = counted
    expect_clients(course, counted)
    return counted


def _lose(course: Course, stage: Stage, container: str, production: UpResult) -> Watch:
    address = production.outputs["address"]
    stranger = prepare_stranger(course.run, stage.network, course.options.image, address)
    if not container:
        raise RecoveryError("the production server's container is not there", step="the loss")
    course.clock.mark(LOST)
    course.loss = lose(container, address, stranger)
    if course.manifest is not None:
        age = (course.loss.at - course.manifest.captured_at).total_seconds()
        course.say(f"{container} and its storage are gone; the last sync is {duration(age)} old")
    watcher = Watch(course, stage.name_server, stage.config)
    watcher.start()
    return watcher


def _promote(course: Course, pair: Pair, second: UpResult) -> None:
    switch = open_switch(pair.switch)
    course.new_container = engine.machine_of(course.run)
    course.new_address = second.outputs["address"]
    done = promote(open_vault(course.vault), pair, switch, course.say, old_is_dead=True)
    course.steps = [("promote", outcome) for outcome in done.outcomes]
    course.findings += [f"promote: {finding}" for finding in done.findings]


def _prove(course: Course, stage: Stage, target: Target, manifest: Manifest) -> Proof:
    record = DnsFacts(
        name=course.run.server_name,
        address=course.new_address,
        nameserver=stage.name_server.address,
    )
    return prove(
        target,
        stage.config,
        manifest,
        course.options.strategy,
        course.say,
        since=course.lost.at,
        dns=record,
    )
