import json

import grpc
import pytest

from server_app.api.remote import RemoteError, remote_query
from server_app.config.keys import new_authority, new_certificate


def without_notes(logs: list[str]) -> list[str]:
    """The lines that say more than that a query runs."""
    return [line for line in logs if not line.startswith(("Starting query", "Time "))]


def test_old_api_credentials_stay_valid_but_need_their_user(api) -> None:
    """Facts: an old api.yaml answers "User not found" until that user exists again."""
    with pytest.raises(RemoteError, match="code = Unknown desc = User not found: apiuser"):
        api.ask("SELECT * FROM clients()")
    api.server.org("").users.create("apiuser", ["administrator", "api"])
    assert api.ask("SELECT * FROM clients()")[0] == []


def test_whoami_is_the_certificates_name(known_api) -> None:
    assert known_api.ask("SELECT whoami() AS w FROM scope()")[0] == [{"w": "apiuser"}]


def test_an_org_that_is_not_there(known_api) -> None:
    with pytest.raises(RemoteError, match="code = Unavailable desc = Org not found"):
        known_api.ask("SELECT 1 AS x FROM scope()", org_id="ONOPE")


def test_a_user_without_the_right_to_query(known_api) -> None:
    known_api.ask('SELECT org_create(name="Acme", org_id="OACME") FROM scope()')
    known_api.server.org("").users.create("apiuser", ["reader"])
    with pytest.raises(
        RemoteError,
        match="PermissionDenied desc = Permission denied: User apiuser requires permission "
        "ANY_QUERY to run queries",
    ):
        known_api.ask("SELECT 1 AS x FROM scope()", org_id="OACME")


def test_no_query_at_all(known_api) -> None:
    with pytest.raises(RemoteError, match=r"code = Unknown desc = Query should be specified\."):
        list(remote_query(known_api.credentials, [], env={}))


def test_a_certificate_of_another_deployment_is_not_let_in(known_api) -> None:
    certificate, key = new_authority()
    other = {"Client": {"ca_certificate": certificate}, "CA": {"private_key": key}}
    stranger = new_certificate(other, "apiuser")
    known_api.credentials.update(client_cert=stranger[0], client_private_key=stranger[1])
    with pytest.raises(RemoteError, match="code = Unavailable"):
        known_api.ask("SELECT 1 AS x FROM scope()")


def test_the_servers_name_must_be_asked_for(known_api) -> None:
    known_api.credentials["pinned_server_name"] = "127.0.0.1"
    with pytest.raises(RemoteError, match="code = Unavailable"):
        known_api.ask("SELECT 1 AS x FROM scope()")


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("SELEC", "VQL Error: "),
        ("SELECT * FROM nothing()", "ERROR:Plugin nothing not found"),
        ('SELECT * FROM backup_restore(name="none")', "backup_restore: open "),
        ('SELECT * FROM backup_restore(name="none", prefix=5, x=1)', "backup_restore: Unexpected"),
    ],
)
def test_errors_are_only_logs_and_the_status_is_ok(known_api, query: str, line: str) -> None:
    rows, logs = known_api.ask(query)
    assert rows == []
    assert without_notes(logs)[0].startswith(line)
    assert all(text.endswith("\n") for text in logs)


def test_a_server_side_timeout_is_only_a_log(known_api) -> None:
    rows, logs = known_api.ask("SELECT _value FROM range(end=1000000000) WHERE 0", timeout=1)
    assert rows == []
    assert "Timeout Error" in without_notes(logs)[0]


@pytest.mark.parametrize(
    ("max_row", "sizes"), [(0, [0, 1, 1, 1, 1, 1]), (2, [2, 2, 1]), (100, [5])]
)
def test_max_row_is_the_size_of_a_part(known_api, max_row: int, sizes: list[int]) -> None:
    answers = remote_query(
        known_api.credentials, ["SELECT _value FROM range(end=5)"], env={}, max_row=max_row
    )
    assert [len(rows) for line, rows in answers if not line] == sizes


