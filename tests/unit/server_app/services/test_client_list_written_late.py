"""When the client list reaches the disk (facts: client_info_write_time)."""

import threading

import pytest

from server_app.datastore import client_list
from server_app.services.background import jitter

CLIENT = "C.cad7afe0171b436e"


class Clock:
    """Time passes only by waiting; ends the job after so many waits."""

    def __init__(self, waits):
        self.now, self.waited, self.left = 0.0, [], waits

    def monotonic(self):
        return self.now

    def wait(self, seconds):
        self.waited.append(seconds)
        self.now += seconds
        self.left -= 1
        return self.left < 0


@pytest.fixture
def run_job(make_server, monkeypatch):
    def run(seconds, waits, jittered=1.0):
        config = {"resources": {"client_info_write_time": seconds}}
        org = make_server(start=False, Frontend=config).org("")
        clock = Clock(waits)
        monkeypatch.setattr("server_app.services.clients.time.monotonic", clock.monotonic)
        monkeypatch.setattr("server_app.services.clients.jitter", lambda s: s * jittered)
        org.clients.create(client_id=CLIENT)
        org.clients.save_now_and_then(clock)
        return client_list.load(org.store), clock.waited

    return run


def test_by_default_every_300_seconds(run_job):
    found, waited = run_job(0, 1)
    assert waited == [300, 300]
    assert set(found) == {CLIENT}


def test_15_works(run_job):
    assert set(run_job(15, 1)[0]) == {CLIENT}


def test_below_about_11_the_list_is_never_written_at_all(run_job):
    found, waited = run_job(5, 9)
    assert found == {}
    assert waited == [5, 60] * 5


def test_11_shortened_by_the_jitter_is_not_written_this_time(run_job):
    assert run_job(11, 2, jittered=0.9)[0] == {}
    assert set(run_job(11, 2, jittered=1.0)[0]) == {CLIENT}


def test_jitter_is_10_percent():
    found = [jitter(100) for _ in range(500)]
    assert min(found) >= 90
    assert max(found) <= 110
    assert max(found) - min(found) > 10


def test_kill_9_loses_the_unsaved_list(root, make_server, killed):
    root.clients.create(client_id=CLIENT, labels=["gone"])
    assert root.clients.dirty
    killed(root.server)
    assert list(make_server().org("").clients.list()) == []


def test_a_clean_stop_saves_it(root, make_server):
    root.clients.create(client_id=CLIENT, labels=["kept"])
    root.server.close()
    (row,) = make_server().org("").clients.list()
    assert row["labels"] == ["kept"]


def test_a_saved_list_survives_kill_9(root, make_server, killed):
    root.clients.create(client_id=CLIENT)
    assert root.clients.save()
    assert not root.clients.dirty
    assert not root.clients.save()
    killed(root.server)
    assert len(list(make_server().org("").clients.list())) == 1


def test_changes_while_saving_are_not_forgotten(root):
    root.clients.create(client_id=CLIENT)
    threads = [
        threading.Thread(target=root.clients.label, args=(CLIENT, [f"l{i}"], "set"))
        for i in range(20)
    ]
    for thread in threads:
        thread.start()
        root.clients.save()
    for thread in threads:
        thread.join()
    root.clients.save()
    assert len(client_list.load(root.store)[CLIENT]["labels"]) == 20
