from pathlib import Path

import pytest

from recovery.capture.datastore_files import StoredFile, choose_state, org_of, parse_listing
from recovery.velociraptor.state_paths import is_client_list, is_state

TREE = Path(__file__).parents[2] / "fixtures/velociraptor-0.77.2/tree_A_full_before_disaster.txt"
FILES = [
    StoredFile(line.removeprefix("ds/"), 1, 0.0)
    for line in TREE.read_text().splitlines()
    if "." in line.rsplit("/", 1)[-1]
]


def test_the_state_of_a_real_datastore():
    chosen = {org: [file.path for file in files] for org, files in choose_state(FILES).items()}
    assert next(iter(chosen)) == "root"
    assert {"root", "OACME", "O10Q0"} == set(chosen)
    root = chosen["root"]
    for path in (
        "orgs/OACME.json.db",
        "users/carol.db",
        "acl/bob.json.db",
        "config/install_time.json.db",
        "config/secrets/AWS S3 Creds/S3Token.json.db",
        "hunts/H.DC1TTKB0VNFA8/request.json.db",
        "hunts/H.DC1TTKB0VNFA8.json.index",
        "clients/C.cad7afe0171b436e/metadata.json.db",
        "clients/C.cad7afe0171b436e/key.db",
        "clients/server/metadata.json.db",
        "artifact_definitions/Custom/Upload/File.yaml",
        "hunt_index/h.dc1ttkb0vnfa8/C.cad7afe0171b436e.db",
    ):
        assert path in root
    assert "orgs/OACME/artifact_definitions/Custom/Acme/Only.yaml" in chosen["OACME"]


@pytest.mark.parametrize(
    "part",
    ["/collections/", "/artifacts/", "backups/", "downloads/", "server_artifact", "/monitoring"],
)
def test_results_and_copies_are_not_state(part):
    assert any(part in file.path for file in FILES)
    assert not [
        file.path for files in choose_state(FILES).values() for file in files if part in file.path
    ]


@pytest.mark.parametrize(
    ("path", "org"),
    [
        ("orgs/OACME.json.db", "root"),
        ("orgs/OACME/acl/bob.json.db", "OACME"),
        ("users/bob.db", "root"),
    ],
)
def test_whose_a_file_is(path, org):
    assert org_of(path) == org


def test_the_list_of_hunts_is_made_anew_by_the_server():
    assert not is_state("hunts/index.json")
    assert not is_state("orgs/OACME/hunts/index.json.index")
    assert is_state("orgs/OACME/hunts/H.DC1TTRT7CQCGG.json.index")


def test_the_client_list_is_apart():
    assert is_client_list("orgs/OACME/client_info/snapshot.json.index")
    assert not is_state("client_info/snapshot.json")
    # As a real 0.77.2 wrote them for a user and a secret of 260 letters.
    long_names = "lfn_hashes/23d/d5e779e21/1c10bc5333d925c8233f746b0653.json.db"
    assert is_state(long_names)
    assert is_state(f"orgs/OACME/{long_names}")
    assert not is_state("lfn_hashes/x.json")
    assert not is_client_list("client_info/other.json")


def test_names_with_odd_bytes_survive_a_listing():
    listed = b"12 1795415689.5 config/secrets/AWS S3 Creds/a\nb\xff.json.db\x00"
    (file,) = parse_listing(listed)
    assert file.size == 12
    assert file.path.encode("utf-8", "surrogateescape").endswith(b"a\nb\xff.json.db")
