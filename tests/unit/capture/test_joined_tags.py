"""Tags of artifacts: what a server has in its memory counts, also where its disk is behind."""

import json

from recovery.capture.capture_state import is_torn, joined_tags


def table(data: bytes) -> dict:
    return json.loads(data)["metadata"]


def test_the_memory_counts_for_custom_artifacts_and_the_disk_for_built_in_ones():
    disk = {"Custom.Old": {"tags": ["old"]}, "Custom.Cleared": {"tags": ["x"]}}
    disk["Server.Built.In"] = {"hidden": True}
    fresh = {"Custom.Old": {"tags": ["new"]}, "Custom.Cleared": {}, "Custom.New": {"basic": True}}
    assert table(joined_tags(json.dumps({"metadata": disk}).encode(), fresh)) == {
        "Server.Built.In": {"hidden": True},
        "Custom.Old": {"tags": ["new"]},
        "Custom.New": {"basic": True},
    }


def test_without_a_table_one_is_made_only_for_tags():
    assert table(joined_tags(b"", {"Custom.A": {"tags": ["t"]}})) == {"Custom.A": {"tags": ["t"]}}
    assert joined_tags(b"", {"Custom.A": {}}) == b""
    assert table(joined_tags(b"{}", {})) == {}


def test_a_user_whose_record_looks_like_json_is_not_torn():
    assert not is_torn("users/x.json.db", b"\x0a\x06x.json")
    assert is_torn("acl/x.json.json.db", b"{")
