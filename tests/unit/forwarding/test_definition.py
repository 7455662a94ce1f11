import pytest
import yaml

from recovery.errors import RecoveryError
from recovery.forwarding.definition import with_secret
from recovery.forwarding.kinds import KINDS
from server_app.services.forwarding_artifacts import FORWARDING
from server_app.vql.parse import parse

ELASTIC = KINDS["elastic"]
RAW = """
name: Elastic.Flows.Upload
description: |
  Uploads.
type: SERVER_EVENT
parameters:
  - name: Username
    default: "007"
sources:
  - query: |
      LET documents = SELECT * FROM scope()

      SELECT * FROM elastic_upload (
            query=documents, username=Username)
"""


@pytest.mark.parametrize("raw", FORWARDING, ids=list(KINDS))
def test_only_name_parameter_and_call_differ(raw):
    before = yaml.safe_load(raw)
    kind = next(kind for kind in KINDS.values() if kind.artifact == before["name"])
    after = yaml.safe_load(with_secret(raw, kind))
    assert after["name"] == f"Custom.{before['name']}"
    assert after["type"] == "SERVER_EVENT"
    assert after["parameters"][0]["name"] == "Secret"
    assert after["parameters"][1:] == before["parameters"]
    query = after["sources"][0]["query"]
    assert query.replace("secret=Secret, ", "") == before["sources"][0]["query"]
    parse(query)


def test_spaces_before_the_bracket_and_numbers_that_are_texts():
    text = with_secret(RAW, ELASTIC)
    assert "elastic_upload(secret=Secret, " in text
    assert yaml.safe_load(text)["parameters"][1]["default"] == "007"


@pytest.mark.parametrize(
    "raw",
    [
        RAW.replace("elastic_upload", "another_upload"),
        RAW.replace("SELECT * FROM scope()", "SELECT * FROM elastic_upload(query=x)"),
        RAW.split("sources:", maxsplit=1)[0],
    ],
)
def test_a_definition_of_another_shape_is_left_alone(raw):
    with pytest.raises(RecoveryError, match="can't be changed"):
        with_secret(raw, ELASTIC)
