import os
import shutil

import pytest

from setup import apt
from setup.errors import SetupError


def test_installs_without_what_is_merely_recommended():
    argv = apt.install_argv(["mmdebstrap"])
    assert argv[-3:] == ["-y", "--no-install-recommends", "mmdebstrap"]
    assert "DPkg::Lock::Timeout=600" in argv


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="no dpkg on this machine")
def test_knows_what_is_installed():
    assert apt.installed("dpkg")
    assert not apt.installed("no-such-package-here")


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="no dpkg on this machine")
def test_asks_for_nothing_that_is_there(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    apt.provide("part", ["dpkg"])


def test_refuses_without_root_and_names_the_packages(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "which", lambda _name: "/usr/bin/apt-get")
    with pytest.raises(SetupError, match="no-such-package-here") as caught:
        apt.provide("part", ["no-such-package-here"])
    assert "sudo apt-get install no-such-package-here" in caught.value.hint
