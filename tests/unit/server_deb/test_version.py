import shutil
import subprocess

import pytest

from server_deb import PackageError
from server_deb.version import debian_version


@pytest.mark.parametrize(
    ("upstream", "release", "debian"),
    [
        ("0.77.2", "1", "0.77.2-1"),
        ("v0.77.2", "2.acme1", "0.77.2-2.acme1"),
        ("0.77.2-rc1", "1", "0.77.2~rc1-1"),
        ("0.74.0-dev", "1", "0.74.0~dev-1"),
    ],
)
def test_versions_become_debians(upstream, release, debian):
    assert debian_version(upstream, release) == debian


@pytest.mark.parametrize("upstream", ["", "latest", "1 2", "1;id", "1$HOME", "1/2", "1\n", "-1"])
def test_what_is_no_version_is_refused(upstream):
    with pytest.raises(PackageError, match="not a version"):
        debian_version(upstream, "1")


@pytest.mark.parametrize("release", ["", "a b", "1-2", "$X", "1\n", "../1"])
def test_what_is_no_release_is_refused(release):
    with pytest.raises(PackageError, match="not a release"):
        debian_version("1.0", release)


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="asks dpkg")
@pytest.mark.parametrize(
    ("older", "newer"),
    [("0.77.2", "0.77.2-1"), ("0.77.2~rc1-1", "0.77.2-1"), ("0.77.2-1", "0.77.3")],
)
def test_dpkg_sorts_them_as_meant(older, newer):
    subprocess.run(["dpkg", "--compare-versions", older, "lt", newer], check=True)
