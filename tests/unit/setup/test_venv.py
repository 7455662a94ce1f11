import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from setup.venv import LOCK, PROJECT, stamp


def pinned() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK.read_text(), re.MULTILINE):
        found.setdefault(canonicalize_name(name), []).append(version)
    return found


def wanted() -> list[Requirement]:
    project = tomllib.loads(PROJECT.read_text())
    lines = project["build-system"]["requires"] + project["project"]["dependencies"]
    return [
        Requirement(line) for line in lines + project["project"]["optional-dependencies"]["dev"]
    ]


def test_lock_fits_what_the_project_asks_for():
    versions = pinned()
    unmet = [
        str(each)
        for each in wanted()
        if not any(
            each.specifier.contains(v) for v in versions.get(canonicalize_name(each.name), [])
        )
    ]
    assert unmet == [], "run `make lock`"


def test_every_pin_has_a_hash_and_no_line_names_a_registry():
    entries = re.split(r"\n(?=\S)", LOCK.read_text().strip())
    assert [entry for entry in entries if "--hash=sha256:" not in entry] == []
    assert re.search(r"https?:|index-url|find-links", LOCK.read_text()) is None


def test_stamp_depends_on_each_of_its_parts():
    plain = stamp(b"lock", b"project", "3.11", "/clone")
    others = {
        stamp(b"lock2", b"project", "3.11", "/clone"),
        stamp(b"lock", b"project2", "3.11", "/clone"),
        stamp(b"lock", b"project", "3.12", "/clone"),
        stamp(b"lock", b"project", "3.11", "/moved"),
        stamp(b"lockp", b"roject", "3.11", "/clone"),
    }
    assert len(others) == 5
    assert plain not in others
    assert plain == stamp(b"lock", b"project", "3.11", "/clone")
