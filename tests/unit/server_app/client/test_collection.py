"""When a flow ends in an error: by its log, or by a limit (read in the source of a real client)."""

import pytest

from server_app.client.collection import run_task

TEN = "SELECT _value AS D FROM range(start=0, end=10)"


def ran(*queries, tmp_path=None, **limits):
    sent = []
    actions = [{"query_id": n, "Query": [{"VQL": vql}]} for n, vql in enumerate(queries, 1)]
    task = {"session_id": "F.1", "FlowRequest": {"VQLClientActions": actions, **limits}}
    report = run_task(task, {}, lambda *file: sent.append(file))
    return report, sent


def outcomes(report):
    return [
        (answer["stats"]["status"], answer["stats"]["error_message"])
        for answer in report["answers"]
    ]


def test_too_many_rows_of_all_queries_together_end_it_in_an_error():
    report, _ = ran(TEN, TEN, max_rows=15)
    limit = "Rows 20 exceeded limit 15 for flow F.1. Cancelling."
    assert outcomes(report) == [(0, ""), (10, limit)]
    assert [len(answer["rows"]) for answer in report["answers"]] == [10, 10]
    logged = [line["message"] for line in report["logs"] if line["level"] == "ERROR"]
    assert logged == [limit, "Cancelled all in-flight queries for flow F.1"]


@pytest.mark.parametrize("limits", [{}, {"max_rows": 0}, {"max_rows": 10}, {"max_rows": "10"}])
def test_as_many_as_are_allowed_are_fine(limits):
    report, _ = ran(TEN, **limits)
    assert outcomes(report) == [(0, "")]


def test_too_many_bytes_are_not_sent(tmp_path):
    file = tmp_path / "big"
    file.write_bytes(b"x" * 100)
    query = f"SELECT upload(file='{file}') AS U FROM scope()"
    report, sent = ran(query, max_upload_bytes=99)
    limit = "Upload bytes 100 exceeded limit 99 for flow F.1. Cancelling."
    assert outcomes(report) == [(10, limit)]
    stats = report["answers"][0]["stats"]
    assert (stats["uploaded_files"], stats["uploaded_bytes"], stats["result_rows"]) == (1, 100, 0)
    assert sent == []
    assert len(ran(query, max_upload_bytes=100)[1]) == 1


@pytest.mark.parametrize(
    ("query", "begin"),
    [
        ("SELECT nosuch(a=1) AS U FROM scope()", "Symbol nosuch not found. "),
        ("SELECT log(message='boo', level='ERROR') AS U FROM scope()", "boo\n"),
    ],
)
def test_the_first_error_in_its_log_is_the_flows(query, begin):
    report, _ = ran(query)
    ((status, message),) = outcomes(report)
    assert status == 10
    assert message.startswith(begin)
    assert message.endswith("\n")
    assert len(report["answers"][0]["rows"]) == 1


def test_a_complaint_that_is_no_error_fails_nothing():
    report, _ = ran("SELECT parse_json(data='x') AS U FROM scope()")
    assert outcomes(report) == [(0, "")]
