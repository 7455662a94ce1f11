import os
from pathlib import Path

import pytest

from tests.integration.server_deb import packages
from tests.integration.server_deb.machine import Machine
from tests.unit.server_deb.material import program_file


@pytest.fixture
def machine():
    made = Machine()
    yield made
    made.remove()


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory):
    """A tiny program that waits for ever, as a server does."""
    if os.uname().machine != "x86_64":
        pytest.skip("the stand-in program is for x86-64")
    return program_file(tmp_path_factory.mktemp("stand-in"))


@pytest.fixture
def package(tmp_path, stand_in):
    """Build a package of ours around the stand-in: release and config by keyword."""

    def make(release: str = "1", **changes) -> Path:
        config = packages.server_config(**changes)
        return packages.ours(tmp_path / f"ours-{release}", stand_in, release, config)

    return make


@pytest.fixture(scope="module", params=["lookalike", "velociraptor"])
def theirs(request, tmp_path_factory, stand_in):
    """Velociraptor's own package, by its shape and, where a binary is given, by itself."""
    folder = tmp_path_factory.mktemp("theirs")
    if request.param == "lookalike":
        return packages.lookalike(folder, stand_in)
    if not packages.REAL_BINARY:
        pytest.skip("RECOVERY_SERVER_BINARY names no real Velociraptor")
    return packages.upstream(folder)
