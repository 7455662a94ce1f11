import pytest

from recovery.errors import BadInputError
from recovery.forwarding.kinds import receiver

URL = "https://elastic.example:9200"


def test_an_elastic_cluster_by_name_and_password():
    made = receiver("elastic", f"{URL}, {URL}1", {"username": "velo", "password": "s3cret"})
    assert made.values["addresses"] == f"{URL}\n{URL}1"
    assert made.where == f"{URL}, {URL}1"
    assert "s3cret" not in repr(made)


def test_splunk_has_an_index_since_the_server_wants_one():
    assert receiver("splunk", "http://s:8088/x", {"token": "t"}).values["index"] == "velociraptor"


def test_switches_are_words_of_the_servers_own():
    values = receiver("elastic", URL, {"api_key": "k", "skip_verify": True}).values
    assert values["skip_verify"] == "Y"


@pytest.mark.parametrize(
    ("kind", "url", "given"),
    [
        ("kafka", URL, {"token": "t"}),
        ("elastic", "", {"api_key": "k"}),
        ("elastic", "elastic.example:9200", {"api_key": "k"}),
        ("elastic", "https://velo:s3cret@elastic.example", {"api_key": "k"}),
        ("elastic", URL, {}),
        ("elastic", URL, {"token": "t"}),
        ("splunk", URL, {"token": ["s3cret"]}),
        ("splunk", "https://splunk.example:8088", {"token": "s3cret"}),
    ],
)
def test_what_cannot_be_used_is_refused_without_a_secret_in_the_words(kind, url, given):
    with pytest.raises(BadInputError) as refused:
        receiver(kind, url, given)
    assert "s3cret" not in str(refused.value)
