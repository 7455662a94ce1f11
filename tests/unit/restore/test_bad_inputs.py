"""A corpus of bad inputs: each is refused with the right error, and the machine isn't touched."""

import io
import json
import struct
import tarfile
import zipfile
from datetime import UTC, datetime, timedelta
from functools import cache
from types import SimpleNamespace

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from recovery.errors import BadInputError, RecoveryError, VaultError
from recovery.restore import context as context_module
from recovery.restore.archived_hunts import parcels_of_hunt
from recovery.restore.choose_point import captured_last
from recovery.restore.context import Context
from recovery.restore.install_package import install_package
from recovery.restore.journal import Journal
from recovery.restore.parcel import parcel_of_flow
from recovery.restore.release_hunts import release_hunts
from recovery.restore.request import parse_request
from recovery.restore.run_group import run_group
from recovery.vault.keys import new_keys
from recovery.vault.manifest import DatastoreCopy, ServedFile
from recovery.vault.retention import Policy, choose
from tests.unit.restore.points import (
    BACKUP,
    CLIENT,
    CONFIG,
    FLOW,
    HUNT,
    HUNT_ID,
    REAL,
    STATE,
    Point,
    deb_of,
    flow_with,
    special,
    tar_of,
    tar_with,
    unzipped,
    user_record,
    zip_of,
)
from tests.unit.restore.test_journal import Machine
from tests.unit.velociraptor.two_lists import by_comment, by_prefix, by_zip64


class TouchedError(AssertionError):
    """The recovery went as far as the machine."""


