from concurrent.futures import ThreadPoolExecutor

import pytest

from recovery.errors import VaultError
from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.keys import new_keys
from recovery.vault.lease import LeaseTakenError, current, finish, is_finished, take, terms
from recovery.vault.shelf_vault import ShelfVault

DEPLOYMENT = "cd" * 32


@pytest.fixture(params=["plain", "signed"])
def vault(request, tmp_path):
    keys = new_keys() if request.param == "signed" else None
    return ShelfVault(FolderShelf(tmp_path / "vault"), keys)


def test_each_term_follows_the_one_before(vault):
    assert current(vault, DEPLOYMENT) is None
    first = take(vault, None, DEPLOYMENT, "ssh://a", "init")
    second = take(vault, first, DEPLOYMENT, "ssh://b", "promote")
    assert (first.epoch, second.epoch) == (1, 2)
    assert current(vault, DEPLOYMENT) == second
    assert terms(vault, DEPLOYMENT) == [first, second]


def test_a_term_counts_as_served_once_it_is_said(vault):
    first = take(vault, None, DEPLOYMENT, "ssh://a", "init")
    assert not is_finished(vault, first)
    for _ in range(2):
        finish(vault, first)
    assert is_finished(vault, first)
    assert current(vault, DEPLOYMENT) == first
    assert not is_finished(vault, take(vault, first, DEPLOYMENT, "ssh://b", "promote"))


def test_of_two_that_take_it_at_once_one_ends_there(vault):
    held = take(vault, None, DEPLOYMENT, "ssh://a", "init")

    def attempt(name):
        try:
            return take(vault, held, DEPLOYMENT, name, "promote").holder
        except LeaseTakenError:
            return None

    with ThreadPoolExecutor(8) as pool:
        won = [name for name in pool.map(attempt, [f"ssh://{n}" for n in range(8)]) if name]
    assert len(won) == 1
    assert current(vault, DEPLOYMENT).holder == won[0]
    with pytest.raises(LeaseTakenError, match="ssh://"):
        take(vault, held, DEPLOYMENT, "ssh://late", "promote")


class Careless(FolderShelf):
    """Storage that takes no notice of the condition."""

    def create(self, name, content):
        self.write(name, [content])
        return True


def test_storage_that_ignores_the_condition_is_found_out(tmp_path):
    vault = ShelfVault(Careless(tmp_path / "vault"))
    held = take(vault, None, DEPLOYMENT, "ssh://a", "init")
    create = vault.shelf.create

    def overtaken(name, content):
        create(name, content)
        return create(
            name, content.replace(b"ssh://b", b"ssh://c").replace(b'"nonce":"', b'"nonce":"0')
        )

    vault.shelf.create = overtaken
    with pytest.raises(LeaseTakenError, match="ssh://c"):
        take(vault, held, DEPLOYMENT, "ssh://b", "promote")


def test_a_record_that_is_not_ours_is_never_passed_over(tmp_path):
    vault = ShelfVault(FolderShelf(tmp_path / "vault"), new_keys())
    take(vault, None, DEPLOYMENT, "ssh://a", "init")
    forged = f"standby/lease/{DEPLOYMENT[:16]}/00000002.json"
    vault.shelf.write(forged, [b'{"epoch":2,"holder":"ssh://evil"}'])
    with pytest.raises(VaultError, match="can't be trusted"):
        current(vault, DEPLOYMENT)
