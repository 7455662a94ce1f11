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
IN_MEMORY = "/run/velociraptor-recovery/inbox"
_SMALL = 32 << 20
"""Bytes of a batch that may wait in the machine's memory, of which three are under way at most."""
_ROOM = 256 << 10
"""KiB that must be free there."""
_UNPACK = r"""umask 077
room=$(df -k --output=avail /run 2> /dev/null | tail -n 1)
[ "$(stat -f -c %T /run 2> /dev/null)" = tmpfs ] && [ "${room:-0}" -ge "$5" ] || room=
while read -r lane size; do
  case $lane$size in ''|*[!0-9]*) echo "1 not understood"; exit 1 ;; esac
  into=$1; [ -z "$room" ] || [ "$size" -gt "$4" ] || into=$2
  said=$(head -c "$size" | {
    install -d -m 711 "${into%/*}" && install -d -o root -g "$3" -m 750 "$into" "$into/$lane" &&
      find "$into/$lane" -type f -size +64k -delete &&
      tar -x -p --same-owner --overwrite -f - -C "$into/$lane"
    code=$?
    cat > /dev/null
    exit $code
  } 2>&1) && echo "0 $into/$lane" ||
    printf '%s %s\n' $? "$(printf %s "$said" | tail -n 3 | tr '\n' ' ')"
done
"""
"""Takes ``lane size`` and so many bytes of a tar, again and again; answers with 0 and the folder,
or tar's exit code and words. The tar says whose each file is, by name, and who may read it.
Whatever goes wrong, all its bytes are read: none is ever taken for a line.

A disk has enough to do with the server's own files: small batches wait in memory, and a small file
of another is written over by the lane's next batch. Each that is deleted makes ext4 slower at
making new ones for a minute (measured: a tenth)."""
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
        said = answer["said"].decode().strip()
        if int(answer["code"]):
            words = f"a batch of archives could not be put there: {said}"
            raise CommandError(words, target=self._target.uri)
        return said

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
            given = [INBOX, IN_MEMORY, OWNER, str(_SMALL), str(_ROOM)]
            argv = ["sh", "-c", _UNPACK, "inbox", *given]
            self._stream = Conversation(self._target, argv, "inbox")
        return self._stream
