"""Where archives lie on the machine until the server has taken them in; one stream brings all.

A command of its own for each batch would take its time from the server that imports the last
one: in a container 50 ms and more of a processor (docs/adr/0017).
"""

import re
import threading
from pathlib import Path

from recovery.errors import CommandError
from recovery.restore.journal import FOLDER
from recovery.target import Target
from recovery.target.conversation import Conversation
from recovery.velociraptor.config import OWNER

INBOX = f"{FOLDER}/inbox"
_UNPACK = r"""umask 077
while read -r lane size; do
  case $lane$size in ''|*[!0-9]*) echo "1 not understood"; exit 1 ;; esac
  said=$(head -c "$size" | {
    chmod 711 "$1" && install -d -o root -g "$3" -m 750 "$2" "$2/$lane" &&
      find "$2/$lane" -type f -size +64k -delete &&
      tar -x -p --same-owner --overwrite -f - -C "$2/$lane"
    code=$?
    cat > /dev/null
    exit $code
  } 2>&1)
  printf '%s %s\n' $? "$(printf %s "$said" | tail -n 3 | tr '\n' ' ')"
done
"""
"""Takes ``lane size`` and so many bytes of a tar, again and again; answers with tar's exit code and
words. The tar says whose each file is, by name, and who may read it. Whatever goes wrong, all its
bytes are read: none is ever taken for a line. Small files of the last batch are written over: each
that is deleted makes ext4 slower at making the server's own for a minute (measured: a tenth)."""
_ANSWER = re.compile(rb"(?P<code>\d+) (?P<said>[^\n]*)\n")


class Inbox:
    """The inboxes of one run on ``target``, a folder each; closed, nothing is left of the stream.

    Opened before it is needed it is there in time: :meth:`open` doesn't wait.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._stream: Conversation | None = None
        self._lock = threading.Lock()

    def open(self) -> None:
        """Begins the command on the machine, unless it runs."""
        with self._lock:
            self._opened()

    def send(self, lane: int, bundle: Path) -> str:
        """What is in a tar, which says whose each file is; the folder where it all lies then.

        Files that the lane held before may lie there still. Raises
        :class:`recovery.errors.RecoveryError`.
        """
        with self._lock, bundle.open("rb") as content:  # one after the other through the stream
            stream = self._opened()
            stream.tell(f"{lane} {bundle.stat().st_size}\n".encode(), content)
            heard = b""
            while not (answer := _ANSWER.fullmatch(heard)):
                piece = stream.hear()
                if not piece:
                    raise stream.why_it_ended()
                heard += piece
        if int(answer["code"]):
            raise CommandError(
                f"a batch of archives could not be put there: {answer['said'].decode().strip()}",
                target=self._target.uri,
            )
        return f"{INBOX}/{lane}"

    def close(self) -> None:
        """Ends the command, which may take a moment."""
        with self._lock:
            if self._stream:
                self._stream.end()
            self._stream = None

    def _opened(self) -> Conversation:
        if self._stream is None or not self._stream.lasts:
            if self._stream:
                self._stream.end()
            argv = ["sh", "-c", _UNPACK, "inbox", FOLDER, INBOX, OWNER]
            self._stream = Conversation(self._target, argv, "inbox")
        return self._stream
