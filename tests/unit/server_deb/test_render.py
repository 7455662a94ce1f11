import shutil
import subprocess
from dataclasses import replace

import pytest
from jinja2 import UndefinedError

from server_deb import layout
from server_deb import render as rendering
from server_deb.config import read_config
from server_deb.unit import plan_unit
from tests.unit.server_deb.material import GOLDEN, REAL_CONFIG

CONFIG = read_config(REAL_CONFIG, "server.config.yaml")
PLAIN = plan_unit(CONFIG)
OPEN = replace(PLAIN, low_ports=True, private_tmp=False, in_home=True, waits_for_address=True)


def rendered(plan=PLAIN):
    return rendering.render(
        plan, fingerprint=CONFIG.fingerprint, version="0.77.2-1", epoch=1_795_000_000
    )


def texts(plan):
    made = rendered(plan)
    files = {path.rpartition("/")[2]: content for (path, _), content in made.files.items()}
    del files["changelog.Debian.gz"]
    return {**made.scripts, **{name: content.decode() for name, content in files.items()}}


@pytest.mark.parametrize("name", sorted(texts(PLAIN)))
def test_each_text_is_the_one_that_was_read_and_agreed_to(name):
    assert texts(PLAIN)[name] == (GOLDEN / name).read_text()


def test_a_config_that_asks_for_more_gets_just_that():
    text = texts(OPEN)[layout.UNIT]
    assert text == (GOLDEN / "velociraptor_server.open.service").read_text()


@pytest.mark.parametrize("name", ["preinst", "postinst", "prerm", "postrm", "fit-unit"])
@pytest.mark.parametrize("plan", [PLAIN, OPEN], ids=["plain", "open"])
def test_scripts_are_sound_for_a_plain_sh(name, plan):
    subprocess.run(["sh", "-n"], input=texts(plan)[name], text=True, check=True)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="asks systemd-analyze")
@pytest.mark.parametrize("plan", [PLAIN, OPEN], ids=["plain", "open"])
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path, plan):
    text = texts(plan)[layout.UNIT].replace(layout.BINARY, "/bin/true")
    unit = tmp_path / layout.UNIT
    unit.write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert layout.UNIT not in done.stderr
    assert done.returncode == 0, done.stderr


def test_a_template_with_a_gap_fails(monkeypatch):
    monkeypatch.delattr(layout, "HOLD")
    with pytest.raises(AttributeError):
        rendered()
    environment = rendering.Environment(undefined=rendering.StrictUndefined)
    with pytest.raises(UndefinedError):
        environment.from_string("{{ missing }}").render()


def test_no_text_holds_anything_secret():
    everything = "".join(texts(PLAIN).values())
    for secret in ("PRIVATE KEY", CONFIG.text("Client.nonce"), CONFIG.text("obfuscation_nonce")):
        assert secret not in everything


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="asks systemd-analyze")
@pytest.mark.parametrize("plan", [PLAIN, OPEN], ids=["plain", "open"])
def test_the_unit_is_exposed_to_2_5_at_most(tmp_path, plan):
    (tmp_path / layout.UNIT).write_text(texts(plan)[layout.UNIT])
    argv = ["systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager"]
    done = subprocess.run(
        [*argv, f"./{layout.UNIT}"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "Overall exposure level" in done.stdout, done.stderr
    assert done.returncode == 0, done.stdout.splitlines()[-1]
