"""``recovery configure --forward`` on a running server, with a receiver that checks credentials."""

import json
import time
from dataclasses import dataclass

import pytest
import yaml
from typer.testing import CliRunner

from recovery.cli import app
from recovery.errors import RecoveryError

COLLECT = """
SELECT collect_client(client_id="server", artifacts=["Custom.Test.Words",]).flow_id AS Flow
FROM scope()
"""
WORDS = """name: Custom.Test.Words
type: SERVER
sources:
  - query: SELECT "words" AS Message FROM scope()
"""
TABLE = "SELECT get_server_monitoring() AS Table FROM scope()"


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def configure(server, *arguments, **environment):
    """The command, in this process; its errors become what the program makes of them."""
    config = str(server.folder / "server.config.yaml")
    words = ["configure", "--from", "local://", "--config", config, *map(str, arguments)]
    result = CliRunner().invoke(app, words, env=environment)
    refused = result.exception if isinstance(result.exception, RecoveryError) else None
    code = refused.exit_code if refused else result.exit_code
    return Done(code, result.stdout, f"{result.stderr}{refused or ''}")


@pytest.fixture
def credentials(tmp_path, receiver):
    """The file of each kind, and its address."""
    files = {
        "elastic": {"username": receiver.user, "password": receiver.password},
        "splunk": {"token": receiver.token},
    }
    for kind, values in files.items():
        path = tmp_path / kind
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(values))
    urls = {"elastic": receiver.url, "splunk": f"{receiver.url}/services/collector"}
    return {
        kind: ("--forward", kind, "--forward-url", urls[kind], "--credentials", tmp_path / kind)
        for kind in files
    }


@pytest.mark.parametrize("kind", ["elastic", "splunk"])
def test_results_arrive_and_no_credential_is_seen(server, receiver, credentials, kind):
    secret = receiver.password if kind == "elastic" else receiver.token

    done = configure(server, *credentials[kind], "--json")

    assert done.returncode == 0, done.stderr
    arrivals = json.loads(done.stdout)["arrivals"]
    assert [(one["org"], one["arrived"]) for one in arrivals] == [("root", True), ("OACME", True)]
    assert receiver.messages().count("recovery: a test event") >= 2
    server.query("SELECT artifact_set(definition=D).name AS A FROM scope()", D=WORDS)
    for org in ("root", "OACME"):
        server.query(COLLECT, org=org)
    until = time.monotonic() + 90
    while receiver.messages().count("words") < 2:
        assert time.monotonic() < until, receiver.documents
        time.sleep(0.2)
    names = {
        document.get("Organization", document.get("org_name")) for _, document in receiver.documents
    }
    assert "Acme" in names
    assert not receiver.refused

    table = server.query(TABLE)[0]["Table"]
    assert any(name.endswith(f"{kind.title()}.Flows.Upload") for name in table["artifacts"])
    seen = json.dumps(table) + done.stdout + done.stderr
    on_disk = b"".join(p.read_bytes() for p in server.datastore.rglob("*") if p.is_file())
    assert secret not in seen
    assert secret.encode() not in on_disk
    left = server.query("SELECT name FROM artifact_definitions() WHERE name =~ '^Custom'")
    assert "Custom.Recovery.ForwardingTest" not in {row["name"] for row in left}

    off = configure(server, "--forward", "off")
    assert off.returncode == 0, off.stderr
    assert not any("Flows.Upload" in name for name in server.query(TABLE)[0]["Table"]["artifacts"])


def test_wrong_credentials_are_a_finding_and_right_ones_mend_it(server, receiver, credentials):
    address = ("--forward", "elastic", "--forward-url", receiver.url)
    wrong = configure(
        server,
        *address,
        "--forward-org",
        "root",
        RECOVERY_FORWARD_USERNAME=receiver.user,
        RECOVERY_FORWARD_PASSWORD="wrong",
    )
    assert wrong.returncode == 1
    assert "401" in wrong.stderr
    assert not receiver.documents
    right = configure(server, *credentials["elastic"])
    assert right.returncode == 0, right.stderr
    tried = configure(server, "--forward-test")
    assert tried.returncode == 0, tried.stderr
    configure(server, "--forward", "off")


def test_a_receiver_that_refuses_the_document_is_a_finding(server, receiver, credentials):
    receiver.reject = True
    done = configure(server, *credentials["elastic"], "--forward-org", "root")
    assert done.returncode == 1
    assert "failed to parse field" in done.stderr
    configure(server, "--forward", "off")


def test_in_the_servers_own_artifact_where_it_is_asked_for(server, receiver, credentials):
    own = ("--credentials-in", "parameters", "--forward-org", "root")
    done = configure(server, *credentials["splunk"], *own)
    assert done.returncode == 0, done.stderr
    assert "Splunk.Flows.Upload" in server.query(TABLE)[0]["Table"]["artifacts"]
    configure(server, "--forward", "off")


@pytest.mark.parametrize(
    "arguments",
    [
        ("--forward", "kafka", "--forward-url", "http://127.0.0.1:1"),
        ("--forward-test",),
    ],
)
def test_bad_input_is_64(server, arguments):
    assert configure(server, *arguments).returncode == 64


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--forward-org", "NOPE"), "the server has no org NOPE"),
        (("--forward-artifacts", "^(Custom"), "not a regular expression"),
    ],
)
def test_what_the_server_would_take_without_a_word_is_refused(server, credentials, more, words):
    done = configure(server, *credentials["elastic"], *more)
    assert done.returncode == 64, done.stderr
    assert words in done.stderr
    artifacts = server.query(TABLE)[0]["Table"]["artifacts"]
    assert not any("Elastic" in artifact for artifact in artifacts)


def test_a_file_that_others_read_is_refused(server, receiver, credentials, tmp_path):
    (tmp_path / "elastic").chmod(0o644)
    done = configure(server, *credentials["elastic"])
    assert done.returncode == 64
    assert "chmod 600" in done.stderr
