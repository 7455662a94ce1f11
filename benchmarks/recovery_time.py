"""From the loss until the clients are served again: the toolkit beside the article's script.

Three ways, in turn, on the same network, with the same files and the same clients: the
article's statements as a plain script; `recovery restore` on a machine made by the same
`docker run`; and `pulumi up`. Only clients of the root org count: the script's statements
leave those of other orgs refused for ever.
"""

import statistics
import sys
from pathlib import Path

from recovery import commands
from recovery.drill import engine, leftovers
from recovery.drill.clock import Clock
from recovery.drill.conduct import server_binary
from recovery.drill.course import Course
from recovery.drill.loss import lose, prepare_stranger
from recovery.drill.names import new_run
from recovery.drill.options import DrillOptions, parse_options
from recovery.drill.production import check_binary, write_private
from recovery.drill.rehearse import _capture, deploy, live
from recovery.drill.run_lock import running
from recovery.drill.stack import rebuild
from recovery.drill.stage import Stage, set_stage
from recovery.drill.watch import ALL, Watch
from recovery.infra.update import up
from recovery.vault.manifest import Manifest
from recovery.vault.store import open_vault

SCRIPT = Path(__file__).with_name("article_script.sh")
LIMITS = {"pulumi up": 1.5, "recovery restore": 1.0}


def run(rounds: int, binary: Path | None) -> list[str]:
    """The lines of the result; ``binary`` is a real Velociraptor, or None for the reference."""
    options: DrillOptions = parse_options(server_binary=binary)
    found = server_binary(options.server_binary)
    known = check_binary(found)
    course = Course(new_run(), options, found, Clock(), _quiet, known.kind, known.version)
    with running(course.run):
        try:
            stage = set_stage(course)
            production = deploy(course, stage)
            live(course, stage, production)
            manifest = _capture(course, production)
            course.expected = {"root": course.expected["root"]}
            files = _files(course, manifest)
            address = production.outputs["address"]
            times: dict[str, list[float]] = {"script": [], "recovery restore": [], "pulumi up": []}
            for number in range(rounds):
                for way, seconds in times.items():
                    seconds.append(_measure(course, stage, files, way, address, number))
                    address = engine.address_of(engine.machine_of(course.run))
                    print(f"  round {number + 1} {way}: {seconds[-1]:.1f} s", file=sys.stderr)
        finally:
            leftovers.remove_run(course.run)
    return [f"server: {known.kind} {known.version}", *_lines(times)]


def _lines(times: dict[str, list[float]]) -> list[str]:
    base = times["script"]
    lines = [f"script: {statistics.median(base):.1f} s (median of {len(base)})"]
    for way, limit in LIMITS.items():
        ratios = [one / other for one, other in zip(times[way], base, strict=True)]
        lines.append(
            f"{way}: {statistics.median(times[way]):.1f} s, ratio {statistics.median(ratios):.2f} "
            f"(min {min(ratios):.2f}, max {max(ratios):.2f}; wanted at most {limit})"
        )
    return lines


def _quiet(_line: str) -> None:
    """Progress would disturb the comparison."""


def _files(course: Course, manifest: Manifest) -> dict[str, str]:
    """What the script is given: package, backup and exports, out of the same recovery point."""
    folder = course.run.folder / "script"
    exports = folder / "exports"
    exports.mkdir(parents=True)
    vault = open_vault(str(course.vault))
    package = vault.fetch(manifest.package.file, folder / "server.deb")
    newest = next(backup for backup in manifest.backups if backup.org == "root")
    backup = vault.fetch(newest.file, folder / "latest.zip")
    for archive in manifest.archives:
        vault.fetch(archive.file, exports / f"{archive.file.sha256[:16]}.zip")
    return {"PACKAGE": str(package), "BACKUP": str(backup), "EXPORTS": str(exports)}


def _measure(
    course: Course, stage: Stage, files: dict[str, str], way: str, address: str, number: int
) -> float:
    """Loses the present server and brings it back one ``way``; seconds until all are served."""
    stranger = prepare_stranger(course.run, stage.network, course.options.image, address)
    course.clock = Clock()
    course.loss = lose(engine.machine_of(course.run), address, stranger)
    watch = Watch(course, stage.name_server, stage.config)
    watch.start()
    try:
        if way == "pulumi up":
            up(rebuild(course, stage.name_server, stage.config.deployment), _quiet)
        else:
            _by_hand(
                course, stage, files, f"{way[:6]}{number}".replace(" ", ""), toolkit=way != "script"
            )
        if not watch.wait(120):
            raise RuntimeError(f"{way}: {watch.back} of {watch.total} clients came back")
    finally:
        watch.stop()
        engine.kill(stranger)
    served = course.clock.at(ALL)
    if served is None:
        raise RuntimeError(f"{way}: no client was served")
    return served


def _by_hand(
    course: Course, stage: Stage, files: dict[str, str], name: str, *, toolkit: bool
) -> None:
    run, dns = course.run, stage.name_server
    labels = {**run.labels("server"), "velociraptor-recovery": "machine"}
    env = {
        "NAME": run.container(name),
        "LABELS": " ".join(f"{key}={value}" for key, value in labels.items()),
        "NETWORK": stage.network.name,
        "RESOLVER": dns.address,
        "IMAGE": course.options.image,
        "DATASTORE": stage.config.datastore,
        "ORGS": "OACME",
        "ZONE": dns.zone,
        "HOST": run.server_name,
        "DNS": run.container("dns"),
        "KEY": f"hmac-sha256:{dns.key_name} {dns.key_secret}",
        "ONLY_MACHINE": "1" if toolkit else "",
        **files,
    }
    commands.run(["bash", str(SCRIPT)], env=env, timeout=300)
    if not toolkit:
        return
    key = run.folder / "script" / "key"
    write_private(key, f"hmac-sha256:{dns.key_name}:{dns.key_secret}".encode())
    argv = [sys.executable, "-m", "recovery", "restore", "--json"]
    argv += ["--to", f"docker://{env['NAME']}", "--vault", str(course.vault)]
    argv += ["--name", run.server_name, "--address", engine.address_of(env["NAME"])]
    argv += ["--dns-server", dns.address, "--dns-zone", dns.zone, "--dns-key", str(key)]
    answer = commands.run([*argv, "--dns-ttl", "1"], timeout=300, check=False)
    if answer.returncode > 1:
        raise RuntimeError(answer.error_text)
