"""Where a datastore may be: by its path, and by what the machine has there."""

import subprocess
from types import SimpleNamespace

import pytest

from recovery.errors import BadInputError
from recovery.restore import check_folders as module
from recovery.restore.check_folders import refuse_foreign_folders, wrong_folder
from recovery.target import open_target


@pytest.mark.parametrize(
    "folder",
    [
        *("/opt/velociraptor", "/var/lib/velociraptor", "/var/tmp/velociraptor", "/var/velo"),
        *("/velociraptor", "/data", "/mnt/data/velo", "/srv/v", "/home/velo/datastore", "/tmp/v"),
    ],
)
def test_where_servers_have_theirs_it_may_be(folder):
    assert not wrong_folder(folder)


@pytest.mark.parametrize(
    "folder",
    [
        *("/", "/home", "/home/ann", "/home/ann/", "/root/.ssh", "/root", "/run/v", "/var/opt"),
        *("/var/log/v", "/var/cache/v", "/var/spool/cron", "/var/backups", "/lib64", "//root//x"),
        *("relative", "", "/opt/../etc", "/etc/a\nb"),
    ],
)
def test_where_it_may_not_be(folder):
    assert wrong_folder(folder)


@pytest.fixture
def refuse(tmp_path, monkeypatch):
    """Asks for the datastore in ``ds``, and a file store that isn't there."""
    monkeypatch.setattr(module, "OWNER", "nobody-of-that-name")
    target = open_target("local://")
    config = SimpleNamespace(folders=(str(tmp_path / "ds"), str(tmp_path / "none")))
    manifest = SimpleNamespace(point="P1")
    context = SimpleNamespace(target=target, config=config, manifest=manifest)
    yield lambda: refuse_foreign_folders(context)
    target.close()


def test_a_folder_that_is_there_is_empty_or_a_datastore(refuse, tmp_path, monkeypatch):
    refuse()
    (tmp_path / "ds" / "lost+found").mkdir(parents=True)
    (tmp_path / "ds" / ".snapshot").mkdir()
    refuse()
    (tmp_path / "ds" / "50%s").touch()
    with pytest.raises(BadInputError, match=r"ds on the machine is no datastore, and holds '50%s'"):
        refuse()
    mine = subprocess.run(["id", "-un"], capture_output=True, check=True, text=True).stdout.strip()
    with monkeypatch.context() as patch:
        patch.setattr(module, "OWNER", mine)  # what its server or a package has made there
        refuse()
    (tmp_path / "ds" / "client_info").mkdir()
    refuse()
