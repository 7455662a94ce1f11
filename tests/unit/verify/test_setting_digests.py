"""Settings are named by their whole path, and told apart by what they say."""

from recovery.velociraptor.config import ServerConfig
from recovery.verify.facts import setting_digests


def digests(**values):
    return setting_digests(ServerConfig(b"", values))


def test_each_setting_is_named_and_a_list_is_one():
    found = digests(GUI={"authenticator": {"type": "SAML"}, "links": [{"a": 1}]}, empty={})
    assert set(found) == {"GUI.authenticator.type", "GUI.links", "empty"}
    other = digests(GUI={"authenticator": {"type": "Basic"}, "links": [{"a": 2}]}, empty=None)
    assert not set(found.items()) & set(other.items())
    assert "SAML" not in repr(found)
