import io
import json
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import dns.resolver
import pytest
from cryptography import x509

from recovery.capture.certificate_readiness import certificate_lines, named_lines
from recovery.capture.readiness import Line, exit_code, in_words, verdict, write_prometheus
from recovery.capture.server_readiness import drill_line, name_lines
from recovery.capture.vault_readiness import age_line, look_at_vault
from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.keys import VaultKeys, new_keys
from recovery.vault.manifest import DatastoreCopy, NamedFiles, OrgState
from recovery.vault.shelf_vault import ShelfVault
from recovery.vault.verify_points import verify_points
from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.inventory import Inventory
from tests.unit.vault.conftest import BEGIN, manifest_at

REAL = Path(__file__).parents[2] / "fixtures" / "velociraptor-0.77.2" / "server.config.yaml"
CONFIG = ServerConfig.parse(REAL.read_bytes())
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def own_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


@pytest.fixture
def keys():
    return new_keys()


@pytest.fixture
def vault(tmp_path, keys):
    return ShelfVault(FolderShelf(tmp_path / "vault"), keys)


def store(vault, hours=0, orgs=(), **more):
    """A point whose config is the real server's; ``orgs`` besides root have state."""
    raw = CONFIG.raw
    state = [
        OrgState(
            org=org,
            tar=vault.put(io.BytesIO(org.encode()), f"state {org}.tar"),
            files=1,
            client_list="joined with a fresh backup",
        )
        for org in ("root", *orgs)
    ]
    manifest = manifest_at(hours).model_copy(
        update={
            "config": vault.put(io.BytesIO(raw), "server.config.yaml"),
            "package": manifest_at(0).package.model_copy(
                update={"file": vault.put(io.BytesIO(b"package"), "package")}
            ),
            "state": state,
            "inventory": Inventory(
                orgs={
                    "root": {"orgs": dict.fromkeys(("root", *orgs), "1")},
                    **{org: {} for org in orgs},
                }
            ),
            **more,
        }
    )
    vault.commit(manifest)
    return manifest


def look(vault, now=BEGIN + timedelta(hours=1), rpo=DAY):
    lines, newest, config = look_at_vault(ShelfVault(vault.shelf, vault.keys), rpo, now)
    return {line.name: line for line in lines}, newest, config


def test_a_good_vault(vault):
    manifest = store(vault, orgs=["OACME"])
    verify_points(ShelfVault(vault.shelf, vault.keys), [], 1.0, lambda _: None)
    lines, newest, config = look(vault)
    assert newest == manifest
    assert lines["vault"] == Line("vault", "good", f"{vault.uri}: 1 point")
    assert config.raw == CONFIG.raw
    assert lines["keys"].level == lines["objects"].level == lines["org nonces"].level == "good"
    assert lines["verified"].level == "good"
    assert lines["backup"].level == "warning"  # this point has none
    assert all(line.remedy for line in lines.values() if line.level != "good")


@pytest.mark.parametrize(("beside", "level"), [(False, "good"), (True, "bad")])
def test_a_copy_on_the_servers_own_disk_is_bad(vault, beside, level):
    copy = DatastoreCopy(repository="/copies", snapshot="a" * 64, beside_server=beside)
    store(vault, datastore=copy)
    lines, _, _ = look(vault)
    assert lines["complete copy"].level == level
    assert bool(lines["complete copy"].remedy) == beside


def test_an_empty_vault_is_bad(vault):
    lines, newest, _ = look(vault)
    assert newest is None
    assert lines["newest point"].level == lines["vault"].level == "bad"
    assert lines["vault"].says == f"{vault.uri}: there is no recovery point at that place"
    assert lines["vault"].remedy.startswith("check the address")


@pytest.mark.parametrize(("hours", "level"), [(0, "good"), (24, "good"), (25, "bad"), (-1, "bad")])
def test_the_age_is_held_against_the_rpo(hours, level):
    line = age_line(manifest_at(0), DAY, BEGIN + timedelta(hours=hours))
    assert line.level == level
    assert bool(line.remedy) == (level != "good")


