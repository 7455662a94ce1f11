"""Where a recovery was cut off, from what it left on its machine."""

import shlex
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from recovery.cli import app
from recovery.restore import cut_off as module
from recovery.restore import journal as journal_module
from recovery.restore.context import Context
from recovery.restore.cut_off import Left, command, cut_off, step_cut_off
from recovery.restore.journal import Journal
from recovery.restore.request import Outcome, parse_request
from recovery.restore.run_group import STEPS

PACKAGE, DATASTORE, STATE, START, BACKUP = (STEPS["server"][number].name for number in range(3, 8))
ARCHIVES = STEPS["collections"][1].name
WHOLE = SimpleNamespace(state=["one"], archives=["one"])


@pytest.mark.parametrize(
    ("strategy", "done", "held", "step"),
    [
        ("state,collections", "", True, PACKAGE),
        ("state,collections", "", False, PACKAGE),
        ("state,collections", PACKAGE, True, STATE),
        ("datastore", PACKAGE, True, DATASTORE),
        ("datastore", f"{PACKAGE},{DATASTORE}", True, STATE),
        ("state,collections", f"{PACKAGE},{STATE}", True, START),
        ("redeploy", PACKAGE, True, START),
        ("state,collections", f"{PACKAGE},{STATE}", False, ARCHIVES),
        ("backup,collections", f"{PACKAGE},{STATE}", False, BACKUP),
        ("state,backup,collections", f"{PACKAGE},{STATE}", False, ARCHIVES),
        ("backup,collections", f"{PACKAGE},{STATE},{BACKUP}", False, ARCHIVES),
        ("backup", f"{PACKAGE},{STATE},{BACKUP}", False, ""),
        ("redeploy", PACKAGE, False, ""),
        ("state,collections", f"{PACKAGE},{STATE},{ARCHIVES}", False, ""),
    ],
)
def test_the_first_step_that_is_not_done_is_named(strategy, done, held, step):
    left = Left({*done.split(",")} - {""}, held, 0)
    assert step_cut_off(strategy.split(","), left, WHOLE) == step
    assert step_cut_off(strategy.split(","), left, None) == step


def test_what_the_point_has_not_got_is_not_waited_for():
    little = SimpleNamespace(state=[], archives=[])
    left = Left({PACKAGE}, held=True, unfinished=0)
    assert step_cut_off(["state", "collections"], left, little) == START
    left = left._replace(held=False)
    assert step_cut_off(["state", "collections"], left, little) == ""


def test_an_import_that_was_cut_off_later_on_is_one_all_the_same():
    left = Left({PACKAGE, STATE, ARCHIVES}, held=False, unfinished=3)
    assert step_cut_off(["state", "collections"], left, WHOLE) == ARCHIVES


def test_the_command_is_one_that_can_be_typed():
    wanted = {"orgs": ["OA", "OB"], "hunts": ["H.1*"], "flows_since": "2026-11-01T00:00:00Z"}
    begun = {"point": "P", "strategy": ["backup", "collections"], "wanted": wanted}
    begun |= {"policy": "/srv/an approval.json"}
    words = shlex.split(command(begun, "ssh://root@192.0.2.7", "/the vault"))
    assert words[:6] == [
        "recovery",
        "restore",
        "--to",
        "ssh://root@192.0.2.7",
        "--vault",
        "/the vault",
    ]
    assert words[words.index("--accounts") + 1] == "/srv/an approval.json"
    assert [words[at + 1] for at, word in enumerate(words) if word == "--org"] == ["OA", "OB"]
    words[words.index("--to") + 1] = "nowhere://x"  # understood up to the machine
    done = CliRunner().invoke(app, words[1:])
    assert "nowhere" in str(done.exception or done.output)
    assert "No such option" not in done.output


def test_it_is_read_from_the_machine_and_nothing_is_changed_there(tmp_path, monkeypatch):
    for room, name, file in (
        (journal_module, "PATH", "journal.jsonl"),
        (module, "HOLD", "hold"),
        (module, "LOCK", "lock"),
    ):
        monkeypatch.setattr(room, name, str(tmp_path / file))
    with Context(parse_request(target="local://"), print) as context:
        assert cut_off(context) == []
        journal = Journal(context.target, "P1", "", {"orgs": ["OA"]})
        journal.note_begun(["state"], "known")
        journal.add(Outcome(step=PACKAGE, status="done"))
        (tmp_path / "hold").touch()
        before = sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir())
        (said,) = cut_off(context)
        assert sorted((path.name, path.read_bytes()) for path in tmp_path.iterdir()) == before
        assert f"P1 on this machine was cut off at '{STATE}'; its service is held" in said
        assert said.endswith(
            "`recovery restore --to local:// --vault VAULT --point P1 --strategy state "
            "--accounts known --org OA`"
        )
        (tmp_path / "hold").unlink()
        journal.add(Outcome(step=STATE, status="done"))
        assert cut_off(context) == []
