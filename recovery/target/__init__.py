"""Where commands run and files are put: a container, an SSH host, this machine.

``open_target(uri)`` is the door. URIs: ``docker://CONTAINER``,
``ssh://[user@]host[:port]`` and ``local://``. See :class:`recovery.target.protocol.Target`.
"""

from recovery.target.open import open_target
from recovery.target.protocol import Result, Target

__all__ = ["Result", "Target", "open_target"]
