"""A port of a container as a Unix socket here: each connection is one bridge inside."""

import contextlib
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from recovery.errors import TargetError
from recovery.target.docker_stream import STDOUT, ExecStream

_BRIDGE = r"""
if command -v perl > /dev/null; then perl -e '
  use strict; use Socket qw(:DEFAULT getaddrinfo AI_NUMERICHOST IPPROTO_TCP TCP_NODELAY);
  my ($port, $host) = @ARGV;
  my ($wrong, $at) = getaddrinfo($host, $port, {flags => AI_NUMERICHOST, socktype => SOCK_STREAM});
  !$wrong and socket(my $far, $at->{family}, SOCK_STREAM, 0) or exit 111;
  connect($far, $at->{addr}) or exit 111;
  setsockopt($far, IPPROTO_TCP, TCP_NODELAY, 1);
  sub pump { my ($from, $to) = @_;
    while (my $n = sysread($from, my $data, 65536)) {
      for (my $at = 0; $at < $n; ) { $at += syswrite($to, $data, $n - $at, $at) || return } } }
  my $parent = $$; my $child = fork; defined $child or exit 112;
  if ($child) { pump($far, \*STDOUT); kill TERM => $child }
  else { pump(\*STDIN, $far); kill TERM => $parent }
' "$1" "$2" 2> /dev/null; case $? in 2 | 255) ;; *) exit ;; esac; fi
exec 3<>"/dev/tcp/$2/$1" || exit 111
cat <&3 & r=$!; cat <&0 >&3 & w=$!; wait -n; kill $r $w 2>/dev/null; wait
"""
"""Ends as soon as either side does, and leaves no process behind.

perl, which every Debian has, sends each piece at once; bash can't be told to, so that a request in
two pieces may wait 40 ms for the first one's receipt (seen: each second connection). It serves
where there is no perl, or one without its modules (2, 255)."""
Start = Callable[[Sequence[str]], ExecStream]
"""Starts a command in the container, with standard input."""


@contextmanager
def forward(start: Start, port: int, host: str) -> Iterator[str]:
    """The gRPC address of a Unix socket that ends at ``host``'s ``port`` in the container.

    A client that stops sending ends the connection: the bridge can't close one half.
    (gRPC never does.)
    """
    argv = ["bash", "-c", _BRIDGE, "bridge", str(port), host]
    with tempfile.TemporaryDirectory(prefix="recovery-fwd-") as folder:
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(f"{folder}/s")
        listener.listen()
        threading.Thread(target=_accept, args=(listener, start, argv), daemon=True).start()
        try:
            yield f"unix:{folder}/s"
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _accept(listener: socket.socket, start: Start, argv: Sequence[str]) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=_bridge, args=(near, start, argv), daemon=True).start()


def _bridge(near: socket.socket, start: Start, argv: Sequence[str]) -> None:
    try:
        stream = start(argv)
    except TargetError:
        near.close()
        return
    stream.socket.settimeout(None)
    threading.Thread(target=_pump, args=(near, stream.socket), daemon=True).start()
    try:
        for kind, data in stream.frames():
            if kind == STDOUT:
                near.sendall(data)
    except OSError:
        pass
    finally:
        # A close alone doesn't reach the other end while the pump still reads from it.
        with contextlib.suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)
        near.close()
        stream.close()


def _pump(near: socket.socket, far: socket.socket) -> None:
    try:
        while data := near.recv(65536):
            far.sendall(data)
        far.shutdown(socket.SHUT_WR)
    except OSError:
        return
