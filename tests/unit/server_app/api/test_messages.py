"""The messages are those of pyvelociraptor's own stubs, byte for byte."""

import pytest

pytest.importorskip("pyvelociraptor")

from pyvelociraptor import api_pb2

from server_app.api import messages


def test_a_request_of_the_real_client_is_understood() -> None:
    theirs = api_pb2.VQLCollectorArgs(
        Query=[api_pb2.VQLRequest(Name="n", VQL="SELECT 1 FROM scope()")],
        env=[api_pb2.VQLEnv(key="k", value="ä")],
        max_row=1000,
        max_wait=10,
        ops_per_second=1.5,
        timeout=60,
        org_id="OACME",
    )
    ours = messages.VQLCollectorArgs.FromString(theirs.SerializeToString())
    assert (ours.Query[0].Name, ours.Query[0].VQL) == ("n", "SELECT 1 FROM scope()")
    assert (ours.env[0].key, ours.env[0].value) == ("k", "ä")
    assert (ours.max_row, ours.max_wait, ours.timeout, ours.org_id) == (1000, 10, 60, "OACME")
    assert ours.ops_per_second == 1.5
    assert ours.SerializeToString() == theirs.SerializeToString()


def test_an_answer_is_understood_by_the_real_client() -> None:
    ours = messages.VQLResponse(
        Response='[{"a":1}]', Columns=["a"], timestamp=1795415761551770, query_id=1, part=2,
        total_rows=3, log="ERROR:x\n", Query=messages.VQLRequest(VQL="q"),
    )  # fmt: skip
    theirs = api_pb2.VQLResponse.FromString(ours.SerializeToString())
    assert (theirs.Response, list(theirs.Columns)) == ('[{"a":1}]', ["a"])
    assert (theirs.timestamp, theirs.query_id, theirs.part) == (1795415761551770, 1, 2)
    assert (theirs.total_rows, theirs.log, theirs.Query.VQL) == (3, "ERROR:x\n", "q")


def test_a_buffer_goes_both_ways() -> None:
    theirs = api_pb2.VFSFileBuffer(
        client_id="C.1", offset=5, length=7, data=b"\0\xff", components=["a", "b"], org_id="O"
    )
    ours = messages.VFSFileBuffer.FromString(theirs.SerializeToString())
    assert ours.SerializeToString() == theirs.SerializeToString()
    assert list(ours.components) == ["a", "b"]
