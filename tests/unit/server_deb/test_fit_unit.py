import subprocess

import pytest

from server_deb.config import read_config
from server_deb.render import render
from server_deb.unit import plan_unit
from tests.unit.server_deb.material import REAL_CONFIG, edited


@pytest.fixture
def fit(tmp_path):
    """Run the shipped script on an edited config; gives the drop-in's settings, or None."""
    config = read_config(REAL_CONFIG, "c")
    made = render(plan_unit(config), fingerprint=config.fingerprint, version="1-1", epoch=0)
    text = next(text for (path, _), text in made.files.items() if path.endswith("fit-unit"))
    script = tmp_path / "fit-unit"
    # What it tells systemd is left out: this machine's systemd is not the test's.
    script.write_bytes(text.replace(b"/run/systemd/system", b"/nonexistent"))
    drop_in = tmp_path / "unit.d" / "50-edited-config.conf"

    def run(raw: bytes) -> list[str] | None:
        (tmp_path / "edited.yaml").write_bytes(raw)
        argv = ["sh", str(script), str(tmp_path / "edited.yaml"), str(drop_in)]
        subprocess.run(argv, check=True)
        if not drop_in.exists():
            assert not drop_in.parent.exists()
            return None
        return [line for line in drop_in.read_text().splitlines() if "=" in line]

    return run


def test_the_packages_own_config_needs_no_drop_in(fit):
    assert fit(REAL_CONFIG) is None


def test_an_edit_that_changes_neither_folder_nor_port_needs_none(fit):
    assert fit(edited({"Frontend.hostname": "other.example"})) is None
    assert fit(edited({"Datastore.location": "/srv/lab1/A/ds/inner"})) is None


def test_other_folders_and_ports_are_allowed_for(fit):
    changes = {
        "Datastore.location": "/data/velociraptor",
        "Logging.output_directory": "/var/tmp/logs",
        "autocert_cert_cache": "/home/v/cache",
        "Frontend.bind_port": 443,
    }
    assert fit(edited(changes)) == [
        "AmbientCapabilities=CAP_NET_BIND_SERVICE",
        "CapabilityBoundingSet=CAP_NET_BIND_SERVICE",
        "PrivateTmp=no",
        "ProtectHome=read-only",
        "ReadWritePaths=/data/velociraptor",
        "ReadWritePaths=/home/v/cache",
        "ReadWritePaths=/var/tmp/logs",
    ]


def test_quotes_and_comments_do_not_matter(fit):
    raw = REAL_CONFIG.replace(b"location: /srv/lab1/A/ds", b"location: '/data/v' # moved")
    assert fit(raw) == ["ReadWritePaths=/data/v"]


def test_a_drop_in_goes_when_it_is_no_longer_needed(fit):
    assert fit(edited({"Datastore.location": "/data/v"}))
    assert fit(REAL_CONFIG) is None


def test_a_string_named_like_a_setting_elsewhere_is_none(fit):
    raw = REAL_CONFIG + b"Other:\n  location: /elsewhere\n  bind_port: 22\n"
    assert fit(raw) is None
