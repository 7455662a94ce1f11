"""A memcache datastore writes late: what it acknowledged before a capture is in the point."""

import pytest

from tests.integration.restore.conftest import fresh_machine, live, lost_server, same

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]


def test_a_server_that_writes_late_is_captured_whole(server_binary, tmp_path):
    memcache = "MemcacheFileDataStore"
    captured = lost_server(server_binary, tmp_path, live, implementation=memcache)
    assert {backup.fresh for backup in captured.manifest.backups} == {True}
    lists = {state.client_list for state in captured.manifest.state}
    assert lists == {"joined with a fresh backup"}
    with fresh_machine(captured) as fresh:
        outcomes = fresh.restore()
        assert [line for one in outcomes.values() for line in one.findings] == []
        assert same(captured.manifest.inventory, fresh.inventory()) == {}
