import pytest

from setup import reference_server
from setup.reference_server import builder_packages


@pytest.mark.parametrize(
    ("objdump", "python", "expected"),
    [
        (None, "/usr/bin/python3.11", ["binutils", "libpython3.11"]),
        ("/usr/bin/objdump", "/usr/bin/python3.11", ["libpython3.11"]),
        ("/usr/bin/objdump", "/opt/python/bin/python3.12", []),
    ],
)
def test_what_the_builder_needs_of_debian(objdump, python, expected):
    assert builder_packages(objdump, python) == expected


def test_a_server_that_was_removed_is_not_named(tmp_path, monkeypatch):
    monkeypatch.setattr(reference_server, "note", lambda: tmp_path / "note")
    assert reference_server.recorded() is None
    built = tmp_path / "velociraptor"
    (tmp_path / "note").write_text(f"{built}\n")
    assert reference_server.recorded() is None
    built.touch()
    assert reference_server.recorded() == built
