"""The scenario with a real server's own files: the 0.77.2 backup, flows and hunt come back.

Nothing was captured by this toolkit here: the recovery point is made of files as an operator
may have kept them. One real endpoint's key is among them, and it comes back under its old id.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import yaml

from recovery.counts import things
from recovery.drill import clients, engine, fixture_files, production
from recovery.drill.clients import Endpoint
from recovery.drill.course import Course
from recovery.drill.fixture_point import make_point, moved_config
from recovery.drill.loss import Loss
from recovery.drill.name_server import NameServer
from recovery.drill.prove_drill import crash_and_answer, prove_drill, take_rebuilt
from recovery.drill.stack import rebuild
from recovery.drill.stage import lay_network, place_endpoints
from recovery.drill.watch import LOST, Watch
from recovery.infra.update import up
from recovery.vault.manifest import Manifest
from recovery.vault.store import open_vault
from recovery.velociraptor.config import ServerConfig

_ENDPOINT = Endpoint("vm", "root")


def restore_fixtures(course: Course) -> None:
    """Runs the scenario; ``course`` holds what came of it, also when a phase raises."""
    clock = course.clock
    with clock.phase("set the stage"):
        config, name_server, manifest = _set_stage(course)
    course.expected = {"root": [fixture_files.CLIENT]}
    clock.mark(LOST)
    course.loss = Loss(datetime.now(UTC), "the server of the fixtures", "127.0.0.1")
    watcher = Watch(course, name_server, config)
    watcher.start()
    try:
        with clock.phase("rebuild it"):
            stack = rebuild(course, name_server, manifest.server.deployment)
            rebuilt = up(stack, course.say)
            take_rebuilt(course, rebuilt)
        with clock.phase("clients come back"):
            watcher.wait(config.max_poll + 30)
    finally:
        watcher.stop()
        course.back = watcher.back
    with clock.phase("kill -9, restart"):
        crash_and_answer(course, config, rebuilt)
    with clock.phase("prove the recovery"):
        prove_drill(course, config, name_server, rebuilt, manifest)


def _set_stage(course: Course) -> tuple[ServerConfig, NameServer, Manifest]:
    run = course.run
    config = moved_config(run)
    with ThreadPoolExecutor() as pool:
        package = pool.submit(
            production.build_package,
            course.binary,
            fixture_files.fixture(fixture_files.CONFIG),
            run.folder,
        )
        network, name_server = lay_network(course)
        place_endpoints(course, network, [_ENDPOINT])
        _start_endpoint(course, config)
        built = package.result()
    manifest = make_point(
        open_vault(course.vault),
        built,
        course.server_version,
        "reference" if course.server_kind == "reference" else "velociraptor",
        config,
    )
    course.manifest = manifest
    course.enrolled = sum(len(items["clients"]) for items in manifest.inventory.orgs.values())
    course.say(f"recovery point {manifest.point} of {things(len(manifest.objects()), 'file')}")
    return config, name_server, manifest


def _start_endpoint(course: Course, config: ServerConfig) -> None:
    """The real endpoint, with the key it had: it looks for the server from the beginning."""
    name = course.run.container(_ENDPOINT.hostname)
    file = course.run.folder / "moved.config.yaml"
    production.write_private(file, config.raw)
    writeback = fixture_files.fixture(fixture_files.WRITEBACK).read_bytes()
    engine.put_files(name, "/", {fixture_files.WRITEBACK_PATH[1:]: writeback}, 0o600)
    client = yaml.safe_load(clients.root_client_config(course.binary, file))
    client["Client"]["writeback_linux"] = fixture_files.WRITEBACK_PATH
    clients.start_clients(course.run, [_ENDPOINT], yaml.safe_dump(client).encode())