def test_missing_objects_and_a_missing_package_are_bad(vault):
    manifest = store(vault)
    for path in ShelfVault(vault.shelf, vault.keys).object_names(manifest.package.file):
        vault.shelf.remove(path)
    lines, _, _ = look(vault)
    assert (lines["objects"].level, lines["package"].level) == ("bad", "bad")


def test_a_nonce_that_was_not_captured_is_bad(vault):
    inventory = Inventory(orgs={"root": {"orgs": {"root": "1"}}, "OLOST": {}})
    store(vault, inventory=inventory)
    line = look(vault)[0]["org nonces"]
    assert line.level == "bad"
    assert "OLOST" in line.says


def test_an_unreadable_point_and_a_rollback_are_bad(vault):
    old, new = store(vault), store(vault, 5)
    vault.shelf.write(f"points/{old.point}.json", [b"x"])
    lines, _, _ = look(vault)
    assert lines[f"point {old.point}"].level == "bad"
    vault.shelf.remove(f"points/{new.point}.json")
    assert look(vault)[0]["rollback"].level == "bad"


def test_keys_that_do_not_fit_are_bad(vault, keys):
    store(vault)
    other = new_keys()
    wrong = VaultKeys(identities=other.identities, catalog=keys.catalog, trusted=keys.trusted)
    lines, _, config = look(SimpleNamespace(shelf=vault.shelf, keys=wrong))
    assert lines["keys"].level == "bad"
    assert config is None


def test_a_capturing_host_needs_no_identity(vault, keys):
    store(vault)
    own = VaultKeys(recipients=keys.recipients, catalog=keys.catalog, signing=keys.signing)
    lines, _, config = look(SimpleNamespace(shelf=vault.shelf, keys=own))
    assert lines["keys"].level == "good"
    assert config is None


def test_an_unsealed_vault_is_a_warning(tmp_path):
    vault = ShelfVault(FolderShelf(tmp_path / "open"))
    store(vault)
    assert look(vault)[0]["keys"].level == "warning"


def test_a_damaged_vault_stays_bad_until_it_is_verified_again(vault):
    manifest = store(vault)
    for path in ShelfVault(vault.shelf, vault.keys).object_names(manifest.state[0].tar):
        vault.shelf.write(path, [b"x"])
    verify_points(ShelfVault(vault.shelf, vault.keys), [], 1.0, lambda _: None)
    assert look(vault)[0]["verified"].level == "bad"


ENDS = x509.load_pem_x509_certificate(
    CONFIG.values["Frontend"]["certificate"].encode()
).not_valid_after_utc


@pytest.mark.parametrize(
    ("before", "level"),
    [(timedelta(days=60), "good"), (timedelta(days=29), "warning"), (-DAY, "bad")],
)
def test_certificates(before, level):
    lines = {line.name: line for line in certificate_lines(CONFIG, ENDS - before)}
    assert lines["certificate Frontend.certificate"].level == level
    assert lines["certificate Client.ca_certificate"].level == "good"


PEM = CONFIG.values["Frontend"]["certificate"].encode()
NAMING = ServerConfig(
    b"",
    {
        "Frontend": {
            "tls_certificate_filename": "/tls/a.pem",
            "artifact_definitions_directory": "/srv/d",
        }
    },
)


@pytest.mark.parametrize(
    ("digests", "files", "level", "says"),
    [
        (None, {}, "bad", "/tls/a.pem (Frontend.tls_certificate_filename), /srv/d"),
        ({}, {}, "bad", "/tls/a.pem"),
        ({"/tls/a.pem": sha256(PEM).hexdigest()}, {"/tls/a.pem": PEM}, "good", "1, which"),
        ({"/tls/a.pem": "0" * 64}, {"/tls/a.pem": PEM}, "warning", "1 new or changed"),
        (
            {"/tls/a.pem": sha256(PEM).hexdigest()},
            {"/tls/a.pem": PEM, "/srv/d/x.yaml": b"name: A"},
            "warning",
            "e.g. /srv/d/x.yaml",
        ),
    ],
)
def test_files_that_the_config_names(vault, digests, files, level, says):
    manifest = store(vault)
    named = None if digests is None else NamedFiles(tar=manifest.config, digests=digests)
    newest = manifest.model_copy(update={"named": named})
    found = {line.name: line for line in named_lines(NAMING, newest, files, ENDS - DAY)}
    assert found["named files"].level == level
    assert says in found["named files"].says
    end = found.get("certificate Frontend.tls_certificate_filename")
    assert (end.level if end else None) == ("warning" if files else None)
    assert list(named_lines(CONFIG, newest, {}, ENDS)) == []


