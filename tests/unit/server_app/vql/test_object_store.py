"""upload_s3(): the signature of the protocol's own documentation, then a server that speaks it."""

import datetime as dt
from collections.abc import Iterator

import boto3
import pytest

from server_app.plugins.object_store import Destination, sign

moto_server = pytest.importorskip("moto.server")


def test_the_documented_signature() -> None:
    """Example "PUT Object" of AWS's page on signing by the Authorization header."""
    headers = {
        "Date": "Fri, 24 May 2013 00:00:00 GMT",
        "Host": "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        "x-amz-storage-class": "REDUCED_REDUNDANCY",
    }
    target = Destination(True, "examplebucket.s3.amazonaws.com", "/test%24file.text", "us-east-1")
    now = dt.datetime(2013, 5, 24, tzinfo=dt.UTC)
    sign(headers, target, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", now)
    assert headers["Authorization"].endswith(
        "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class,"
        "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
    )


@pytest.mark.parametrize(
    ("given", "host", "path"),
    [
        ({"endpoint": ""}, "b.s3.eu-west-1.amazonaws.com", "/a%20b/%C3%A4.zip"),
        ({"endpoint": "", "path_style": True}, "s3.eu-west-1.amazonaws.com", "/b/a%20b/%C3%A4.zip"),
        ({"endpoint": "http://h:1/"}, "h:1", "/b/a%20b/%C3%A4.zip"),
    ],
)
def test_where_an_object_goes(given: dict, host: str, path: str) -> None:
    full = {"region": "eu-west-1", "bucket": "b", "path_style": False, **given}
    target = Destination.of(full, "a b/ä.zip")
    assert (target.host, target.path) == (host, path)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str) -> Iterator[object]:
    store = boto3.resource(
        "s3", endpoint_url=endpoint, region_name="us-east-1",
        aws_access_key_id="key", aws_secret_access_key="secret",
    )  # fmt: skip
    yield store.create_bucket(Bucket="velo-dr")
    store.meta.client.close()


UPLOAD = """
SELECT upload_s3(bucket=B, region="us-east-1", credentials_key="key", credentials_secret="secret",
   endpoint=E, path_style=TRUE, accessor="data", file="hello", name=N, s3upload_root=R) AS u
FROM scope()
"""


def test_an_upload_arrives(ask, endpoint: str, bucket) -> None:
    rows, logs = ask(UPLOAD, B="velo-dr", E=endpoint, N="a b.txt", R="dr/")
    assert rows == [{"u": {"Path": "", "Size": 5, "UploadId": 0}}]
    assert logs[-1] == "upload_S3: Uploading dr/a b.txt to velo-dr"
    assert bucket.Object("dr/a b.txt").get()["Body"].read() == b"hello"


def test_a_bucket_that_is_missing_is_an_error_in_the_row(ask, endpoint: str) -> None:
    rows, logs = ask(UPLOAD, B="nosuchbucket", E=endpoint, N="x", R="")
    said = "The specified bucket does not exist"
    assert rows == [{"u": {"Path": "", "Size": 0, "Error": said, "UploadId": 0}}]
    assert logs[-1] == f"upload_S3: {said}"


def test_a_server_that_is_down_is_an_error_in_the_row(ask) -> None:
    rows, _ = ask(UPLOAD, B="bucket", E="http://127.0.0.1:1", N="x", R="")
    assert rows[0]["u"]["Error"] == (
        'Get "http://127.0.0.1:1/bucket/?location=": dial tcp 127.0.0.1:1: '
        "connect: connection refused"
    )


def test_a_file_that_cannot_be_opened_gives_null(ask, endpoint: str) -> None:
    query = 'SELECT upload_s3(file="/no/such", bucket="b", endpoint=E) AS u FROM scope()'
    rows, logs = ask(query, E=endpoint)
    assert rows == [{"u": None}]
    assert logs[-1].startswith("upload_S3: Unable to open /no/such: ")


def test_a_stored_secret_is_used_by_those_it_is_shared_with(
    ask_server, endpoint: str, bucket
) -> None:
    ask_server('SELECT user_create(user="bob", roles="administrator") FROM scope()')
    add = (
        'SELECT secret_add(name="S3Token", type="AWS S3 Creds", secret=dict(region="us-east-1", '
        'credentials_key="key", credentials_secret="secret", endpoint=E)) AS r FROM scope()'
    )
    assert ask_server(add, user="bob", E=endpoint)[0] == [{"r": "S3Token"}]
    upload = (
        'SELECT upload_s3(secret="S3Token", bucket="velo-dr", accessor="data", file="x", '
        'name="by-secret", path_style=TRUE) AS u FROM scope()'
    )
    rows, logs = ask_server(upload, user="bob")
    assert rows == [{"u": None}]
    assert logs[-1].startswith("upload_S3: ")
    share = (
        'SELECT secret_modify(name="S3Token", type="AWS S3 Creds", add_users=["bob"]) FROM scope()'
    )
    ask_server(share, user="bob")
    rows, _ = ask_server(upload, user="bob")
    assert rows == [{"u": {"Path": "", "Size": 1, "UploadId": 0}}]
    assert bucket.Object("by-secret").get()["Body"].read() == b"x"
