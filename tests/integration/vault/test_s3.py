import hashlib
import io
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from obstore.store import S3Store

from recovery.errors import VaultError
from recovery.vault.keys import new_keys, write_keys
from recovery.vault.manifest import Archive, Manifest, Package, Server, StoredObject
from recovery.vault.open import open_vault
from recovery.vault.retention import Policy, carry_out, plan
from recovery.vault.verify_points import verify_points
from recovery.velociraptor.inventory import Inventory

BIG = os.urandom(40 << 20)
BEGIN = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture(params=["plain", "sealed"])
def environment(request, tmp_path):
    if request.param == "plain":
        return {}
    write_keys(new_keys(), tmp_path / "keys")
    return {"RECOVERY_KEYS": str(tmp_path / "keys")}


def quiet(line):
    """Progress is of no interest here."""


def item(content, name="thing"):
    return StoredObject(sha256=hashlib.sha256(content).hexdigest(), size=len(content), name=name)


def point_of(hours, *contents):
    at = BEGIN + timedelta(hours=hours)
    return Manifest(
        point=f"{at:%Y%m%dT%H%M%SZ}-aaaaaa",
        captured_at=at,
        finished_at=at,
        parts=["redeploy"],
        server=Server(
            kind="velociraptor", version="1", deployment="d" * 64, uri="x", server_urls=[]
        ),
        package=Package(file=item(b"package"), version="1", config_fingerprint="f", origin="kept"),
        config=item(b"config"),
        config_newer=False,
        archives=[Archive(kind="flow", org="root", file=item(each)) for each in contents],
        inventory=Inventory(orgs={"root": {}}),
    )


def store(vault, hours, *contents):
    manifest = point_of(hours, *contents)
    for content in (b"package", b"config", *contents):
        vault.put(io.BytesIO(content), "thing")
    vault.commit(manifest)
    return manifest


def test_a_point_comes_back_whole(s3, environment, tmp_path):
    uri = s3.uri(s3.bucket())
    old = store(open_vault(uri, environment), 0, b"", BIG)
    new = store(open_vault(uri, environment), 5, BIG)
    vault = open_vault(uri, environment)
    assert vault.points() == [old, new]
    assert vault.point() == new
    found = verify_points(vault, [], 1.0, quiet)
    assert found.whole
    assert found.opened == 4
    into = vault.fetch(new.archives[0].file, tmp_path / "out")
    assert into.read_bytes() == BIG


def test_what_is_there_is_not_uploaded_again(s3, environment):
    bucket = s3.bucket()
    store(open_vault(s3.uri(bucket), environment), 0, BIG)
    before = {
        entry["Key"]: entry["LastModified"]
        for entry in s3.client().list_objects_v2(Bucket=bucket)["Contents"]
    }
    time.sleep(1.1)
    store(open_vault(s3.uri(bucket), environment), 5, BIG)
    after = s3.client().list_objects_v2(Bucket=bucket)["Contents"]
    changed = [entry["Key"] for entry in after if before.get(entry["Key"]) != entry["LastModified"]]
    assert [key.split("/")[2] for key in changed] == ["points"]


def test_an_unreachable_vault_leaves_the_earlier_points_as_they_were(s3, environment):
    uri = s3.uri(s3.bucket())
    first = store(open_vault(uri, environment), 0, b"a")
    vault = open_vault(uri, environment)
    vault.put(io.BytesIO(b"package"), "package")

    class CutOff(io.BytesIO):
        """The server goes away while this is uploaded."""

        reads = 0

        def read(self, size=-1):
            self.reads += 1
            if self.tell() > 20 << 20 and self.reads > 60:
                s3.stop()
            return super().read(size)

    try:
        with pytest.raises(VaultError) as refused:
            impatient(vault).put(CutOff(BIG), "big")
        assert "earlier recovery points are as they were" in refused.value.hint
        with pytest.raises(VaultError):
            impatient(vault).commit(point_of(5, BIG))
    finally:
        s3.start()
    again = open_vault(uri, environment)
    assert again.points() == [first]
    assert verify_points(again, [], 1.0, quiet).whole


def impatient(vault):
    """The same vault, with an S3 client that doesn't try for minutes."""
    old = vault.shelf._store
    vault.shelf._store = S3Store(
        prefix=old.prefix,
        config=old.config,
        client_options={"allow_http": True, "timeout": "5s"},
        retry_config={"max_retries": 1, "retry_timeout": timedelta(seconds=2)},
    )
    return vault


@pytest.mark.parametrize("trouble", ["bucket", "credentials"])
def test_a_wrong_bucket_or_key_is_said_so(s3, trouble, monkeypatch):
    uri = s3.uri("no-such-bucket" if trouble == "bucket" else s3.bucket())
    if trouble == "credentials":
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    with pytest.raises(VaultError) as refused:
        open_vault(uri, {}).put(io.BytesIO(b"x"), "x")
    assert "bucket" in refused.value.hint
    assert "wrong" not in str(refused.value)


def test_what_is_under_object_lock_stays(s3, environment):
    bucket = s3.bucket(locked=True)
    uri = s3.uri(bucket)
    old = store(open_vault(uri, environment), 0, b"old")
    new = store(open_vault(uri, environment), 24, b"new")
    client = s3.client()
    key = f"some/where/points/{old.point}.json"
    client.put_object_legal_hold(Bucket=bucket, Key=key, LegalHold={"Status": "ON"})
    policy, grace = Policy(last=1, daily=0, weekly=0, monthly=0), timedelta(0)
    now = datetime.now(UTC) + timedelta(days=1)
    vault = open_vault(uri, environment)
    made = carry_out(vault, plan(vault, policy, grace, now), now)
    assert made.locked == [f"points/{old.point}.json"]
    assert open_vault(uri, environment).points() == [old, new]
    client.put_object_legal_hold(Bucket=bucket, Key=key, LegalHold={"Status": "OFF"})
    vault = open_vault(uri, environment)
    made = carry_out(vault, plan(vault, policy, grace, now), now)
    assert made.remove == [old.point]
    again = open_vault(uri, environment)
    assert again.points() == [new]
    assert not again.holds(old.archives[0].file)
    assert verify_points(again, [], 1.0, quiet).whole


@pytest.mark.slow
def test_memory_stays_flat(s3, tmp_path):
    write_keys(new_keys(), tmp_path / "keys")
    with (tmp_path / "big").open("wb") as out:
        for _ in range(60):
            out.write(os.urandom(10 << 20))
    script = (
        "import sys, resource\n"
        "from recovery.vault.open import open_vault\n"
        "vault = open_vault(sys.argv[1])\n"
        "with open(sys.argv[2], 'rb') as file:\n"
        "    item = vault.put(file, 'big')\n"
        "from pathlib import Path\n"
        "vault.fetch(item, Path(sys.argv[2] + '.out'))\n"
        # getrusage(SELF) would tell the peak of whoever forked us, too: exec doesn't reset it.
        "own = next(x for x in open('/proc/self/status') if x.startswith('VmHWM'))\n"
        "print(own.split()[1])\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, s3.uri(s3.bucket()), str(tmp_path / "big")],
        env={**os.environ, "RECOVERY_KEYS": str(tmp_path / "keys")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert max(int(line) for line in done.stdout.split()) < 300_000  # KiB
