from pathlib import Path

import pytest

from server_deb import BuildRequest
from tests.unit.server_deb.material import NOW, REAL_CONFIG, program_file


@pytest.fixture
def request_for(tmp_path):
    """A build request with everything right; keyword arguments change it."""

    def make(**changes) -> BuildRequest:
        given = {
            "binary": changes.pop("binary", None) or program_file(tmp_path),
            "config": REAL_CONFIG,
            "output": Path(tmp_path) / "dist",
            "version": "0.77.2",
            "now": NOW,
        }
        return BuildRequest(**{**given, **changes})

    return make