def test_without_a_config_certificates_are_unknown():
    (line,) = certificate_lines(None, BEGIN)
    assert line.level == "unknown"
    assert exit_code([line]) == 2


class Answers:
    """A resolver with fixed answers, for what it takes to have a name server."""

    def __init__(self, ttl):
        self.ttl = ttl

    def resolve(self, host, kind, lifetime):
        if self.ttl is None:
            raise dns.resolver.NXDOMAIN
        answer = ["192.0.2.7"]

        class Found(list):
            rrset = SimpleNamespace(ttl=self.ttl)

        return Found(answer)


@pytest.mark.parametrize(("ttl", "level"), [(60, "good"), (3600, "warning"), (None, "bad")])
def test_names(ttl, level):
    (line,) = name_lines(["https://velo.example:8000/"], Answers(ttl))
    assert line.level == level


def test_an_address_in_place_of_a_name_is_a_warning():
    for url in ("https://192.0.2.7:8000/", "https://[2001:db8::1]/", "https://localhost/"):
        (line,) = name_lines([url])
        assert line.level == "warning"


def write_report(tmp_path, name, **values):
    path = tmp_path / "state" / "velociraptor-recovery" / "reports" / name / "report.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(values))


def test_the_last_drill(tmp_path):
    assert drill_line(BEGIN, "velociraptor").level == "warning"
    write_report(
        tmp_path,
        "a",
        verdict="recovered",
        finished_at=(BEGIN - DAY).isoformat(),
        rto_seconds=41.0,
        server={"kind": "velociraptor"},
    )
    line = drill_line(BEGIN, "velociraptor")
    assert (line.level, line.value) == ("good", 41.0)
    assert drill_line(BEGIN + timedelta(days=100), "velociraptor").level == "warning"
    write_report(
        tmp_path,
        "b",
        verdict="recovered",
        finished_at=BEGIN.isoformat(),
        rto_seconds=1.0,
        server={"kind": "reference"},
    )
    assert drill_line(BEGIN, "velociraptor").value == 41.0
    write_report(
        tmp_path,
        "c",
        verdict="not recovered",
        finished_at=BEGIN.isoformat(),
        rto_seconds=None,
        server={"kind": "velociraptor"},
    )
    assert drill_line(BEGIN, "velociraptor").level == "bad"


def test_the_worst_line_is_the_verdict():
    good, warning = Line("a", "good", ""), Line("b", "warning", "")
    unknown, bad = Line("c", "unknown", ""), Line("d", "bad", "")
    assert verdict([]) == "unknown"
    assert [exit_code(lines) for lines in ([good], [good, warning], [warning, unknown])] == [
        0,
        1,
        2,
    ]
    assert verdict([good, bad, unknown]) == "bad"


def test_the_text_file_for_monitoring(tmp_path):
    path = tmp_path / "x.prom"
    write_prometheus([Line("newest point", "bad", "", value=90.0)], path, 1.0)
    text = path.read_text()
    assert 'velociraptor_recovery_check{check="newest point"} 3.0' in text
    assert 'velociraptor_recovery_value{check="newest point"} 90.0' in text
    assert "velociraptor_recovery_ready 0.0" in text


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(12, "12 s"), (440, "7 min"), (18_720, "5 h 12 min"), (273_600, "3 d 4 h")],
)
def test_lengths_in_words(seconds, words):
    assert in_words(timedelta(seconds=seconds)) == words