@pytest.fixture(autouse=True)
def no_machine(monkeypatch, tmp_path):
    """Whoever reaches for the machine is found out."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    for name in ("RECOVERY_KEYS", "RECOVERY_PASSPHRASE_FILE", "RECOVERY_VAULT"):
        monkeypatch.delenv(name, raising=False)

    def reach(uri):
        raise TouchedError(uri)

    monkeypatch.setattr(context_module, "open_target", reach)


def config_with(**changed):
    values = yaml.safe_load(CONFIG)
    for path, value in changed.items():
        section, key = path.split("__")
        if value is None:
            del values[section][key]
        else:
            values[section][key] = value
    return yaml.safe_dump(values, sort_keys=False).encode()


def other_ca():
    values = yaml.safe_load(CONFIG)
    key = load_pem_private_key(values["Frontend"]["private_key"].encode(), None)
    return _certificate(key, "Another CA", days=300)


def ended_without_a_ca_key():
    values = yaml.safe_load(CONFIG)
    key = load_pem_private_key(values["Frontend"]["private_key"].encode(), None)
    values["Frontend"]["certificate"] = _certificate(key, "VelociraptorServer", days=-35)
    values.pop("CA")
    return yaml.safe_dump(values, sort_keys=False).encode()


def _certificate(key, name, days):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(now + timedelta(days=days))
        .sign(key, hashes.SHA256())
        .public_bytes(Encoding.PEM)
        .decode()
    )


def flipped(raw):
    middle = len(raw) // 2
    return raw[:middle] + bytes([raw[middle] ^ 0xFF]) + raw[middle + 1 :]


def zip_with_link():
    link = zipfile.ZipInfo("orgs/root/acls.json")
    link.external_attr = 0o120777 << 16
    return zip_of({"x": link}, b"/etc/shadow")


def sealed_zip():
    raw = bytearray(zip_of({"orgs/root/acls.json": b"{}"}))
    directory = raw.rfind(b"PK\x01\x02")
    for at in (6, directory + 8):
        raw[at] |= 1
    return bytes(raw)


def twice():
    raw = zip_of({"orgs/root/acls.json": b"{}", "orgs/root/acls.jsom": b"{}"})
    return raw.replace(b"acls.jsom", b"acls.json")


def overlapping():
    raw = bytearray(zip_of({"a": b"x" * 100, "b": b"y" * 100}))
    second = raw.rfind(b"PK\x01\x02")
    raw[second + 42 : second + 46] = struct.pack("<L", 0)
    return bytes(raw)


@cache
def bomb(name="orgs/root/hunts.json"):
    return zip_of({name: bytes(300 << 20)})  # deflated a thousand times


def sparse():
    """A GNU sparse file: 512 bytes here, a terabyte there."""
    member = special("clients/x.db", tarfile.GNUTYPE_SPARSE)
    raw = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    raw[386:398], raw[398:410] = b"00000000000\0", b"00000001000\0"
    raw[124:136], raw[483:495] = b"00000001000\0", b"00000000001\0"
    raw[483:495] = struct.pack(">B11s", 0x80, (1 << 40).to_bytes(11, "big"))
    raw[148:156] = b" " * 8
    raw[148:156] = f"{sum(raw[:512]):06o}\0 ".encode()
    return bytes(raw[:512]) + bytes(512) + bytes(1024)


def pax(**fields):
    """A state with a member whose extended header says something else."""
    member = tarfile.TarInfo("acl/x.json.db")
    member.pax_headers = fields
    return tar_of(member)


def state_with(name, content):
    return tar_with({**STATE, name: content})


def backup_with(part, text):
    """The good backup, another content in one part of the root org."""
    return zip_of({**unzipped(BACKUP), f"orgs/root/{part}.json": text})


def aliases(*lines):
    """The good config, and below it lists of aliases of lists of aliases …"""
    levels = [
        f"b{n}: &b{n} " + lines[1].format(", ".join([f"*b{n - 1}"] * 10)) for n in range(1, 10)
    ]
    return CONFIG + "\n".join(["", f"b0: &b0 {lines[0]}", *levels, ""]).encode()


CONTENT = {
    # what: (attribute of the point, its content, what the error says)
    "package: text": ("package", b"#!/bin/sh\nrm -rf /\n", "no Debian package"),
    "package: empty": ("package", b"", "no Debian package"),
    "package: cut off": ("package", deb_of()[:-600], "no Debian package"),
    "package: a zip": ("package", BACKUP, "no Debian package"),
    "package: another one": ("package", deb_of("Package: sshd\n"), "is the package 'sshd'"),
    "package: without control": ("package", deb_of(**{"control.tar": b""}), "no control"),
    "package: without data": ("package", deb_of(**{"data.tar": b""}), "no control or no data"),
    "package: control is no tar": ("package", deb_of(**{"control.tar": b"x" * 99}), "no Debian"),
    "config: not YAML": ("config", b"Client: [", "not YAML"),
    "config: a list": ("config", b"- 1\n", "not a server configuration"),
    "config: no CA": ("config", config_with(Client__ca_certificate=None), "is missing"),
    "config: no nonce": ("config", config_with(Client__nonce=None), "is missing"),
    "config: CA is none": ("config", config_with(Client__ca_certificate="x"), "not a certificate"),
    "config: other deployment": (
        "config",
        config_with(Client__ca_certificate=other_ca()),
        "not of the deployment",
    ),
    **{
        f"config: datastore in {folder!r}": (
            "config",
            config_with(Datastore__location=folder),
            "where no server can",
        )
        for folder in ("/", "/etc", "/usr/lib", "/var/lib/", "var/lib/x", "/srv/../etc", "//etc")
    },
    "config: file store in /etc": (
        "config",
        config_with(Datastore__filestore_directory="/etc/velociraptor"),
        "where no server can",
    ),
    "config: expired, no CA key": ("config", ended_without_a_ca_key(), "certificate ended"),
    "config: CA key is none": ("config", config_with(CA__private_key="x"), "CA.private_key"),
    "config: aliases": ("config", aliases("[1, 1]", "[{}]"), "stand for too much"),
    "config: merged aliases": ("config", aliases("{k: 1}", "{{<<: [{}]}}"), "stand for too much"),
    "config: itself": ("config", CONFIG + b"\na: &a {b: *a}\n", "for nothing, or for itself"),
    "config: deep": ("config", CONFIG + b"\na: " + b"[" * 99999, "nested too deep"),
    "config: twice": (
        "config",
        CONFIG + b"\nDatastore: {location: /srv/x}\n",
        "stands in it twice",
    ),
    "config: no date": ("config", CONFIG + b"\na: 2026-99-99\n", "not YAML"),
    "config: long number": ("config", CONFIG + b"\na: " + b"9" * 9000 + b"\n", "not YAML"),
    **{
        f"config: {path} is {value!r}": (
            "config",
            config_with(**{path: value}),
            f"{path.replace('__', '.')} is no {kind}",
        )
        for path, value, kind in (
            ("Frontend__bind_port", "abc", "port"),
            ("Frontend__bind_port", 70000, "port"),
            ("API__bind_port", [1], "port"),
            ("Client__max_poll", "x", "number"),
            ("Client__max_poll_std", float("inf"), "number"),
            ("Client__max_poll", 10**9, "number"),
            ("Client__max_poll", float("nan"), "number"),
            ("Frontend__resources", 7, "section"),
            ("Client__server_urls", "https://x", "list"),
            ("Client__pinned_server_name", {"a": 1}, "text"),
            ("Datastore__filestore_directory", 7, "text"),
        )
    },
    **{
        f"config: {section} is a list": (
            "config",
            yaml.safe_dump({**yaml.safe_load(CONFIG), section: [1]}).encode(),
            f"{section} is no section",
        )
        for section in ("CA", "GUI", "API")
    },
    "state: truncated": ("state", tar_of("users/a.db", data=b"y" * 5000)[:3000], "can't be read"),
    "state: a zip": ("state", BACKUP, "can't be read"),
    "state: garbage": ("state", b"\x01" * 2048, "can't be read"),
    "state: absolute": ("state", tar_of("/etc/passwd"), "outside the datastore"),
    "state: dot dot": ("state", tar_of("users/../../etc/passwd"), "outside the datastore"),
    "state: backslash": ("state", tar_of("users\\..\\x"), "outside the datastore"),
    "state: other org's dot dot": ("state", tar_of("orgs/../acl/x.json.db"), "outside"),
    "state: symlink": ("state", tar_of(special("users", tarfile.SYMTYPE, "/etc")), "a link"),
    "state: hard link": ("state", tar_of(special("users/a", tarfile.LNKTYPE, "/x")), "a link"),
    "state: device": ("state", tar_of(special("config/d", tarfile.CHRTYPE)), "a link"),
    "state: pipe": ("state", tar_of(special("config/p", tarfile.FIFOTYPE)), "a link"),
    "state: sparse": ("state", sparse(), "hole"),
    "state: results": ("state", tar_of("downloads/x.zip"), "no state"),
    "state: the host's": ("state", tar_of("etc/cron.d/x"), "no state"),
    "state: an org's downloads": ("state", tar_of("orgs/OX/downloads/x"), "no state"),
    "state: packed": ("state", tar_with(STATE, "w:gz"), "can't be read"),
    "state: two slashes": ("state", tar_of("acl//mallory.json.db"), "not what it seems"),
    "state: dot": ("state", tar_of("acl/./mallory.json.db"), "not what it seems"),
    "state: NUL": ("state", pax(path="acl/mallory.json.db\0x"), "not what it seems"),
    "state: line break": ("state", pax(path="acl/mallory\n.json.db"), "not what it seems"),
    "state: no time": ("state", pax(mtime="nan"), "of no time"),
    "state: endless time": ("state", pax(mtime="inf"), "of no time"),
    "state: a task": ("state", tar_of("clients/C.1/tasks/1.db"), "no state"),
    "state: a client's results": ("state", tar_of("clients/C.1/artifacts/A/F.1.json"), "no state"),
    "state: another user's record": (
        "state",
        state_with("users/bob.db", user_record("ann")),
        "record of another user, 'ann'",
    ),
    "state: the server as a user": (
        "state",
        state_with("users/VelociraptorServer.db", user_record("VelociraptorServer")),
        "the server's own name",
    ),
    "state: no record of a user": (
        "state",
        state_with("users/bob.db", b'{"name":"bob"}'),
        "no record of a user",
    ),
    "state: hunt: twice": (
        "state",
        state_with("hunts/H.B.json.db", b'{"state":1,"state":2}'),
        "no record of a hunt",
    ),
    "state: hunt: no message": (
        "state",
        state_with("hunts/H.B.db", b"\x40"),
        "no record of a hunt",
    ),
    "state: rights: list": (
        "state",
        state_with("acl/bob.json.db", b"[1]"),
        r"acl/bob.json.db is no record of rights",
    ),
    "state: rights: twice": (
        "state",
        state_with("acl/bob.json.db", b'{"roles":["administrator"],"roles":["reader"]}'),
        "stands in it twice",
    ),
    "state: rights: two spellings": (
        "state",
        state_with("acl/bob.json.db", b'{"serverAdmin":false,"server_admin":true}'),
        "stands in it twice",
    ),
    "state: rights: deep": (
        "state",
        state_with("acl/bob.json.db", b'{"a":' + b"[" * 99999),
        "nested too deep",
    ),
    "state: rights: roles": (
        "state",
        state_with("acl/bob.json.db", b'{"roles":"administrator"}'),
        "no list of names",
    ),
    "state: rights: number": (
        "state",
        state_with("acl/bob.json.db", b'{"roles":' + b"9" * 5000 + b"}"),
        "no record of rights",
    ),
    "backup: hunts: text": ("backup", backup_with("hunts", b"x\n"), "hunts.json can't be underst"),
    "backup: hunts: no id": ("backup", backup_with("hunts", b"{}\n"), "it has no hunt_id"),
    "backup: hunts: path": (
        "backup",
        backup_with("hunts", b'{"hunt_id":"H.1/../x"}\n'),
        "no id of a hunt",
    ),
    "backup: hunts: condition": (
        "backup",
        backup_with("hunts", b'{"hunt_id":"H.1","condition":[7]}\n'),
        "hunts.json can't be understood",
    ),
    "backup: artifacts: no file": (
        "backup",
        backup_with("custom_artifacts", b'{"artifact":"Custom.A"}\n'),
        "it has no filename",
    ),
    "backup: artifacts: deep": (
        "backup",
        backup_with("custom_artifacts", b"[" * 99999 + b"\n"),
        "nested too deep",
    ),
    "backup: clients: number": ("backup", backup_with("client_info", b"7\n"), "is no object"),
    "backup: notebooks: list": ("backup", backup_with("notebooks", b"[]\n"), "is no object"),
    "backup: truncated": ("backup", (REAL / "backup_truncated.zip").read_bytes(), "whole zip"),
    "backup: damaged": (
        "backup",
        (REAL / "backup_damaged_member_hunts.zip").read_bytes(),
        "backup root is",
    ),
    "backup: of a full disk": ("backup", b"", "not a whole zip"),
    "backup: a tar": ("backup", tar_of("acl/a"), "not a whole zip"),
    "backup: no member": ("backup", zip_of({}), "is empty"),
    "backup: slip": ("backup", zip_of({"orgs/../../etc/x": b""}), "outside of where"),
    "backup: absolute": ("backup", zip_of({"/etc/cron.d/x": b""}), "outside of where"),
    "backup: drive": ("backup", zip_of({"C:evil": b""}), "outside of where"),
    "backup: backslash": ("backup", zip_of({"orgs\\..\\x": b""}), "outside of where"),
    "backup: control characters": ("backup", zip_of({"orgs/\x1b[2Jx": b""}), "control char"),
    "backup: symlink": ("backup", zip_with_link(), "a link"),
    "backup: encrypted": ("backup", sealed_zip(), "encrypted"),
    "backup: twice": ("backup", twice(), "two members of one name"),
    "backup: overlapping": ("backup", overlapping(), "overlap"),
    "backup: bomb": ("backup", bomb(), "times its size"),
    "backup: a second list": ("backup", by_zip64(unzipped(BACKUP), {"x": ""}), "contradicts"),
    "backup: a second end": ("backup", by_comment(unzipped(BACKUP), {"x": ""}), "contradicts"),
}
NAMED = {
    # what: (the tar, the manifest's digests if not the tar's, what the error says)
    "garbage": (b"x" * 2048, {}, "can't be read"),
    "elsewhere": (tar_of("etc/cron.d/x"), None, "no file that the config names"),
    "dot dot": (tar_of("srv/definitions/../../etc/x.yaml"), None, "no file that the config"),
    "absolute": (tar_of("/etc/tls/cert.pem"), None, "no file that the config names"),
    "symlink": (
        tar_of(special("srv/definitions/a.yaml", tarfile.SYMTYPE, "/etc/shadow")),
        None,
        "no file that the config names",
    ),
    "folder": (tar_of(special("srv/definitions", tarfile.DIRTYPE)), None, "no file that"),
    "a script as certificate": (
        tar_of("etc/tls/cert.pem", data=b"* * * * * root sh\n-----BEGIN X-----"),
        None,
        "no certificate or key",
    ),
    "a timer as definition": (
        tar_of("srv/definitions/x.yaml", data=b"network: {version: 2}"),
        None,
        "no artifact definition",
    ),
    "a definition with another ending": (
        tar_of("srv/definitions/x.service", data=b"name: A"),
        None,
        "no file that the config names",
    ),
    "another content": (
        tar_of("srv/definitions/x.yaml", data=b"name: A"),
        {"/srv/definitions/x.yaml": "0" * 64},
        "not the file that the manifest names",
    ),
    "missing": (tar_of(), {"/srv/definitions/x.yaml": "0" * 64}, "it is not there"),
}
MANIFEST = {
    "org: dot dot": ("changes", {"org_names": {}}, "no id of an org", {"backup_org": "../x"}),
    "org: slash": ("changes", {"org_names": {}}, "no id of an org", {"state_org": "a/b"}),
    "client: path": ("archive_changes", {"client_id": "../../etc"}, "no id of a client", {}),
    "client: none": ("archive_changes", {"client_id": ""}, "no id of a client", {}),
    "client: quote": ("archive_changes", {"client_id": "C.'x"}, "no id of a client", {}),
    "flow: path": ("archive_changes", {"flow_id": "F.1/../2"}, "no id of a flow", {}),
    "hunt: path": ("hunt_changes", {"hunt_id": "H../x"}, "no id of a hunt", {}),
    "archive: org": ("archive_changes", {"org": "../x"}, "no id of an org", {}),
    "archive: wrong org": ("archive_changes", {"client_id": f"{CLIENT}-OACME"}, "not of root", {}),
    "file for endpoints: dot dot": (
        "changes",
        {"served": [{"path": "public/../users/x.db"}]},
        "no path of a file for endpoints",
        {},
    ),
    "file for endpoints: elsewhere": (
        "changes",
        {"served": [{"path": "users/x.db"}]},
        "no path of a file for endpoints",
        {},
    ),
    "time: to come": (
        "changes",
        {"captured_at": datetime.now(UTC) + timedelta(days=3)},
        "yet to come",
        {},
    ),
}
REQUEST = {
    "deployment": ({"deployment": "f" * 64}, "no recovery point of deployment"),
    "org": ({"orgs": ["ONOPE"]}, "nothing named 'ONOPE'"),
    "user": ({"users": ["mallory"]}, "nothing named 'mallory'"),
    "artifact": ({"artifacts": ["Custom.None"]}, "nothing named"),
    "hunt": ({"only_hunts": ["H.NONE"]}, "nothing named"),
    "approval: none": ({"accounts": "/no/such/file"}, "neither a policy"),
}
WORDS = {
    "strategy": {"strategy": ["everything"]},
    "strategy: none": {"strategy": []},
    "hunts": {"hunts": "running"},
    "provider": {"providers": ["passwords!"]},
    "time": {"flows_since": "yesterday"},
    "time: no flow in between": {"flows_since": "2026-11-02", "flows_until": "2026-11-01"},
}
ARCHIVES = {
    "truncated": ("flow", FLOW[:-100], "not a whole zip"),
    "flipped": ("flow", flipped(zip_of({"a": b"\x00\x01" * 99})), "damaged|not a whole zip|holds"),
    "empty": ("flow", b"", "not a whole zip"),
    "text": ("flow", b"hello", "not a whole zip"),
    "slip": ("flow", zip_of({**unzipped(FLOW), "../x": b""}), "outside of where"),
    "a second list": ("flow", by_zip64(unzipped(FLOW), {"../x": b""}), "contradicts itself"),
    "a second end": ("flow", by_comment(unzipped(FLOW), {"../x": b""}), "contradicts itself"),
    "behind another": ("flow", by_prefix(unzipped(FLOW), {"../x": b""}), "contradicts itself"),
    "bomb": ("flow", bomb("results/Custom.json"), "times its size"),
    "symlink": ("flow", zip_with_link(), "a link"),
    "a backup": ("flow", BACKUP, "not an export"),
    "no context": ("flow", zip_of({"results/x.json": b"{}\n"}), "not an export"),
    "context: text": ("flow", zip_of({"collection_context.json": b"x"}), "not JSON"),
    "context: list": ("flow", zip_of({"collection_context.json": b"[]"}), "not an object"),
    "context: deep": ("flow", zip_of({"collection_context.json": b"[" * 99999}), "not JSON"),
    "context: names": ("flow", flow_with(artifacts_with_results="x"), "not a flow's"),
    "context: time": ("flow", flow_with(active_time="soon"), "not a flow's"),
    "context: time to come": ("flow", flow_with(active_time=10**30), "no time"),
    "context: time of a year": ("flow", flow_with(active_time=str(10**24)), "no time"),
    "context: time in a list": ("flow", flow_with(active_time=[1]), "no time"),
    "another client's": ("flow", flow_with(client_id="C.1111111111111111"), "holds C.1111"),
    "another flow": ("flow", flow_with(session_id="F.OTHER"), "holds .*F.OTHER"),
    "hostile client": ("flow", flow_with(client_id="C.x/../../y"), "holds C.x/"),
    "fewer rows": (
        "flow",
        zip_of(
            {
                name: b"" if name.startswith("results/") else content
                for name, content in unzipped(FLOW).items()
            }
        ),
        "holds 0 rows, the capture took 1",
    ),
    "hunt truncated": ("hunt", HUNT[:-100], "not a whole zip"),
    "hunt: a flow": ("hunt", FLOW, "not an export"),
    "hunt: another": (
        "hunt",
        zip_of({**unzipped(HUNT), "hunt_info.json": b'{"hunt_id":"H.OTHER"}'}),
        "holds the hunt H.OTHER",
    ),
    "hunt: hostile client": (
        "hunt",
        zip_of(
            {
                "hunt_info.json": json.dumps({"hunt_id": HUNT_ID}).encode(),
                "x/collection_context.json": json.dumps(
                    {"client_id": "C.a/../b", "session_id": "F.1"}
                ).encode(),
            }
        ),
        "no id of a client",
    ),
    "hunt: another org's client": (
        "hunt",
        zip_of(
            {
                "hunt_info.json": json.dumps({"hunt_id": HUNT_ID}).encode(),
                "x/collection_context.json": json.dumps(
                    {"client_id": "C.1-OACME", "session_id": "F.1"}
                ).encode(),
            }
        ),
        "client of the org OACME",
    ),
}


def restore(made, vault=None, **more):
    request = parse_request(
        target="docker://nobody",
        vault=str(vault or made.folder),
        strategy=["state", "backup", "collections"],
        **more,
    )
    return run_group("server", request, lambda _line: None)


def test_the_good_point_is_good_until_the_machine_is_needed(tmp_path):
    point = Point(tmp_path / "vault")
    point.make()
    with pytest.raises(TouchedError):
        restore(point)


@pytest.mark.parametrize("what", CONTENT)
def test_bad_content_is_refused(tmp_path, what):
    attribute, content, said = CONTENT[what]
    point = Point(tmp_path / "vault")
    setattr(point, attribute, content)
    point.make()
    with pytest.raises(BadInputError, match=said) as refused:
        restore(point)
    assert refused.value.exit_code == 64
    assert refused.value.hint


@pytest.mark.parametrize(
    "rows",
    [
        b"[]",
        b"7",
        b"x",
        b"{}",
        b"\xff",
        b'{"Principal":[],"Policy":{}}',
        b'{"Principal":{"name":["a"]},"Policy":{}}',
        b'{"Principal":{"name":"a"},"Policy":"administrator"}',
        b'{"Principal":{"name":"a"},"Policy":{"roles":7}}',
        b"[" * 99999,
    ],
    ids=range(10),
)
def test_rights_in_a_backup_that_no_server_writes_are_refused(tmp_path, rows):
    point = Point(tmp_path / "vault")
    point.backup = backup_with("acls", rows + b"\n")
    point.make()
    request = parse_request(
        target="docker://nobody", vault=str(point.folder), strategy=["backup", "collections"]
    )
    with pytest.raises(BadInputError, match=r"acls.json is no record of rights") as refused:
        run_group("server", request, lambda _line: None)
    assert "nothing was changed" in refused.value.hint


@pytest.mark.parametrize("what", MANIFEST)
def test_bad_manifests_are_refused(tmp_path, what):
    attribute, changes, said, orgs = MANIFEST[what]
    point = Point(tmp_path / "vault")
    if "served" in changes:
        content = point.vault.put(io.BytesIO(b"x"), "x")
        served = [ServedFile(file=content, changed=0, **one) for one in changes["served"]]
        changes = {"served": served}
    setattr(point, attribute, changes)
    if orgs:
        good = Point(tmp_path / "vault")
        made = good.make()
        if "backup_org" in orgs:
            backups = [made.backups[0].model_copy(update={"org": orgs["backup_org"]})]
            point.changes = {"backups": backups}
        else:
            state = [made.state[0].model_copy(update={"org": orgs["state_org"]})]
            point.changes = {"state": state}
    point.make()
    with pytest.raises(BadInputError, match=said):
        restore(point)


@pytest.mark.parametrize("what", REQUEST)
def test_what_the_point_does_not_have_is_refused(tmp_path, what):
    more, said = REQUEST[what]
    point = Point(tmp_path / "vault")
    point.make()
    with pytest.raises(BadInputError, match=said):
        restore(point, **more)


@pytest.mark.parametrize("what", WORDS)
def test_words_that_mean_nothing_are_refused(what):
    with pytest.raises(BadInputError) as refused:
        parse_request(target="docker://nobody", **WORDS[what])
    assert refused.value.hint


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"strategy": ["stat"]}, "'stat' is none of redeploy, .*; did you mean state?"),
        ({"hunts": "releasd"}, "'releasd' is none of paused, released; did you mean released?"),
        ({"flows_since": "yesterday"}, "'yesterday' is no time .*2026-11-01T06:00:00Z"),
    ],
)
def test_a_wrong_word_is_told_with_the_right_ones(values, said):
    with pytest.raises(BadInputError, match=said):
        parse_request(target="docker://nobody", **values)


def test_a_hunt_that_was_not_running_is_not_released(tmp_path):
    point = Point(tmp_path / "vault")
    point.make()
    request = parse_request(target="docker://nobody", vault=str(point.folder))
    with (
        Context(request, lambda _line: None) as context,
        pytest.raises(BadInputError, match=r"not running when .*: H\.NONE") as refused,
    ):
        release_hunts(context, frozenset({"H.NONE"}))
    assert "nothing was changed" in refused.value.hint


@pytest.mark.parametrize("what", ["package", "config", "state", "backup"])
@pytest.mark.parametrize("how", ["flipped", "truncated", "gone"])
def test_a_vault_that_was_touched_is_refused(tmp_path, what, how):
    point = Point(tmp_path / "vault")
    made = point.make()
    item = {
        "package": made.package.file,
        "config": made.config,
        "state": made.state[0].tar,
        "backup": made.backups[0].file,
    }[what]
    path = point.stored(item)
    raw = path.read_bytes()
    path.chmod(0o600)
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(flipped(raw) if how == "flipped" else raw[:-1])
    with pytest.raises(VaultError) as refused:
        restore(point)
    assert refused.value.hint


def test_an_older_whole_point_is_taken_instead_of_a_newer_broken_one(tmp_path):
    point = Point(tmp_path / "vault")
    old = point.make()
    point.state = tar_of("users/other.db")
    now = datetime.now(UTC)
    point.changes = {"point": f"{now:%Y%m%dT%H%M%SZ}-bbbbbb", "captured_at": now}
    new = point.make()
    point.stored(new.state[0].tar).unlink()
    said = []
    request = parse_request(target="docker://nobody", vault=str(point.folder))
    with Context(request, said.append) as context:
        assert context.manifest.point == old.point
    assert any(new.point in line and "passed over" in line for line in said)


def test_what_was_captured_last_is_taken_not_what_was_adopted_last(tmp_path):
    point = Point(tmp_path / "vault")
    captured = point.make()
    now = datetime.now(UTC)
    old = {"point": f"{now:%Y%m%dT%H%M%SZ}-bbbbbb", "captured_at": now - timedelta(days=90)}
    point.changes = old
    point.make()
    request = parse_request(target="docker://nobody", vault=str(point.folder))
    with Context(request, lambda _line: None) as context:
        assert context.manifest.point == captured.point


def test_a_point_of_a_time_to_come_hides_no_good_one(tmp_path):
    point = Point(tmp_path / "vault")
    good = point.make()
    later = datetime.now(UTC) + timedelta(days=400)
    point.changes = {"point": f"{later:%Y%m%dT%H%M%SZ}-bbbbbb", "captured_at": later}
    point.make()
    said = []
    request = parse_request(target="docker://nobody", vault=str(point.folder))
    with Context(request, said.append) as context:
        assert context.manifest.point == good.point
    assert any("passed over" in line and "yet to come" in line for line in said)
    assert captured_last(point.vault).point == good.point


def test_where_all_points_are_to_come_the_clock_is_asked_about(tmp_path):
    point = Point(tmp_path / "vault")
    point.changes = {"captured_at": datetime.now(UTC) + timedelta(days=400)}
    made = point.make()
    with pytest.raises(BadInputError, match="yet to come") as refused:
        restore(point)
    assert "clock right?" in refused.value.hint
    with pytest.raises(BadInputError, match="yet to come"):
        restore(point, point=made.point)


def test_a_lost_file_for_endpoints_is_known_before_the_machine_is_touched(tmp_path):
    point = Point(tmp_path / "vault")
    tool = point.vault.put(io.BytesIO(b"a tool"), "public/tool")
    point.changes = {"served": [ServedFile(path="public/tool", file=tool, changed=0)]}
    made = point.make()
    point.stored(tool).unlink()
    with pytest.raises(VaultError, match="public/tool isn't in the vault"):
        restore(point, point=made.point)
    with pytest.raises(TouchedError):  # nobody wants it
        restore(point, point=made.point, providers=["users", "clients"])


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("captured_at",), "2026-11-01T06:00:00"),
        (("finished_at",), "2026-11-01T06:00:00"),
        (("backups", 0, "made_at"), "2026-11-01T06:00:00"),
        (("archives", 0, "active_at"), "2026-11-01T06:00:00"),
        (("flow_records",), {"root": {"C.1/F.1": ["", "", "", 10**19, 0, 0, [], ""]}}),
    ],
    ids=str,
)
def test_times_of_another_form_are_read_all_the_same(tmp_path, where, value):
    """One without a zone is in UTC; whose time is none has none."""
    point = Point(tmp_path / "vault")
    made = point.make()
    path = point.folder / "points" / f"{made.point}.json"
    path.chmod(0o600)
    values = part = json.loads(path.read_bytes())
    for key in where[:-1]:
        part = part[key]
    part[where[-1]] = value
    path.write_text(json.dumps(values))
    with pytest.raises(TouchedError):
        restore(point, flows_since="2026-01-01")
    assert choose(point.vault.points(), Policy())


@pytest.mark.parametrize(
    "how", ["truncated", "text", "deep", "unknown key", "newer schema", "swapped"]
)
def test_bad_manifest_files_are_refused(tmp_path, how):
    point = Point(tmp_path / "vault")
    made = point.make()
    path = point.folder / "points" / f"{made.point}.json"
    path.chmod(0o600)
    values = json.loads(path.read_bytes())
    changed = {
        "truncated": path.read_bytes()[:500],
        "text": b"hello",
        "deep": b"[" * 99999,
        "unknown key": json.dumps({**values, "run": "me"}).encode(),
        "newer schema": json.dumps({**values, "schema_version": 2}).encode(),
        "swapped": json.dumps({**values, "point": "20200101T000000Z-cccccc"}).encode(),
    }[how]
    path.write_bytes(changed)
    with pytest.raises(VaultError):
        restore(point)


def test_a_named_point_of_another_deployment_is_refused(tmp_path):
    point = Point(tmp_path / "vault")
    made = point.make()
    with pytest.raises(BadInputError, match="asked for was"):
        restore(point, point=made.point, deployment="f" * 64)


@pytest.mark.parametrize("how", ["unsigned", "deep", "another's key", "replayed"])
def test_signatures_come_first(tmp_path, how, monkeypatch):
    keys = new_keys()
    point = Point(tmp_path / "vault", keys)
    made = point.make()
    path = point.folder / "points" / f"{made.point}.json"
    path.chmod(0o600)
    if how == "unsigned":
        path.write_bytes(made.model_dump_json().encode())
    elif how == "deep":
        path.write_bytes(b"[" * 99999)
    elif how == "another's key":
        stranger = Point(tmp_path / "other", new_keys())
        stranger.changes = {"point": made.point}
        stranger.make()
        path.write_bytes((tmp_path / "other" / "points" / f"{made.point}.json").read_bytes())
    else:
        later = point.folder / "points" / "29990101T000000Z-dddddd.json"
        later.write_bytes(path.read_bytes())
        path.unlink()
    monkeypatch.setattr(context_module, "open_vault", lambda _uri: point.vault)
    with pytest.raises(VaultError, match=r"refused|rolled back"):
        restore(point)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "approved: 1",
        "names: nobody",
        "extra: 1",
        "a: [",
        "deny: [eve]\ndeny: []",
        '{"deployment": "d", "approved": [], "approved": []}',
    ],
)
def test_rules_that_say_nothing_are_refused(tmp_path, text):
    point = Point(tmp_path / "vault")
    point.make()
    rules = tmp_path / "rules.yaml"
    rules.write_text(text)
    with pytest.raises(BadInputError, match="can be read"):
        restore(point, accounts=str(rules))


@pytest.mark.parametrize("what", ["vault that is none", "empty vault", "no such point"])
def test_no_point_is_refused(tmp_path, what):
    point = Point(tmp_path / "vault")
    if what == "no such point":
        point.make()
        more = {"point": "20200101T000000Z-eeeeee"}
    elif what == "empty vault":
        (tmp_path / "vault").mkdir(exist_ok=True)
        more = {}
    else:
        more = {"vault": tmp_path / "nothing"}
    with pytest.raises(VaultError, match="no recovery point") as refused:
        restore(point, **more)
    assert refused.value.exit_code == 64
    assert refused.value.hint


@pytest.mark.parametrize(
    ("lacking", "strategy", "instead"),
    [
        ({"state": []}, "state", "backup,collections"),
        ({"backups": []}, "backup", "state,collections"),
        ({}, "state", "backup,collections"),  # adopted: org records alone
    ],
)
def test_a_strategy_that_the_point_has_nothing_for_is_refused(tmp_path, lacking, strategy, instead):
    point = Point(tmp_path / "vault")
    parts = ["redeploy", "backup", "state", "collections"]
    parts.remove(strategy)
    point.changes = {**lacking, "parts": parts}
    point.make()
    request = parse_request(
        target="docker://nobody", vault=str(point.folder), strategy=[strategy, "collections"]
    )
    with pytest.raises(BadInputError, match=r"holds no .*would come back empty") as refused:
        run_group("server", request, lambda _line: None)
    assert f"--strategy {instead}" in refused.value.hint


def test_a_server_with_another_points_state_is_not_stopped(monkeypatch):
    machine = Machine('{"point": "P1", "step": "place the state"}\n')
    context = SimpleNamespace(
        has_point=True,
        request=SimpleNamespace(strategy=["state"]),
        manifest=SimpleNamespace(point="P2"),
        journal=Journal(machine, "P2"),
        target=machine,
    )
    monkeypatch.setattr(machine, "put", lambda *_, **__: pytest.fail("touched"), raising=False)
    with pytest.raises(BadInputError, match="already holds the state of P1") as refused:
        install_package(context)
    assert "--point P1" in refused.value.hint
    assert "nothing was changed" in refused.value.hint
    assert machine.asked == 1


@pytest.mark.parametrize("what", ARCHIVES)
def test_bad_archives_are_refused_one_by_one(tmp_path, what):
    kind, content, said = ARCHIVES[what]
    point = Point(tmp_path / "vault")
    setattr(point, kind, content)
    made = point.make()
    request = parse_request(target="docker://nobody", vault=str(point.folder))
    with Context(request, lambda _line: None) as context:
        flow_archive, hunt_archive = made.archives
        opened = {
            "flow": lambda: [parcel_of_flow(context, flow_archive)],
            "hunt": lambda: list(parcels_of_hunt(context, hunt_archive, set(), {}, int)),
        }
        with pytest.raises(RecoveryError, match=said):
            opened[kind]()
        (good,) = opened.keys() - {kind}
        assert [parcel.client_id for parcel in opened[good]()] == [CLIENT]


def test_what_a_hunts_archive_lacks_is_said_of_none_of_its_flows(tmp_path):
    """Said of each, it kept the server's complaint of every other flow back."""
    point = Point(tmp_path / "vault")
    point.hunt_changes = {"lacks": "2 of 3 flows"}
    _, hunt_archive = point.make().archives
    request = parse_request(target="docker://nobody", vault=str(point.folder))
    with Context(request, lambda _line: None) as context:
        assert [
            parcel.lacks for parcel in parcels_of_hunt(context, hunt_archive, set(), {}, int)
        ] == [""]


