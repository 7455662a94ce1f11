import io
import os
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from recovery.errors import BadInputError, VaultError
from recovery.restore.choose_point import captured_last, newest_good
from recovery.vault import objects
from recovery.vault.folder_shelf import FolderShelf
from recovery.vault.keys import VaultKeys, new_keys
from recovery.vault.manifest import Archive
from recovery.vault.seal import blocks
from recovery.vault.shelf_vault import ShelfVault

BIG = os.urandom(5 << 20)


def put(vault, content, name="thing"):
    return vault.put(io.BytesIO(content), name)


def files(tmp_path, below=""):
    return sorted(path for path in (tmp_path / "vault" / below).rglob("*") if path.is_file())


def again(vault, keys=...):
    """The same vault, opened anew."""
    return ShelfVault(vault.shelf, vault.keys if keys is ... else keys)


@pytest.mark.parametrize("content", [b"", b"small", BIG], ids=["empty", "small", "big"])
def test_what_was_put_is_fetched(any_vault, tmp_path, content):
    item = put(any_vault, content)
    into = again(any_vault).fetch(item, tmp_path / "out")
    assert into.read_bytes() == content
    assert into.stat().st_mode & 0o777 == 0o600


def test_only_the_owner_reads_anything(any_vault, tmp_path, store_point):
    store_point(any_vault, 0, "a")
    for path in [tmp_path / "vault", *(tmp_path / "vault").rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0


def test_the_same_content_is_stored_once(any_vault, tmp_path):
    put(any_vault, b"x")
    (before,) = files(tmp_path, "objects")
    stamp = before.stat().st_mtime_ns
    put(again(any_vault), b"x", "another name")
    (after,) = files(tmp_path, "objects")
    assert (after, after.stat().st_mtime_ns) == (before, stamp)


def test_a_truncated_object_is_written_again(any_vault, tmp_path):
    item = put(any_vault, BIG)
    (path,) = files(tmp_path, "objects")
    path.write_bytes(path.read_bytes()[:-100_000])
    vault = again(any_vault)
    put(vault, BIG)
    assert vault.fetch(item, tmp_path / "out").read_bytes() == BIG


@pytest.mark.parametrize("content", [b"small content", BIG], ids=["small", "big"])
@pytest.mark.parametrize("damage", ["tampered", "truncated", "emptied", "removed", "swapped"])
def test_a_damaged_object_is_refused_by_name(any_vault, tmp_path, content, damage):
    other = put(any_vault, b"another")
    (theirs,) = files(tmp_path, "objects")
    item = put(any_vault, content, "flow F.1.zip")
    (path,) = [path for path in files(tmp_path, "objects") if path != theirs]
    raw = bytearray(path.read_bytes())
    if damage == "tampered":
        raw[-1] ^= 1
    elif damage == "truncated":
        del raw[-1]
    elif damage == "emptied":
        raw.clear()
    elif damage == "swapped":
        raw = bytearray(theirs.read_bytes())
    path.write_bytes(bytes(raw))
    if damage == "removed":
        path.unlink()
    with pytest.raises(VaultError, match=r"flow F\.1\.zip .* is refused") as refused:
        any_vault.fetch(item, tmp_path / "out")
    assert refused.value.hint
    assert not (tmp_path / "out").exists()
    with pytest.raises(VaultError, match=r"flow F\.1\.zip .* is refused"):
        any_vault.read(item)
    assert any_vault.fetch(other, tmp_path / "out").read_bytes() == b"another"


@pytest.mark.parametrize("content", [b"", b"small content", BIG], ids=["none", "small", "big"])
def test_what_is_read_is_what_was_stored(any_vault, content):
    item = put(any_vault, content)
    assert again(any_vault).read(item) == content


def test_no_more_is_read_than_the_manifest_says(tmp_path, monkeypatch):
    """Whoever owns the storage could else fill the memory of who recovers."""
    vault = ShelfVault(FolderShelf(tmp_path / "vault"))
    item = put(vault, b"small content")
    (path,) = files(tmp_path, "objects")
    with path.open("r+b") as stored:
        stored.truncate(64 << 20)
    taken = []
    monkeypatch.setattr(
        objects, "blocks", lambda stored: (taken.append(1) or one for one in blocks(stored))
    )
    with pytest.raises(VaultError, match="its hash differs"):
        vault.read(item)
    with pytest.raises(VaultError, match="its hash differs"):
        vault.fetch(item, tmp_path / "out")
    assert len(taken) < 20


def test_points_come_oldest_first_and_the_newest_is_chosen(any_vault, store_point):
    second = store_point(any_vault, 5, "b")
    first = store_point(any_vault, 0, "a")
    assert again(any_vault).points() == [first, second]
    assert again(any_vault).point() == second
    assert again(any_vault).point(first.point) == first


def test_no_point_is_said_so(any_vault, store_point):
    with pytest.raises(VaultError, match="no recovery point; there is no vault at this place"):
        any_vault.point()
    store_point(any_vault, 0)
    with pytest.raises(VaultError, match="no recovery point 'x'"):
        any_vault.point("x")


def test_a_manifest_whose_objects_are_gone_is_not_written(any_vault, tmp_path, make_point):
    with pytest.raises(VaultError, match="gone from the vault"):
        any_vault.commit(make_point(0))
    assert not files(tmp_path, "points")


def test_a_write_that_fails_leaves_nothing(tmp_path):
    def pieces():
        yield b"x"
        raise OSError(28, "No space left on device")

    shelf = FolderShelf(tmp_path / "vault")
    with pytest.raises(VaultError, match="No space left"):
        shelf.write("objects/x", pieces())
    assert not files(tmp_path)


def test_two_at_once_do_no_harm(any_vault, tmp_path, make_point):
    def capture(hours):
        vault = again(any_vault)
        texts = [f"{hours}-{n}" for n in range(20)]
        for text in ("package", "config", *texts):
            put(vault, text.encode())
        vault.remember([])
        vault.commit(make_point(hours, *texts))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(capture, range(4)))
    assert len(again(any_vault).points()) == 4
    for point in again(any_vault).points():
        for item in point.objects():
            again(any_vault).fetch(item, tmp_path / "out")


