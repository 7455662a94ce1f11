"""The drill's own AWS: refused in words where it isn't there, the operator's own kept out."""

import os

import pytest

from recovery.drill import aws_double
from recovery.drill.aws_double import Cloud, refuse_absent
from recovery.drill.options import parse_options
from recovery.drill.plan import plan
from recovery.errors import BadInputError


def test_outside_of_a_clone_the_option_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(aws_double, "_STARTER", tmp_path / "cloud.py")
    with pytest.raises(BadInputError, match="the AWS double is not there") as refused:
        refuse_absent()
    assert "comes with the clone only" in refused.value.hint


def test_the_operators_own_aws_is_out_of_sight_and_comes_back(monkeypatch, tmp_path):
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    cloud = Cloud("eu-central-1", "vault-1", "http://127.0.0.1:9", tmp_path, process=None)
    cloud.enter({"AWS_PROFILE": None, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert "AWS_PROFILE" not in os.environ
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    cloud.leave()
    assert os.environ["AWS_PROFILE"] == "production"
    assert "AWS_ENDPOINT_URL" not in os.environ
    assert cloud.vault == "s3://vault-1/points?endpoint=http://127.0.0.1:9&region=eu-central-1"
    assert cloud.calls == []


def test_a_dry_run_says_what_is_deleted():
    words = "\n".join(plan(parse_options(on="aws-double")))
    assert "delete the state of both stacks" in words
    assert "a new stack on a new backend" in words
