"""Where the key of stored secrets is, by the config."""

import pytest

from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.secrets_key import secrets_variable


@pytest.mark.parametrize(
    ("security", "name"),
    [
        ({"secrets_dek": "env://VELO_KEY"}, "VELO_KEY"),
        ({"secrets_dek": "the key itself"}, ""),
        ({"secrets_dek": None}, ""),
        ({}, ""),
        (["odd"], ""),
        (None, ""),
    ],
)
def test_the_variable_of_a_key_that_the_config_only_names(security, name):
    assert secrets_variable(ServerConfig(b"", {"security": security})) == name