def test_what_a_cut_off_capture_stored_is_remembered(any_vault, make_point, store_point):
    archives = [
        archive.model_copy(update={"fingerprint": archive.flow_id})
        for archive in make_point(0, "a", "b").archives
    ]
    any_vault.remember(archives)
    assert again(any_vault).remembered() == archives
    store_point(any_vault, 0, "a")
    assert again(any_vault).remembered() == []


# Sealed and signed.


def test_a_reader_without_keys_learns_sizes_only(vault, tmp_path, store_point):
    manifest = store_point(vault, 0, "very secret content")
    put(vault, b"very secret content" * 100)
    for path in files(tmp_path):
        raw = path.read_bytes()
        for secret in (b"secret", b"package", b'velociraptor"', b"F.very"):
            assert secret not in raw
        for item in manifest.objects():
            assert item.sha256 not in str(path)
            assert item.sha256.encode() not in raw


@pytest.mark.parametrize(
    "place", [0.05, 0.3, 0.6, 0.9, 0.999], ids=lambda place: f"byte at {place}"
)
def test_a_tampered_manifest_is_refused_by_name(vault, tmp_path, store_point, place):
    manifest = store_point(vault, 0, "a")
    (path,) = files(tmp_path, "points")
    raw = bytearray(path.read_bytes())
    raw[int(len(raw) * place)] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(VaultError, match=f"manifest of {manifest.point} is refused"):
        again(vault).point()


def test_a_swapped_manifest_is_refused_by_name(vault, tmp_path, store_point):
    store_point(vault, 0, "a")
    store_point(vault, 5, "b")
    old, new = files(tmp_path, "points")
    new.write_bytes(old.read_bytes())
    with pytest.raises(
        VaultError, match=f"{new.stem} is refused: it is the manifest of {old.stem}"
    ):
        again(vault).point()


def test_a_replaced_manifest_is_refused_although_it_is_signed(vault, tmp_path, store_point):
    manifest = store_point(vault, 0, "a")
    (path,) = files(tmp_path, "points")
    before = path.read_bytes()
    path.unlink()
    store_point(vault, 0, "b")
    assert path.read_bytes() != before
    path.write_bytes(before)
    with pytest.raises(VaultError, match=f"{manifest.point} is refused: it was replaced"):
        again(vault).point()


def test_a_manifest_changed_after_it_was_opened_is_not_taken_from_memory(
    vault, tmp_path, store_point
):
    manifest = store_point(vault, 0, "a")
    assert vault.point() == manifest
    (path,) = files(tmp_path, "points")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(VaultError, match=f"manifest of {manifest.point} is refused"):
        vault.point()


def test_a_rolled_back_vault_is_refused(vault, tmp_path, store_point):
    first = store_point(vault, 0, "a")
    second = store_point(vault, 5, "b")
    files(tmp_path, "points")[1].unlink()
    with pytest.raises(VaultError, match=f"rolled back: {second.point}"):
        again(vault).point()
    assert again(vault).point(first.point) == first


def adopt(vault, make_point, made, captured):
    """A point with a late name and old content, as `recovery vault adopt` makes it."""
    point = make_point(made, "old")
    for text in ("package", "config", "old"):
        put(vault, text.encode(), text)
    ago = timedelta(hours=made - captured)
    vault.commit(point.model_copy(update={"captured_at": point.captured_at - ago}))
    return point


