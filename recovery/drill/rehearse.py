"""The rehearsal, from top to bottom: a server is made, lived on, captured, lost and rebuilt."""

from concurrent.futures import ThreadPoolExecutor

from recovery.capture.capture_point import capture
from recovery.capture.options import CaptureOptions
from recovery.counts import things
from recovery.drill import clients, copies, engine, life, on_aws
from recovery.drill.busy import busy
from recovery.drill.course import Course
from recovery.drill.enrolment import wait_for_enrolment
from recovery.drill.loss import lose, prepare_stranger
from recovery.drill.prove_drill import crash_and_answer, prove_drill, take_rebuilt
from recovery.drill.stack import rebuild
from recovery.drill.stage import Stage, set_stage
from recovery.drill.watch import LOST, Watch
from recovery.drill.words import duration
from recovery.errors import RecoveryError
from recovery.infra.update import StackRequest, UpResult, up
from recovery.target import Target, open_target
from recovery.vault.manifest import Manifest
from recovery.vault.store import Vault, open_vault
from recovery.velociraptor.api import ROOT, open_api
from recovery.velociraptor.config import SERVICE
from recovery.verify.expected import serves_org


def rehearse(course: Course) -> None:
    """Runs every phase; ``course`` holds what came of them, also when one raises."""
    clock = course.clock
    with clock.phase("set the stage"):
        stage = set_stage(course)
    with clock.phase("deploy the production server"):
        production = deploy(course, stage)
    with clock.phase("live on it"):
        live(course, stage, production)
    with clock.phase("capture a recovery point"):
        manifest = _capture(course, production, stage)
    with clock.phase("lose the server"):
        watcher = _lose(course, stage, production)
    try:
        with clock.phase("rebuild it"):
            stack = _rebuilding(course, stage, manifest)
            with copies.opened(stage.copies):
                rebuilt = up(stack, course.say)
            take_rebuilt(course, rebuilt)
        with clock.phase("clients come back"):
            watcher.wait(stage.config.max_poll + 30)
    finally:
        watcher.stop()
        course.back = watcher.back
    with clock.phase("kill -9, restart"):
        crash_and_answer(course, stage.config, rebuilt)
    with clock.phase("prove the recovery"):
        prove_drill(course, stage.config, stage.name_server, rebuilt, manifest)
    if course.cloud:
        with clock.phase("prove the stack"):
            course.checks += on_aws.prove_stack(course, stack)


def _rebuilding(course: Course, stage: Stage, manifest: Manifest) -> StackRequest:
    """The stack that brings the server back; on AWS another one than before."""
    wanted = rebuild(course, stage.name_server, manifest.server.deployment, stage.copies)
    if not course.cloud:
        return wanted
    source = {key: wanted.settings[key] for key in ("vault", "strategy", "deployment")}
    return on_aws.server_stack(course, stage.network, source, again=True)


def deploy(course: Course, stage: Stage) -> UpResult:
    """The first `up`; the root org's clients look for the server from the beginning."""
    with ThreadPoolExecutor() as pool:
        fleet = clients.of_org(ROOT)
        started = pool.submit(clients.start_clients, course.run, fleet, stage.root_client)
        result = up(stage.stack, course.say)
        started.result()
    return result


def live(course: Course, stage: Stage, production: UpResult) -> None:
    target = open_target(production.outputs["target"])
    try:
        with open_api(target, stage.config) as api:

            def restart() -> None:
                target.run(["systemctl", "restart", SERVICE], timeout=120)
                api.wait_ready()

            settled = life.settle(api, restart)
            fleet = clients.of_org(clients.ORG)
            clients.start_clients(course.run, fleet, settled.org_client_config)
            enrolled = wait_for_enrolment(api, course.say)
            course.enrolled = len(enrolled)
            life.work(api, enrolled)
            flows = life.wait_for_flows(api, enrolled, settled, course.say)
            clients.restart_clients(course.run, clients.endpoints())
            course.say(
                f"{things(len(enrolled), 'client')}, {things(flows, 'flow')}, 3 hunts, 2 orgs"
            )
    finally:
        target.close()


def _capture(course: Course, production: UpResult, stage: Stage | None = None) -> Manifest:
    """The recovery point; with the strategy datastore, clients go on working while it is made."""
    vault = open_vault(course.vault)
    target = open_target(production.outputs["target"])
    copied = stage.copies if stage else None
    options = CaptureOptions()
    if copied is not None:
        options = CaptureOptions(
            strategy=["redeploy", "state", "datastore"], repository=copied.repository
        )
    try:
        with copies.opened(copied):
            if stage is None or copied is None:
                manifest = capture(target, vault, options, course.say)
            else:
                manifest = _capture_at_work(course, target, vault, options, stage)
    finally:
        target.close()
    course.manifest = manifest
    course.findings += [f"not captured: {gap}" for gap in manifest.gaps]
    expect_clients(course, manifest)
    return manifest


def _capture_at_work(
    course: Course, target: Target, vault: Vault, options: CaptureOptions, stage: Stage
) -> Manifest:
    """Work begins when the inventory is taken: what is counted is then held to, and more comes."""
    with open_api(target, stage.config) as api, busy(api) as work:

        def say(line: str) -> None:
            course.say(line)
            if line.startswith("backups"):
                work.start()

        manifest = capture(target, vault, options, say)
        work.stop()
        course.since_copy = set(work.flows)
    return manifest


def expect_clients(course: Course, manifest: Manifest) -> None:
    """Notes which clients the strategy must bring back, and which orgs' it can't."""
    for org, items in manifest.inventory.orgs.items():
        ids = sorted(items.get("clients", {}))
        if not serves_org(org, course.options.strategy):
            course.unserved.append(org)
        elif ids:
            course.expected[org] = ids


def _lose(course: Course, stage: Stage, production: UpResult) -> Watch:
    """The loss; from here on the clock of the RTO runs."""
    address = production.outputs["address"]
    stranger = prepare_stranger(course.run, stage.network, course.options.image, address)
    container = engine.machine_of(course.run)
    if not container:
        raise RecoveryError("the production server's container is not there", step="the loss")
    course.clock.mark(LOST)
    if course.cloud:
        on_aws.lose_all(course)
    course.loss = lose(container, address, stranger)
    if course.manifest is not None:
        age = (course.loss.at - course.manifest.captured_at).total_seconds()
        course.say(f"{container} and its storage are gone; the capture is {duration(age)} old")
    watcher = Watch(course, stage.name_server, stage.config)
    watcher.start()
    return watcher
