"""Files that the config names: which, and what may be in them."""

import io
import zipfile

import pytest

from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.named_files import (
    NamedPlace,
    definitions_in,
    named_places,
    place_of,
    wrong_content,
)

BLOCK = b"-----BEGIN CERTIFICATE-----\nMIIB+/==\n-----END CERTIFICATE-----\n"
CERTIFICATE = NamedPlace("Frontend.tls_certificate_filename", "/etc/tls/a.pem", "certificate")
FOLDER = NamedPlace("Frontend.artifact_definitions_directory", "/srv/d", "definitions")
CACHE = NamedPlace("autocert_cert_cache", "/var/lib/velociraptor", "cache")


def places(**values):
    return named_places(ServerConfig(b"", values))


def test_every_setting_that_names_a_file_is_known_and_each_place_comes_once():
    found = places(
        Frontend={
            "tls_certificate_filename": "/etc/tls/a.pem",
            "tls_private_key_filename": "/etc/tls/../tls/b.pem",
            "artifact_definitions_directory": "/srv/d/",
        },
        defaults={"artifact_definitions_directories": ["/srv/d", "//srv/e"]},
        autocert_cert_cache="/var/cache/acme",
    )
    assert [(place.path, place.kind) for place in found] == [
        ("/etc/tls/a.pem", "certificate"),
        ("/etc/tls/b.pem", "certificate"),
        ("/srv/d", "definitions"),
        ("/srv/e", "definitions"),
        ("/var/cache/acme", "cache"),
    ]


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"Frontend": None, "defaults": []},
        {"Frontend": {"tls_certificate_filename": "", "artifact_definitions_directory": "/"}},
        {"Frontend": {"artifact_definitions_directory": "relative"}, "autocert_cert_cache": 7},
    ],
)
def test_what_names_no_place_is_left(values):
    assert places(**values) == []


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("/etc/tls/a.pem", CERTIFICATE),
        ("/srv/d/a.yaml", FOLDER),
        ("/srv/d/below/a.yml", FOLDER),
        ("/srv/d", FOLDER),
        ("/var/lib/velociraptor/acme_account+key", CACHE),
        ("/var/lib/velociraptor/clients/x", None),
        ("/srv/d/a.txt", None),
        ("/srv/d/../x.yaml", None),
        ("/srv/d//x.yaml", None),
        ("/srv/d/a\n.yaml", None),
        ("/srv/data/a.yaml", None),
        ("/etc/tls/a.pem/x", None),
    ],
)
def test_a_file_belongs_to_the_place_where_a_server_reads_it(path, place):
    assert place_of([CERTIFICATE, FOLDER, CACHE], path) == place


@pytest.mark.parametrize(
    "content",
    [
        BLOCK,
        BLOCK * 3,
        b"Bag Attributes\n    localKeyID: 01 02\nsubject=CN = x\n\nissuer=CN = y\n" + BLOCK,
        b"# my chain\r\n" + BLOCK.replace(b"\n", b"\r\n"),
        b"-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n" + BLOCK,
    ],
)
def test_pem_is_pem_with_the_words_that_programs_put_before_it(content):
    assert wrong_content(CERTIFICATE, CERTIFICATE.path, content) == ""


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"#!/bin/sh\nid\n" + BLOCK,
        b"* * * * * root id\n" + BLOCK,
        b"ssh-ed25519 AAAA x\n" + BLOCK,
        BLOCK + b"root::0:0::/:\n",
        BLOCK[:-10],
    ],
)
def test_whatever_else_is_in_it_is_no_pem(content):
    assert wrong_content(CERTIFICATE, CERTIFICATE.path, content) == "no certificate or key in PEM"


def test_definitions_are_known_by_their_name_and_zips_by_being_some():
    assert wrong_content(FOLDER, "/srv/d/a.yaml", b"name: A.B\nsources: []\n") == ""
    for bad in (b"network: {}", b"name: [", b"- 1", b"\xff\xfe", b"", b"name: 1"):
        assert wrong_content(FOLDER, "/srv/d/a.yaml", bad) == "no artifact definition"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("a.yaml", "name: A")
    assert wrong_content(FOLDER, "/srv/d", packed.getvalue()) == ""
    assert wrong_content(FOLDER, "/srv/d", b"x") == "neither a folder nor a zip"
    with zipfile.ZipFile(packed, "a") as out:
        out.writestr("../b.yaml", "name: B")
    wrong = wrong_content(FOLDER, "/srv/d", packed.getvalue())
    assert wrong.startswith("a zip that holds a path outside of where it is unpacked")


def test_the_definitions_among_them_are_found_in_zips_too():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as out:
        out.writestr("deep/a.yaml", "name: A")
        out.writestr("readme.txt", "name: B")
        out.writestr("c.yaml", "name: C")
    damaged = packed.getvalue().replace(b"name: C", b"name: X")
    files = {"/srv/z": damaged, "/srv/d/e.yml": b"name: E", "/etc/tls/cert.pem": BLOCK}
    assert dict(definitions_in(files)) == {
        "/srv/z/deep/a.yaml": "name: A",
        "/srv/d/e.yml": "name: E",
    }
