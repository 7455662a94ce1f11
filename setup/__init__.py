"""What a machine needs before a drill can run: found first, installed only if absent.

Standard library only: this runs before anything of the project is installed.
"""

import sys

# Before anything newer than this Python can read is imported.
if sys.version_info < (3, 11):  # noqa: UP036 - the very Python that is too old runs this
    sys.exit(
        "setup  FAILED           Python 3.11 or newer is needed; "
        + sys.executable
        + " is older.\n       Install one and name it: make PYTHON=python3.12 ..."
    )
