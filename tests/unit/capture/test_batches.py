from recovery.capture.collection import Collection
from recovery.capture.export_archives import batch


def collection(ident, org="root", kind="flow", upload_bytes=0):
    return Collection(kind, org, ident, "C.1", "h", "FINISHED", (), 0, upload_bytes, None, ident)


def test_a_batch_has_one_org_and_kind():
    items = [
        collection("F.1"),
        collection("F.2"),
        collection("H.1", kind="hunt"),
        collection("F.3", org="OACME"),
    ]
    assert [[item.ident for item in part] for part in batch(items)] == [
        ["F.1", "F.2"],
        ["H.1"],
        ["F.3"],
    ]


def test_a_batch_ends_at_100_collections():
    assert [len(part) for part in batch([collection(str(n)) for n in range(250)])] == [
        100,
        100,
        50,
    ]


def test_a_batch_ends_at_a_gigabyte():
    items = [collection(str(n), upload_bytes=600 << 20) for n in range(3)]
    assert [len(part) for part in batch(items)] == [1, 1, 1]
    assert batch([]) == []