@pytest.mark.parametrize("what", NAMED)
def test_files_that_the_config_names_are_what_their_settings_are_for(tmp_path, what):
    content, digests, said = NAMED[what]
    point = Point(tmp_path / "vault")
    point.config = config_with(
        Frontend__tls_certificate_filename="/etc/tls/cert.pem",
        Frontend__artifact_definitions_directory="/srv/definitions",
    )
    point.named, point.digests = content, digests
    point.make()
    request = parse_request(target="docker://nobody", vault=str(point.folder))
    with pytest.raises(BadInputError, match=said):
        run_group("server", request, lambda _line: None)


def test_the_corpus_is_large_enough():
    by_name = [CONTENT, NAMED, MANIFEST, REQUEST, WORDS, ARCHIVES]
    assert sum(len(table) for table in by_name) >= 60


@pytest.mark.parametrize(
    ("repository", "said"),
    [
        ("sftp://u@evil.example/x?identity=FILE", "wants files of this machine"),
        ("sftp://u@evil.example/x?known_hosts=FILE", "wants files of this machine"),
        ("rclone:evil", "not a repository"),
        ("sftp://-oProxyCommand=x@evil/x", "no user and host"),
        ("s3://b/p?style=path&o=sftp.command=x", "unknown option"),
    ],
)
def test_a_points_repository_takes_nothing_of_this_machine_along(tmp_path, repository, said):
    (tmp_path / "id").write_text("a key")
    named = repository.replace("FILE", str(tmp_path / "id"))
    point = Point(tmp_path / "vault")
    point.changes = {"datastore": DatastoreCopy(repository=named, snapshot="0" * 64)}
    point.make()
    request = parse_request(
        target="docker://nobody", vault=str(point.folder), strategy=["datastore"]
    )
    with pytest.raises(BadInputError, match=said):
        run_group("server", request, lambda _line: None)
