from pathlib import Path

import pytest

from setup.places import cache_folder, private_folder, state_folder


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({"HOME": "/home/a"}, "/home/a/.cache/velociraptor-recovery"),
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "/big"}, "/big/velociraptor-recovery"),
        # The XDG rule: a relative path counts as unset.
        ({"HOME": "/home/a", "XDG_CACHE_HOME": "big"}, "/home/a/.cache/velociraptor-recovery"),
    ],
)
def test_cache_follows_the_xdg_rules(environ, expected):
    assert cache_folder(environ) == Path(expected)


def test_state_is_not_kept_in_the_cache():
    environ = {"HOME": "/home/a"}
    assert state_folder(environ) == Path("/home/a/.local/state/velociraptor-recovery")
    assert cache_folder(environ) not in state_folder(environ).parents


def test_private_folder_is_the_owners_alone(tmp_path):
    assert private_folder(tmp_path / "a").stat().st_mode & 0o777 == 0o700
