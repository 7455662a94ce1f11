from datetime import UTC, datetime

import pytest

from recovery.standby.pull import failure, parse_pulled
from recovery.standby.status import Side, Status, parse_last, shortfalls, write_prometheus
from recovery.standby.try_copy import trial_config
from recovery.standby.watch import may_promote
from recovery.velociraptor.config import ServerConfig

NOW = datetime(2026, 1, 1, tzinfo=UTC)
RECORD = {"began": 100, "ended": 103, "files": 7, "facts": {"clients": 5, "epoch": 2}}


def side(uri, **more):
    given = {"reached": True, "service": "inactive", "role": "spare"} | more
    return Side(uri, **given)


def status(serves=None, spare=None):
    made = Status(
        2,
        NOW,
        serves or side("ssh://a", service="active", role="active"),
        spare or side("ssh://b", last=parse_last(RECORD, 110), checked={"usable": True}),
    )
    made.lag = made.spare.last.age if made.spare.last else None
    return made


def test_all_is_well():
    assert shortfalls(status(), 60) == []


def test_the_age_is_the_spares_own_clock_alone():
    assert parse_last(RECORD, 110).age == 10
    assert parse_last(RECORD, 90).age == 0


def test_two_that_serve_are_the_first_thing_said():
    found = shortfalls(status(spare=side("ssh://b", service="active")), 60)
    assert found[0].startswith("BOTH machines serve")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (status(serves=side("ssh://a", reached=False, trouble="no route")), "can't be reached"),
        (status(serves=side("ssh://a", service="failed")), "does not serve (failed)"),
        (status(serves=side("ssh://a", service="failed")), "--to 'ssh://a' this one starts again"),
        (status(spare=side("ssh://b", free=2_000_000)), "disk is full: 2 MB are free"),
        (status(spare=side("ssh://b")), "no copy yet"),
        (status(spare=side("ssh://b", last=parse_last(RECORD, 400))), "the copy is 300 s old"),
        (
            status(
                spare=side(
                    "ssh://b",
                    last=parse_last(RECORD, 110),
                    checked={"usable": False, "says": "why"},
                )
            ),
            "NOT USABLE: why",
        ),
        (status(spare=side("ssh://b", skew=-42.0, last=parse_last(RECORD, 110))), "-42 s off"),
    ],
)
def test_what_falls_short_is_named(made, words):
    assert any(words in line for line in shortfalls(made, 60))


def test_monitoring_gets_the_lag(tmp_path):
    write_prometheus(status(), tmp_path / "x.prom")
    text = (tmp_path / "x.prom").read_text()
    assert "velociraptor_standby_lag_seconds 10.0" in text
    assert "velociraptor_standby_copy_usable 1.0" in text


def test_the_numbers_of_rsync():
    said = b"torn 1\nx\nNumber of files: 1,234 (reg: 1,000, dir: 234)\nNumber of deleted files: 3\n"
    pulled = parse_pulled(
        said + b"Number of regular files transferred: 12\nTotal file size: 9,999\n"
    )
    assert (pulled.files, pulled.sent, pulled.deleted, pulled.bytes) == (1234, 12, 3, 9999)
    assert pulled.torn == 1
    assert parse_pulled(b"").files == 0


@pytest.mark.parametrize(
    ("code", "words", "hint"),
    [
        (11, "write failed", "make space"),
        (12, "No space left on device", "make space"),
        (25, "max delete", "is its datastore mounted"),
        (76, "this machine is no spare", "makes it a spare again"),
        (255, "Permission denied", "can't log in"),
    ],
)
def test_a_failed_sync_says_what_to_do(code, words, hint):
    assert hint in failure(code, words, "ssh://b").hint


def test_nobody_is_promoted_beside_a_server_that_may_serve():
    assert may_promote(reached=True, guard_seconds=0, noted=None)
    assert may_promote(reached=False, guard_seconds=180, noted=170)
    assert not may_promote(reached=False, guard_seconds=180, noted=None)
    assert not may_promote(reached=False, guard_seconds=0, noted=None)


def test_a_trial_reaches_nobody():
    values = {
        "Client": {"server_urls": ["https://velo.example:8000/"]},
        "Frontend": {"bind_address": "0.0.0.0", "run_as_user": "velociraptor"},  # noqa: S104
        "GUI": {"authenticator": {"type": "oidc", "oidc_issuer": "https://login.example"}},
        "Datastore": {"location": "/ds"},
        "API": {},
        "autocert_cert_cache": "/etc/cache",
    }
    text = trial_config(ServerConfig(b"", values)).decode()
    assert "0.0.0.0" not in text  # noqa: S104
    assert "velo.example" not in text
    assert "login.example" not in text
    assert "autocert" not in text
    assert "/ds\n" in text
    assert "location: /ds" not in text
