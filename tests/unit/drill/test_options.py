from pathlib import Path

import pytest

from recovery.drill.options import budget, parse_options
from recovery.drill.plan import plan
from recovery.errors import BadInputError


def test_on_the_aws_double_the_steps_come_by_ssh():
    options = parse_options(on="aws-double")
    assert (options.on, options.connect) == ("aws-double", "ssh")
    with pytest.raises(BadInputError, match="can't drill on 'aws'"):
        parse_options(on="aws")
    with pytest.raises(BadInputError, match="on docker only"):
        parse_options(on="aws-double", scenario="fixtures")


def test_usual_options():
    options = parse_options()
    assert options.strategy == ("state", "collections")
    assert (options.rto, options.rpo, options.connect) == (600, 86400, "docker")
    assert options.image


def test_the_fixtures_are_restored_from_their_backup():
    assert parse_options(scenario="fixtures").strategy == ("backup", "collections")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("24h", 86400),
        ("1d12h", 129600),
        ("2w", 1209600),
    ],
)
def test_budgets(text, seconds):
    assert budget(text, "--rto").total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "10", "m", "1.5h", "-1h", "10 m", "1h30", "10mx"])
def test_what_is_no_length_of_time_is_refused(text):
    with pytest.raises(BadInputError) as refused:
        budget(text, "--rto")
    assert refused.value.target == "--rto"
    assert "1h30m" in refused.value.hint


@pytest.mark.parametrize(
    ("given", "target"),
    [
        ({"scenario": "storm"}, "--scenario"),
        ({"connect": "telnet"}, "--connect"),
        ({"strategy": "state,everything"}, "strategy"),
        ({"scenario": "fixtures", "strategy": "datastore"}, "--strategy"),
        ({"scenario": "fixtures", "strategy": "state"}, "--strategy"),
        ({"rpo": "soon"}, "--rpo"),
    ],
)
def test_bad_options_are_refused_by_name(given, target):
    with pytest.raises(BadInputError) as refused:
        parse_options(**given)
    assert refused.value.target == target
    assert refused.value.hint
    assert refused.value.exit_code == 64


@pytest.mark.parametrize("option", ["report", "junit"])
def test_a_report_that_can_not_be_written_is_known_beforehand(option, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInputError, match="nothing can be written"):
        parse_options(**{option: tmp_path / "file" / "in" / "it"})


def test_the_plan_names_what_would_be_made(tmp_path):
    binary = tmp_path / "velociraptor"
    lines = plan(parse_options(server_binary=binary, strategy="redeploy", connect="ssh", rto="5m"))
    text = "\n".join(lines)
    for word in (str(binary), "strategy redeploy", "by ssh", "RTO 5 min", "3 endpoints", "2 of"):
        assert word in text
    assert lines[-1] == "remove everything again"
    assert plan(parse_options(keep=True))[-1] == "keep the containers"
    assert "0.77.2" not in "\n".join(plan(parse_options(scenario="fixtures")))
    assert list(tmp_path.iterdir()) == []
    assert Path.cwd().exists()


def test_a_hot_spare_is_rehearsed_over_ssh():
    options = parse_options(standby=True)
    assert (options.scenario, options.connect) == ("standby", "ssh")
    assert "datastore" in options.strategy


def test_a_complete_copy_can_be_rehearsed():
    assert parse_options(strategy="datastore").strategy == ("datastore",)
