"""Tools as a real server keeps them: a definition in each org, files in the root org's public/."""

import hashlib
import json


def test_a_tool_with_a_file_is_served_under_a_name_of_its_org(root):
    other = root.server.org(root.server.orgs.create("Acme", "OACME")["id"])
    other.start()
    rows = [org.tools.add({"name": "T", "filename": "t.exe"}, b"tool") for org in (root, other)]
    assert rows[0]["filestore_path"] != rows[1]["filestore_path"]
    for org, row in zip((root, other), rows, strict=True):
        assert row["hash"] == hashlib.sha256(b"tool").hexdigest()
        assert row["serve_locally"]
        assert row["admin_override"]
        assert (root.store.root / "public" / row["filestore_path"]).read_bytes() == b"tool"
        (stored,) = json.loads((org.store.root / "config/inventory.json.db").read_bytes())["tools"]
        assert stored["filestorePath"] == row["filestore_path"]
        assert stored["serveUrls"][0].endswith(f"/public/{row['filestore_path']}")


def test_one_of_the_same_name_and_version_is_replaced(root):
    root.tools.add({"name": "T", "version": "1"}, b"a")
    root.tools.add({"name": "T", "version": "2"}, b"b")
    root.tools.add({"name": "T", "version": "1", "url": "https://example.com/t"})
    assert [(t["version"], t["url"], t["hash"] != "") for t in root.tools.list()] == [
        ("2", "", True),
        ("1", "https://example.com/t", False),
    ]
