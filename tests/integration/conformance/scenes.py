"""What was done to the recorded servers, in the same order; the calls' numbers are the transcript's
lines, counted from 0. What the transcript doesn't tell (a kill, a copied file) is done here.
"""

import shutil
import signal
import struct
import time
import zipfile
from pathlib import Path

from tests.integration.conformance.full_disk import disk_full
from tests.integration.conformance.stage import (
    ACME_CLIENT,
    CLIENT,
    FOURTH_CLIENT,
    THIRD_CLIENT,
    Stage,
)

SMALL = ("users", "acl", "config", "artifact_definitions", "hunts", "notebooks", "client_info")
"""The first small copy tried: without clients/*/metadata.json.db."""


def original(stage: Stage) -> None:
    """Server "A": a server's whole life before the disaster."""
    binary = stage.binary
    first = binary.new_config("original", "original")
    stage.deploy("original", first)
    stage.api = binary.folder / "api.yaml"
    binary.command(
        "--config",
        first,
        "config",
        "api_client",
        "--name",
        "apiuser",
        "--role",
        "administrator,api",
        stage.api,
    )
    stage.api_of_stranger = binary.folder / "stranger.yaml"
    elsewhere = binary.moved_config(first, "elsewhere", "elsewhere")
    binary.command(
        "--config",
        elsewhere,
        "config",
        "api_client",
        "--name",
        "lowuser",
        "--role",
        "reader",
        stage.api_of_stranger,
    )
    (binary.folder / "exports").mkdir()
    stage.serve()
    stage.client()
    stage.interrogated(1)
    stage.replay(range(22))
    stage.rows(
        'SELECT hunt(description="Paused hunt", artifacts="Generic.Client.Info", pause=TRUE, '
        'tags=["t1",]) AS h FROM scope()'
    )
    stage.client("acme", org="OACME")
    stage.interrogated(1, "OACME")
    stage.now[ACME_CLIENT] = stage.rows("SELECT client_id FROM clients()", "OACME")[0][
        "client_id"
    ].removesuffix("-OACME")
    paused = stage.rows("SELECT hunt_id FROM hunts() WHERE state = 'PAUSED'")[0]["hunt_id"]
    stage.now["DC1TTKF82N3M2"] = paused.removeprefix("H.")
    stage.settled(5, client=CLIENT)
    counted = time.monotonic()
    stage.replay(range(22, 24))
    add_cells_and_monitoring(stage)
    stage.replay(range(24, 31))
    stage.settled(2, "OACME")
    stage.replay(range(31, 42))
    shutil.copy(stage.store / "backups" / "MyBackup.zip", binary.folder)
    shutil.copy(stage.store / "orgs/OACME/backups/AcmeBackup.zip", binary.folder)
    (binary.folder / "client" / "evidence.txt").write_text("evidence\n" * 100)
    stage.replay(42, 43)
    stage.settled(6, client=CLIENT)
    stage.replay(range(44, 54))
    # A hunt's counts are on disk some ten seconds after they changed, on both servers.
    time.sleep(max(0.0, 11 - (time.monotonic() - counted)))
    shutil.copytree(stage.store, binary.folder / "running copy")
    stage.replay(range(205, 211), range(195, 197), 216)
    stranger, stage.api = stage.api, stage.api_of_stranger
    stage.replay(186)
    stage.api = stranger
    stage.leave()
    shutil.copytree(stage.store, binary.folder / "full copy")
    for org in ("", "orgs/OACME"):
        for name in SMALL:
            if (stage.store / org / name).is_dir():
                shutil.copytree(stage.store / org / name, binary.folder / "small copy" / org / name)
    for record in (stage.store / "orgs").glob("*.json.db"):
        shutil.copy(record, binary.folder / "small copy" / "orgs")
    stage.serve()
    stage.replay(range(221, 224), 235, 236)
    stage.settled(2, client="server")
    stage.replay(237, 238, 241, 242)


def add_cells_and_monitoring(stage: Stage) -> None:
    """Two more cells and a label's monitoring table, which the transcript only shows later."""
    found = stage.rows("SELECT notebook_id FROM notebooks()")[0]["notebook_id"]
    cells = ("vql", "SELECT * FROM info()"), ("markdown", "# Notes on DR\nimportant text")
    for kind, text in cells:
        query = "SELECT notebook_update_cell(notebook_id=N, type=T, input=I) AS c FROM scope()"
        stage.ask(query, {"N": found, "T": kind, "I": text})
    artifact = 'artifact="Generic.Client.Stats", label="prod"'
    stage.rows(f"SELECT add_client_monitoring({artifact}) AS r FROM scope()")


def enrolled_after_the_backup(stage: Stage) -> None:
    """Server "A" again: what a restored list does to a client that is younger than the backup."""
    stage.client()
    stage.client("third")
    stage.interrogated(2)
    learn_third(stage)
    stage.settled(2, client=stage.now[THIRD_CLIENT])
    stage.binary.stop("third")
    stage.replay(range(243, 247))
    stage.client("third")
    stage.interrogated(2)
    stage.replay(248, 249)
    stage.binary.stop("acme")
    stage.replay(range(250, 254), 278, 279, 280, 281, 282, 283)
    stage.leave()


