"""Which identity providers a server asks at its start, by its config."""

import pytest

from recovery.velociraptor.config import ServerConfig
from recovery.velociraptor.identity_providers import asked_at_start

SAML = {"type": "SAML", "saml_idp_metadata_url": "https://idp.example/metadata"}
OIDC = {"type": "oidc", "oidc_issuer": "https://login.example"}


@pytest.mark.parametrize(
    ("gui", "asked"),
    [
        ({"authenticator": SAML}, ["https://idp.example/metadata"]),
        ({"authenticator": OIDC}, ["https://login.example"]),
        ({"authenticator": {"type": "Google"}}, ["https://accounts.google.com"]),
        (
            {"authenticator": {"type": "Multi", "sub_authenticators": [OIDC, SAML, OIDC, "odd"]}},
            ["https://login.example", "https://idp.example/metadata"],
        ),
        ({"authenticator": {"type": "Azure", "tenant": "T"}}, []),
        ({"authenticator": {"type": "Certs"}}, []),
        ({"authenticator": {"type": "oidc"}}, []),
        ({"authenticator": ["odd"]}, []),
        ({}, []),
        (None, []),
    ],
)
def test_the_ones_without_whom_it_does_not_start(gui, asked):
    assert asked_at_start(ServerConfig(b"", {"GUI": gui})) == asked
