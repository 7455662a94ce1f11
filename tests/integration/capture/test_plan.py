"""``recovery plan`` measures a running server, and names what each strategy would lose."""

import json
import subprocess
import sys

import yaml


def plan(server, *arguments):
    return subprocess.run(
        [
            *(sys.executable, "-m", "recovery", "plan", "--measure", "local://"),
            *("--config", str(server.folder / "server.config.yaml"), *arguments),
        ],
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_running_server_is_measured_and_the_choice_written_down(server, tmp_path):
    chosen = tmp_path / "Pulumi.chosen.yaml"
    wishes = ("--keep", "labels,hunts,collections:30d", "--vault", "s3://vault/prefix")
    done = plan(server, *wishes, "--json", "--write", str(chosen))
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)

    on_disk = [path for path in server.datastore.rglob("*") if path.is_file()]
    assert abs(found["sizes"]["files"] - len(on_disk)) < len(on_disk) / 10
    assert found["sizes"]["flow_count"] >= 4
    assert found["sizes"]["flows"] > 0
    rows = {row["strategy"]: row for row in found["rows"]}
    assert server.client in rows["redeploy"]["lost"]["clients"]
    assert rows["backup"]["lost"]["passwords"] == rows["redeploy"]["lost"]["users"]
    assert "alice" in rows["backup"]["lost"]["passwords"]
    assert rows["state"]["lost"].keys() >= {"flows", "uploads"}
    assert rows["redeploy"]["lost"]["orgs"] == ["OACME (Acme)"]
    assert any("Custom.Test.Rows" in name for name in rows["redeploy"]["lost"]["artifacts"])
    assert found["recommended"] == "state,collections"
    assert rows["state,collections"]["stored"] > rows["state"]["stored"] > 0
    assert rows["state,collections"]["dollars"] is not None
    config = yaml.safe_load(chosen.read_text())["config"]
    assert config["recovery:strategy"] == "state,collections"


def test_the_table_says_what_is_lost_and_what_lacks(server):
    done = plan(server, "--keep", "everything", "--rto", "1s")
    assert done.returncode == 1
    assert "none gives all that was asked" in done.stdout
    assert "state,collections lacks: running flows, client events" in " ".join(done.stdout.split())


def test_the_price_is_shown_on_a_narrow_terminal(server):
    priced = ("--vault", "s3://vault/prefix", "--storage-price", "120000")
    line = next(row for row in plan(server, *priced).stdout.splitlines() if row[2:7] == "state")
    now, _, then = line.split()[-1].partition("–")
    assert float(now) < float(then)


def test_a_silent_server_has_a_hint(server, tmp_path):
    """Its API is somewhere else than its config says: as if it were stopped."""
    values = yaml.safe_load((server.folder / "server.config.yaml").read_text())
    values["API"]["bind_port"] = 1
    other = tmp_path / "config.yaml"
    other.write_text(yaml.safe_dump(values))
    done = plan(server, "--config", str(other))
    assert done.returncode == 2
    assert "next: does the server run there?" in done.stderr
    missing = plan(server, "--config", str(tmp_path / "none.yaml"))
    assert missing.returncode == 2
    assert "next: is the server installed there?" in missing.stderr
