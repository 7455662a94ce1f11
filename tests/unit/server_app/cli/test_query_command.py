import json
from pathlib import Path

import pytest

ROWS = "SELECT _value AS v, 'a,b' AS t FROM range(end=2)"


def test_json_is_an_array_a_part_of_ten_rows(run) -> None:
    assert run("query", ROWS).out == (
        '[\n {\n  "v": 0,\n  "t": "a,b"\n },\n {\n  "v": 1,\n  "t": "a,b"\n }\n]'
    )
    decoder, text, sizes = json.JSONDecoder(), run("query", "SELECT 1 FROM range(end=25)").out, []
    while text.strip():
        part, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        sizes.append(len(part))
    assert sizes == [10, 10, 5]


def test_other_formats(run) -> None:
    lines = run("query", "--format", "jsonl", ROWS).out.splitlines()
    assert [json.loads(line) for line in lines] == [{"v": 0, "t": "a,b"}, {"v": 1, "t": "a,b"}]
    assert run("query", ROWS, "--format=csv").out == 'v,t\n0,"a,b"\n1,"a,b"\n'
    text = run("query", ROWS, "--format", "text").out
    assert "| v |  t  |" in text
    assert run("query", ROWS, "--format", "xml").code == 1


def test_env_and_several_queries(run) -> None:
    done = run(
        "query", "--env", "X=a=b", "--format", "jsonl", "LET y = X + '!'", "SELECT y FROM scope()"
    )
    assert done.out == '{"y":"a=b!"}\n'
    assert run("query", "--env", "nonsense", ROWS).code == 1


def test_queries_from_files_and_output_to_one(run, tmp_path: Path) -> None:
    file, target = tmp_path / "q.vql", tmp_path / "out"
    file.write_text("SELECT 1 AS x\nFROM scope()\n")
    done = run("query", "-f", file, "--format", "jsonl", "--output", target)
    assert (done.code, done.out) == (0, "")
    assert target.read_text() == '{"x":1}\n'
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_query_with_an_error_in_its_log_ends_with_1(run) -> None:
    """As a real server's program does on its own; over the API the code is 0."""
    done = run("query", "SELECT 1 AS x, nothing FROM scope()")
    assert (done.code, json.loads(done.out)) == (1, [{"x": 1, "nothing": None}])
    assert done.err.splitlines()[0].startswith("[ERROR] ")
    last = done.err.splitlines()[-1]
    assert last.startswith("velociraptor: error: query: Symbol nothing not found.")


def test_a_query_that_fails_otherwise_ends_with_0_and_says_nothing(run) -> None:
    done = run("query", "SELECT * FROM parse_jsonl(filename='/no/such/file')")
    assert (done.code, done.out, done.err) == (0, "", "")


def test_orgs_are_seen_beside_the_datastore(run, config: Path) -> None:
    done = run("--config", config, "query", "SELECT Name, OrgId FROM orgs()")
    assert json.loads(done.out) == [{"Name": "<root>", "OrgId": "root"}]
    assert "\\u003croot" in done.out


@pytest.mark.parametrize("plugin", ["clients()", 'backup_restore(name="x")', "hunts()"])
def test_without_an_api_server_plugins_do_nothing(run, config: Path, plugin: str) -> None:
    """Facts: without an API, clients() and backup_restore() do nothing and exit 0."""
    done = run("--config", config, "query", f"SELECT * FROM {plugin}")
    assert (done.code, done.out, done.err) == (0, "", "")
    loud = run("--config", config, "-v", "query", f"SELECT * FROM {plugin}")
    assert "Command can only run on the server" in loud.err


def test_what_is_no_query_is_refused_here(run) -> None:
    done = run("query", "SELEC")
    assert done.code == 1
    assert "Unable to parse VQL Query" in done.err


def test_a_server_that_is_down(run) -> None:
    recorded = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2" / "api.yaml"
    done = run("--api_config", recorded, "query", ROWS)
    assert (done.code, done.out) == (1, "")
    assert "rpc error: code = Unavailable" in done.err