def learn_third(stage: Stage) -> None:
    if THIRD_CLIENT in stage.now:
        return
    known = {CLIENT, "server"}
    ids = [row["client_id"] for row in stage.rows("SELECT client_id FROM clients()")]
    third = next(found for found in ids if found not in known)
    stage.now.setdefault(THIRD_CLIENT, third)
    stage.now.setdefault('"3c2e"', f'"{third[2:]}"')


def hot_spare(stage: Stage) -> None:
    """Server "B": a copy of a running server's datastore, made before the list was written."""
    config = stage.binary.moved_config(stage.config, "spare", "running copy")
    stage.deploy("running copy", config)
    stage.serve()
    stage.replay(range(54, 63))
    stage.client()
    stage.interrogated(1)
    stage.settled(7, client=CLIENT)
    stage.replay(64, 65)
    stage.leave()


def copies_of_a_stopped_server(stage: Stage) -> None:
    """A full copy, then the small one."""
    full = stage.binary.moved_config(stage.config, "full", "full copy")
    stage.deploy("full copy", full)
    stage.serve()
    stage.replay(range(187, 195))
    stage.leave()
    small = stage.binary.moved_config(stage.config, "small", "small copy")
    stage.deploy("small copy", small)
    stage.serve()
    stage.replay(range(197, 205))
    stage.leave()


def redeployed(stage: Stage) -> None:
    """The package alone, then the backup: what it brings back, and what it doesn't."""
    binary = stage.binary
    stage.deploy("redeployed", binary.moved_config(stage.config, "redeployed", "redeployed"))
    stage.serve()
    stage.replay(range(66, 72))
    stage.leave()
    stage.add_api_user()
    stage.serve()
    stage.client()
    stage.interrogated(1)
    stage.replay(range(72, 79))
    backups = stage.store / "backups"
    backups.mkdir(exist_ok=True)
    whole = (binary.folder / "MyBackup.zip").read_bytes()
    for name, content in {
        "MyBackup": whole,
        "Trunc": whole[:4000],
        "Garb": b"no zip at all\n" * 200,
        "Empty": b"",
    }.items():
        (backups / f"{name}.zip").write_bytes(content)
    stage.leave()  # a clean stop writes the client list
    stage.serve()
    stage.replay(range(79, 101), 101)
    stage.client("third")
    stage.interrogated(2)
    learn_third(stage)
    stage.settled(2, client=stage.now[THIRD_CLIENT])
    stage.replay(range(102, 111))
    stage.leave(signal.SIGKILL)
    stage.serve()
    stage.replay(range(111, 114))
    stage.client()
    time.sleep(3)  # it is connected when the list is replaced, so that leaving writes it
    stage.replay(114)
    time.sleep(3)
    stage.leave()
    stage.serve()
    stage.replay(range(115, 120))
    stage.leave()
    stage.serve()
    stage.replay(range(120, 128))
    there = stage.store / "orgs/OACME/backups"
    there.mkdir(parents=True, exist_ok=True)
    shutil.copy(binary.folder / "MyBackup.zip", there)
    shutil.copy(binary.folder / "AcmeBackup.zip", there / "AcmeBackup.org.zip")
    stage.replay(range(128, 135))
    stage.leave()
    shutil.copy(binary.folder / "original/orgs/OACME.json.db", stage.store / "orgs")
    stage.serve()
    stage.replay(135)
    stage.client("acme", org="OACME")
    stage.interrogated(1, "OACME")
    stage.replay(136)
    stage.leave()


def hunt_restored_alone(stage: Stage) -> None:
    """A client that had already taken part runs a restored hunt again, with defaults."""
    stage.deploy("hunt only", stage.binary.moved_config(stage.config, "hunt only", "hunt only"))
    stage.add_api_user()
    stage.serve()
    stage.replay(262)
    stage.client()
    stage.interrogated(1)
    place_backup(stage)
    stage.replay(263, 264, 265)
    stage.settled(2, client=CLIENT)
    stage.replay(range(266, 272))
    hunt = stage.substitute("H.DC1TTKB0VNFA8")
    request = stage.binary.folder / "original" / "hunts" / hunt / "request.json.db"
    (stage.store / "hunts" / hunt).mkdir(exist_ok=True)
    shutil.copy(request, stage.store / "hunts" / hunt)
    stage.client("fourth")
    stage.interrogated(2)
    known = {row["client_id"] for row in stage.rows("SELECT client_id FROM clients()")}
    stage.now[FOURTH_CLIENT] = (known - {CLIENT, "server"}).pop()
    stage.settled(2, client=stage.now[FOURTH_CLIENT])
    stage.replay(range(272, 278))
    stage.leave()


