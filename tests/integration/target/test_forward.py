"""Ports of a real machine's loopback, reached from here and by nobody else."""

import contextlib
import os
import socket
import stat
import threading
import time
from pathlib import Path

import pytest

from recovery.target import open_target

pytestmark = [pytest.mark.docker, pytest.mark.slow]

PORT = 7007
# perl is part of every Debian; each connection is echoed by a process of its own.
ECHO = """
use IO::Socket::INET; $SIG{CHLD}="IGNORE";
my $s=IO::Socket::INET->new(LocalAddr=>"127.0.0.1",LocalPort=>7007,Listen=>64,ReuseAddr=>1) or die;
while(my $c=$s->accept){ if(!fork){ while(sysread($c,my $b,65536)){
  exit if $b eq "close"; my $o=0; while($o<length $b){$o+=syswrite($c,$b,length($b)-$o,$o)} } exit }
  close $c }
"""


@pytest.fixture(scope="module", autouse=True)
def _echo(host):
    target = open_target(host.uri)
    target.put(ECHO.encode(), "/srv/echo.pl", mode=0o644)
    target.run(["systemd-run", "--unit=echo", "perl", "/srv/echo.pl"])
    probe = f"until (exec 3<>/dev/tcp/127.0.0.1/{PORT}) 2>/dev/null; do sleep 0.1; done"
    target.run(["bash", "-c", probe], timeout=20)
    yield
    target.run(["systemctl", "stop", "echo.service"])
    target.close()


def dial(address):
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(30)
    connection.connect(address.removeprefix("unix:"))
    return connection


def receive(connection, size):
    found = b""
    while len(found) < size:
        piece = connection.recv(size - len(found))
        if not piece:
            break
        found += piece
    return found


def bridges(target):
    """Processes on the machine that carry a connection."""
    script = (
        "for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' < $f 2>/dev/null; echo; done"
        r" | grep -c '^cat \|^perl -e ' || true"
    )
    return int(target.run(["sh", "-c", script]).text)


def test_what_is_sent_comes_back(target):
    content = os.urandom(1 << 20)
    with target.forward(PORT) as address, dial(address) as connection:
        sender = threading.Thread(target=connection.sendall, args=(content,))
        sender.start()
        assert receive(connection, len(content)) == content
        sender.join()


def test_many_connections_at_once(target):
    with target.forward(PORT) as address:
        connections = [dial(address) for _ in range(12)]
        for number, connection in enumerate(connections):
            connection.sendall(f"hello {number:02}".encode())
        assert [receive(connection, 8) for connection in connections] == [
            f"hello {number:02}".encode() for number in range(12)
        ]
        for connection in connections:
            connection.close()


def test_the_far_side_closing_is_felt_here(target):
    with target.forward(PORT) as address, dial(address) as connection:
        connection.sendall(b"close")
        assert connection.recv(10) == b""


def test_a_port_where_nobody_listens_closes_the_connection(target):
    refused = contextlib.suppress(ConnectionResetError)
    with target.forward(PORT + 1) as address, dial(address) as connection, refused:
        assert connection.recv(10) == b""


def test_only_the_operator_can_reach_the_socket(target):
    with target.forward(PORT) as address:
        folder = Path(address.removeprefix("unix:")).parent
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert not folder.exists()


@pytest.fixture(params=["perl", "no perl", "a perl without modules"])
def bridge(request, host):
    """By each of its ways."""
    away = {
        "no perl": "",
        "a perl without modules": "printf '#!/bin/sh\nexit 2\n' > $p; chmod +x $p",
    }
    if request.param == "perl":
        yield
        return
    machine = open_target(host.uri)
    script = f"p=$(command -v perl); mv $p /srv/perl; {away[request.param]}"
    machine.run(["sh", "-c", script])
    yield
    machine.run(["mv", "/srv/perl", "/usr/bin/perl"])
    machine.close()


@pytest.mark.usefixtures("bridge")
def test_by_each_bridge_both_ways_are_open_at_once(host):
    target = open_target(host.uri)
    test_what_is_sent_comes_back(target)
    test_the_far_side_closing_is_felt_here(target)
    test_a_port_where_nobody_listens_closes_the_connection(target)
    test_nothing_stays_behind(target)
    target.close()


def test_nothing_stays_behind(target):
    before = bridges(target)
    with target.forward(PORT) as address:
        for _ in range(5):
            with dial(address) as connection:
                connection.sendall(b"x")
                assert connection.recv(1) == b"x"
    deadline = time.monotonic() + 10
    while bridges(target) > before and time.monotonic() < deadline:
        time.sleep(0.2)
    assert bridges(target) == before


def test_two_forwards_side_by_side(target):
    with target.forward(PORT) as first, target.forward(PORT) as second:
        assert first != second
        for address in (first, second):
            with dial(address) as connection:
                connection.sendall(b"both")
                assert receive(connection, 4) == b"both"