def test_env_and_lets_go_through_all_queries_of_a_call(known_api) -> None:
    queries = ["LET a = X + 'b'", "SELECT a FROM scope()"]
    answers = remote_query(known_api.credentials, queries, env={"X": "a"})
    assert [rows for line, rows in answers if not line] == [[{"a": "ab"}]]


def test_a_query_uses_the_org_it_names(known_api) -> None:
    known_api.ask('SELECT org_create(name="Acme", org_id="OACME") FROM scope()')
    known_api.ask(
        'SELECT user_create(user="apiuser", roles=["administrator","api"], orgs=["root","OACME"]) '
        "FROM scope()"
    )
    rows, _ = known_api.ask("SELECT org().id AS id, org().name AS n FROM scope()", org_id="OACME")
    assert rows == [{"id": "OACME", "n": "Acme"}]


def test_more_than_four_megabytes_needs_a_larger_limit(known_api) -> None:
    """Facts: raise the client's 4 MiB receive limit."""
    query = 'SELECT "12345678" * 700000 AS x FROM scope()'
    with pytest.raises(RemoteError, match="code = ResourceExhausted"):
        known_api.ask(query)
    known_api.credentials["max_grpc_recv_size"] = 100_000_000
    rows, _ = known_api.ask(query)
    assert len(rows[0]["x"]) == 5_600_000


def test_a_client_that_goes_away_ends_its_query(known_api) -> None:
    answers = remote_query(
        known_api.credentials, ["SELECT * FROM range(end=1000000000)"], env={}, max_row=1
    )
    assert next(rows for line, rows in answers if not line) == [{"_value": 0}]
    answers.close()
    assert known_api.ask("SELECT 1 AS x FROM scope()")[0] == [{"x": 1}]


def test_pyvelociraptor_works_as_it_is(known_api) -> None:
    api_pb2 = pytest.importorskip("pyvelociraptor.api_pb2")
    api_pb2_grpc = pytest.importorskip("pyvelociraptor.api_pb2_grpc")
    config = known_api.credentials
    credentials = grpc.ssl_channel_credentials(
        root_certificates=config["ca_certificate"].encode(),
        private_key=config["client_private_key"].encode(),
        certificate_chain=config["client_cert"].encode(),
    )
    options = (("grpc.ssl_target_name_override", "VelociraptorServer"),)
    with grpc.secure_channel(config["api_connection_string"], credentials, options) as channel:
        stub = api_pb2_grpc.APIStub(channel)
        request = api_pb2.VQLCollectorArgs(
            max_wait=1, max_row=100,
            Query=[api_pb2.VQLRequest(Name="Test", VQL="SELECT X FROM scope()")],
            env=[api_pb2.VQLEnv(key="X", value="y")],
        )  # fmt: skip
        answers = list(stub.Query(request))
        with pytest.raises(grpc.RpcError) as refused:
            stub.VFSGetBuffer(api_pb2.VFSFileBuffer(components=["config", "x"], length=10))
    assert [json.loads(item.Response) for item in answers if item.Response] == [[{"X": "y"}]]
    assert refused.value.code() == grpc.StatusCode.PERMISSION_DENIED
    assert refused.value.details() == "No access to filesystem path"


def test_a_part_is_sent_though_there_are_no_rows_and_its_log_line_goes_before(known_api) -> None:
    """As seen on a real server, message by message."""
    answers = remote_query(
        known_api.credentials, ["SELECT _value FROM range(end=0)"], env={}, max_row=10
    )
    assert list(answers) == [
        ("Starting query execution.\n", []),
        ("Time 0: : Sending response part 0 2 B (0 rows).\n", []),
        ("", []),
    ]


def test_a_message_above_four_megabytes_is_refused(known_api) -> None:
    """A real server leaves gRPC's default as it is (read in its source)."""
    query = "SELECT len(list=Text) AS N FROM scope()"
    assert known_api.ask(query, env={"Text": "x" * 4_100_000})[0] == [{"N": 4_100_000}]
    with pytest.raises(RemoteError, match="code = ResourceExhausted"):
        known_api.ask(query, env={"Text": "x" * (4 << 20)})