def test_an_adopted_point_made_later_does_not_hide_that_a_newer_one_is_gone(
    vault, tmp_path, store_point, make_point
):
    first, second = store_point(vault, 0, "a"), store_point(vault, 5, "b")
    adopted = adopt(vault, make_point, 9, 1)
    assert newest_good(again(vault)).point == second.point
    files(tmp_path, "points")[1].unlink()
    with pytest.raises(VaultError, match=f"rolled back: {second.point}") as refused:
        newest_good(again(vault))
    assert f"--point {adopted.point}" in refused.value.hint
    with pytest.raises(VaultError, match="rolled back"):
        captured_last(again(vault))
    assert again(vault).point(first.point) == first


def test_also_where_the_adopted_one_was_never_opened_here(vault, tmp_path, store_point, make_point):
    second = store_point(vault, 5, "b")
    adopted = adopt(vault, make_point, 9, 1)
    files(tmp_path, "points")[0].unlink()
    vault.seen.forget([adopted.point])
    with pytest.raises(VaultError, match=f"rolled back: {second.point}"):
        newest_good(again(vault))


def test_an_adopted_one_that_was_pruned_elsewhere_is_no_rollback(
    vault, tmp_path, store_point, make_point
):
    second = store_point(vault, 5, "b")
    adopt(vault, make_point, 9, 1)
    files(tmp_path, "points")[1].unlink()
    assert newest_good(again(vault)).point == second.point


def test_nor_does_one_of_a_time_to_come_hide_it(vault, tmp_path, store_point):
    store_point(vault, 0, "a")
    second = store_point(vault, 5, "b")
    store_point(vault, 24 * 365 * 90, "c")
    files(tmp_path, "points")[1].unlink()
    with pytest.raises(VaultError, match=f"rolled back: {second.point}"):
        newest_good(again(vault))


def test_an_unsigned_manifest_is_refused(vault, tmp_path, store_point, make_point):
    store_point(vault, 0, "a")
    (path,) = files(tmp_path, "points")
    path.write_text(make_point(0, "a").model_dump_json())
    with pytest.raises(VaultError, match="not a signed document"):
        again(vault).point()


def test_a_stranger_can_not_add_a_point(vault, store_point, keys):
    strangers = new_keys()
    forger = ShelfVault(
        vault.shelf,
        VaultKeys(keys.recipients, strangers.identities, strangers.catalog, strangers.signing),
    )
    store_point(vault, 0, "a")
    forged = store_point(forger, 5, "b")
    with pytest.raises(VaultError, match=f"{forged.point} is refused: .*no trusted key") as refused:
        again(vault).point()
    assert "are the keys here (RECOVERY_KEYS) this vault's own?" in refused.value.hint
    assert len(again(vault).points()) == 1


def test_a_capturing_host_sees_what_there_is_but_not_its_content(
    vault, tmp_path, store_point, keys
):
    capturing = VaultKeys(recipients=keys.recipients, catalog=keys.catalog, signing=keys.signing)
    manifest = store_point(again(vault, capturing), 0, "a")
    host = again(vault, capturing)
    assert host.points() == [manifest]
    assert host.holds(manifest.config)
    with pytest.raises(VaultError, match=r"there is no identity\.txt"):
        host.fetch(manifest.config, tmp_path / "out")
    restoring = VaultKeys(identities=keys.identities, trusted=keys.trusted)
    elsewhere = again(vault, restoring)
    assert elsewhere.fetch(elsewhere.point().config, tmp_path / "out").read_bytes() == b"config"


@pytest.mark.parametrize("missing", ["recipients", "catalog", "signing"])
def test_keys_that_can_not_write_are_told_so(vault, keys, missing):
    lacking = VaultKeys(**(keys.__dict__ | {missing: type(getattr(keys, missing))()}))
    with pytest.raises(BadInputError, match="there is no"):
        put(again(vault, lacking), b"x")


def test_sealed_and_unsealed_never_mix(vault, tmp_path, store_point, keys):
    store_point(vault, 0, "a")
    without = again(vault, None)
    for act in (lambda: put(without, b"x"), without.point, without.points):
        with pytest.raises(BadInputError, match="sealed, and no keys"):
            act()
    open_to_all = ShelfVault(FolderShelf(tmp_path / "other"))
    store_point(open_to_all, 0, "a")
    with pytest.raises(BadInputError, match="not sealed"):
        put(again(open_to_all, keys), b"x")


def test_a_strangers_note_of_a_cut_off_capture_is_passed_over(vault, keys):
    strangers = new_keys()
    forger = ShelfVault(
        vault.shelf,
        VaultKeys(keys.recipients, strangers.identities, keys.catalog, strangers.signing),
    )
    vault.remember([])
    forger.remember([Archive(kind="flow", org="root", file=put(vault, b"x"), fingerprint="forged")])
    assert again(vault).remembered() == []