def place_backup(stage: Stage, name: str = "MyBackup") -> None:
    (stage.store / "backups").mkdir(exist_ok=True)
    shutil.copy(stage.binary.folder / f"{name}.zip", stage.store / "backups")


def damage(source: Path, member: str, target: Path) -> None:
    """A copy in which a member's packed content starts with a block of no known kind."""
    with zipfile.ZipFile(source) as archive:
        found = archive.getinfo(member)
    assert found.compress_type == zipfile.ZIP_DEFLATED
    content = bytearray(source.read_bytes())
    lengths = struct.unpack_from("<HH", content, found.header_offset + 26)
    content[found.header_offset + 30 + sum(lengths)] |= 0b110
    target.write_bytes(content)


def orgs_from_the_config(stage: Stage) -> None:
    """Server "C": orgs by GUI.initial_orgs; flows imported, twice, damaged, with a password."""
    binary = stage.binary
    orgs = [
        {"name": name, "org_id": org_id, "nonce": nonce}
        for name, org_id, nonce in [
            ("Acme", "OACME", "xjO1lZ2ufAY="),
            ("Beta Corp", "O10Q0", "xvBpwpE5NTc="),
        ]
    ]
    config = binary.moved_config(stage.config, "C", "C", GUI={"initial_orgs": orgs})
    stage.deploy("C", config)
    stage.add_api_user()
    stage.serve()
    stage.replay(137, 138)
    exports = binary.folder / "exports"
    shutil.move(exports, binary.folder / "all exports")
    shutil.copytree(binary.folder / "all exports", exports)
    for path in exports.glob("*.zip"):
        if path.name.startswith(("acme-", "srv", "via_")):
            path.unlink()
    (exports / "trunc.zip.bad").write_bytes((exports / "upload-flow.zip").read_bytes()[:2000])
    interrogation = stage.substitute("F.DC1TT2B3JJN7O.zip")
    source = next(path for path in exports.glob("*.zip") if path.name.endswith(interrogation))
    member = "results/Generic.Client.Info%2FDetailedInfo.json"
    damage(source, member, exports / "bitflip.zip")
    stage.replay(range(139, 162))
    place_backup(stage)
    stage.replay(range(162, 167))
    stage.leave()


def hunts_imported(stage: Stage) -> None:
    """Server "D": hunts by import, twice, and then by restoring as well."""
    stage.deploy("D", stage.binary.moved_config(stage.config, "D", "D"))
    stage.add_api_user()
    stage.serve()
    place_backup(stage)
    stage.replay(range(167, 184))
    source = stage.binary.folder / "MyBackup.zip"
    damage(source, "orgs/root/hunts.json", stage.binary.folder / "Flip.zip")
    place_backup(stage, "Flip")
    stage.replay(185)
    stage.leave()


def imports_in_another_org(stage: Stage) -> None:
    """Server "C2": ghost clients, and the way around them."""
    binary = stage.binary
    shutil.rmtree(binary.folder / "exports")
    shutil.move(binary.folder / "all exports", binary.folder / "exports")
    exports = binary.folder / "exports"
    orgs = [{"name": "Acme", "org_id": "OACME", "nonce": "xjO1lZ2ufAY="}]
    config = binary.moved_config(stage.config, "C2", "C2", GUI={"initial_orgs": orgs})
    stage.deploy("C2", config)
    stage.add_api_user()
    stage.serve()
    later = exports / "srv.zip"
    later.rename(exports / "srv-kept")
    stage.replay(range(212, 216), range(217, 221), range(224, 227), range(229, 232))
    again = stage.substitute(str(exports / "acme-F.DC1TTJKQN8HD6.zip"))
    query = (
        "SELECT import_collection(filename=F, hostname='vm', client_id='auto') AS c FROM scope()"
    )
    for _ in range(2):
        stage.ask(query, {"F": again}, "OACME")
    stage.replay(232, 233)
    with (
        zipfile.ZipFile(exports / stage.substitute("acme-F.DC1TTJKQN8HD6.zip")) as old,
        zipfile.ZipFile(exports / "acme-noci.zip", "w") as new,
    ):
        for name in old.namelist():
            if name != "client_info.json":
                new.writestr(name, old.read(name))
    stage.replay(234, range(254, 262))
    stage.leave()


def foreign(stage: Stage) -> None:
    """A server of another deployment takes the backup without complaint."""
    binary = stage.binary
    config = binary.new_config("foreign", "foreign")
    stage.deploy("foreign", config)
    stage.api = binary.folder / "foreign-api.yaml"
    binary.command(
        "--config",
        config,
        "config",
        "api_client",
        "--name",
        "apiuser",
        "--role",
        "administrator,api,org_admin",
        stage.api,
    )
    stage.serve()
    place_backup(stage)
    stage.replay(184)
    stage.leave()


SCENES = (
    original,
    enrolled_after_the_backup,
    hot_spare,
    copies_of_a_stopped_server,
    redeployed,
    hunt_restored_alone,
    orgs_from_the_config,
    hunts_imported,
    imports_in_another_org,
    foreign,
    disk_full,
)
