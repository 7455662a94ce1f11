"""A shell that stays in the container: a command through it costs a twentieth of a ``docker exec``.

An engine needs 50 ms to start one (docs/adr/0017), and a recovery
asks for hundreds of small commands. Each shell runs one command at a time, in a child of its
own; commands side by side have a shell each.
"""

import base64
import secrets
import select
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from recovery.target.docker_stream import STDOUT, ExecStream

STDIN_BYTES = 1 << 20
"""More than this of standard input goes by an exec of its own."""
_IDLE = 60.0
"""Seconds. A connection that was silent for longer may be gone without a word."""
_PATIENCE = 0.1
"""Seconds to wait for a shell that is at work: another one would cost more."""
_LAST = 8
"""Bytes that may follow the last mark: an exit code, and the line's end."""
_COMMAND = """
printf '%s\\n' {mark}; printf '%s\\n' {mark} >&2
{feed}( exec {argv} ){end}; r=$?
printf '%s %s\\n' {mark} "$r"; printf '%s .\\n' {mark} >&2
"""


class Shell:
    """A ``sh`` on ``stream``, which an exec with standard input gave. Close it after any error."""

    def __init__(self, stream: ExecStream) -> None:
        self._stream = stream
        self._frames: Iterator[tuple[int, bytes]] = stream.frames()
        self._used = time.monotonic()

    def run(
        self, argv: Sequence[str], stdin: bytes | None, deadline: float
    ) -> tuple[int, bytes, bytes]:
        """Exit code, standard output and standard error of a command.

        ``deadline`` is in :func:`time.monotonic`'s seconds; past it :class:`TimeoutError` is
        raised. Raises :class:`OSError` when the connection ends. Standard input is no argument of
        any process: the shell itself writes it.
        """
        mark = secrets.token_hex(16)
        self._stream.socket.settimeout(max(deadline - time.monotonic(), 0.001))
        self._stream.socket.sendall(_text(mark, argv, stdin))
        self._stream.deadline = deadline
        out, err = Between(mark), Between(mark)
        while not (out.ended and err.ended):
            kind, data = next(self._frames, (0, b""))
            if not kind:
                raise ConnectionResetError("the engine ended the connection")
            (out if kind == STDOUT else err).add(data)
        self._used = time.monotonic()
        return int(out.said), out.held, err.held

    @property
    def usable(self) -> bool:
        """Whether it can be trusted with one more command."""
        fresh = time.monotonic() - self._used < _IDLE
        # A silent shell has nothing to say: whatever comes is the connection's end.
        return fresh and not select.select([self._stream.socket], [], [], 0)[0]

    def close(self) -> None:
        """Ends the shell: its standard input ends."""
        self._stream.close()


class Shells:
    """Shells that wait for their next command."""

    def __init__(self) -> None:
        self._idle: list[Shell] = []
        self._busy = 0
        self._changed = threading.Condition()

    def run(
        self,
        make: Callable[[], Shell],
        argv: Sequence[str],
        stdin: bytes | None,
        deadline: float,
    ) -> tuple[int, bytes, bytes]:
        """As :meth:`Shell.run`, by a shell that waits, or one that ``make`` opens."""
        shell = self._take()
        try:
            shell = shell or make()
            answer = shell.run(argv, stdin, deadline)
        except BaseException:
            if shell:
                shell.close()
            self._free(None)
            raise
        self._free(shell)
        return answer

    def _take(self) -> Shell | None:
        """One that waits, or will within a moment; else none. Who asked is at work from now on."""
        with self._changed:
            self._changed.wait_for(lambda: self._idle or not self._busy, _PATIENCE)
            self._busy += 1
            while self._idle:
                shell = self._idle.pop()
                if shell.usable:
                    return shell
                shell.close()
            return None

    def _free(self, shell: Shell | None) -> None:
        with self._changed:
            self._busy -= 1
            if shell:
                self._idle.append(shell)
            self._changed.notify()

    def close(self) -> None:
        """Ends the shells that wait."""
        with self._changed:
            while self._idle:
                self._idle.pop().close()


class Between:
    """What one stream brings between the command's two marks; ``said`` is what follows the last."""

    def __init__(self, mark: str) -> None:
        self._begin, self._end = f"{mark}\n".encode(), f"{mark} ".encode()
        self._raw = bytearray()
        self._begun = False
        self.ended = False
        self.held, self.said = b"", ""

    def add(self, data: bytes) -> None:
        """The next piece, cut anywhere."""
        look_from = max(len(self._raw) - len(self._end) - _LAST, 0)
        self._raw += data
        if not self._begun:
            at = self._raw.find(self._begin)
            if at < 0:
                return
            del self._raw[: at + len(self._begin)]
            self._begun, look_from = True, 0
        at = self._raw.find(self._end, look_from)
        said = at + len(self._end)
        line_end = self._raw.find(b"\n", said) if at >= 0 else -1
        if line_end >= 0:  # what comes after it is of something that the command left running
            self.held, self.said = bytes(self._raw[:at]), self._raw[said:line_end].decode()
            self.ended = True


def _text(mark: str, argv: Sequence[str], stdin: bytes | None) -> bytes:
    """The command as the shell reads it. Base64 has no character that means something to it."""
    feed, end = "", " </dev/null"
    if stdin is not None:
        feed, end = f"printf %s {base64.b64encode(stdin).decode()} | base64 -d | ", ""
    text = _COMMAND.format(mark=mark, feed=feed, end=end, argv=shlex.join(argv))
    return text.encode("utf-8", "surrogateescape")
