"""What else listens: certificate, GUI's door, metrics."""

import contextlib
import socket
import ssl
import threading
import tracemalloc
import urllib.error
import urllib.request

import pytest

from server_app.frontend import serve


@pytest.fixture
def get(context):
    loose = ssl.create_default_context(cadata=None)
    loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE

    def fetch(url, headers=None):
        request = urllib.request.Request(url, headers=headers or {})  # noqa: S310  loopback
        secure = loose if url.startswith("https") else None
        try:
            with urllib.request.urlopen(  # noqa: S310  loopback
                request, timeout=10, context=secure
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    return fetch


def test_server_pem_is_the_front_ends_certificate(served, get):
    server = served()
    status, text = get(f"https://127.0.0.1:{server.ports['Frontend']}/server.pem")
    assert (status, text) == (200, server.config["Frontend"]["certificate"])


def test_the_gui_opens_for_the_right_password_only(served, get, basic):
    server = served()
    server.org("").users.create("alice", ["reader"], password="alicepw")
    url = f"https://127.0.0.1:{server.ports['GUI']}/app/index.html"
    assert get(url)[0] == 401
    assert get(url, basic("alice", "wrong"))[0] == 401
    assert get(url, basic("nobody", "alicepw"))[0] == 401
    assert get(url, {"Authorization": "Basic %%%"})[0] == 401
    assert get(url, basic("alice", "alicepw"))[0] == 200


def test_metrics_tell_of_unsaved_client_lists(served, get):
    server = served()
    url = f"http://127.0.0.1:{server.ports['Monitoring']}/metrics"
    assert 'client_info_dirty{org="root"} 0' in get(url)[1]
    server.org("").clients.create(client_id="C.1111111111111111")
    assert 'client_info_dirty{org="root"} 1' in get(url)[1]
    server.org("").clients.save()
    assert 'client_info_dirty{org="root"} 0' in get(url)[1]


def test_a_server_whose_port_is_taken_goes_on_without_it_and_says_so(served, make_server, caplog):
    first = served()
    port = first.ports["Frontend"]
    second = make_server("second", Frontend={"bind_port": port})
    stop = threading.Event()
    with caplog.at_level("ERROR"):
        serve(second, stop, stop.set)
    assert f"Frontend server: Can not listen on 127.0.0.1:{port}: bind: address already in use" in (
        caplog.text
    )


def test_a_waiting_client_costs_little_memory(served):
    """A thousand clients have to fit beside everything else into 500 MB."""
    server, number = served(), 40
    loose = ssl.create_default_context()
    loose.check_hostname, loose.verify_mode = False, ssl.CERT_NONE
    address = ("127.0.0.1", server.ports["Frontend"])
    tracemalloc.start()
    with contextlib.ExitStack() as opened:
        try:
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(number):
                bare = opened.enter_context(socket.create_connection(address, timeout=10))
                opened.enter_context(loose.wrap_socket(bare))
            used = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
    assert used / number < 128 * 1024
