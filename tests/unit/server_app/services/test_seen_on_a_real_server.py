"""Small rules that came to light when the recorded calls were repeated on both servers."""

import io
import json
import zipfile

from tests.unit.server_app.conftest import CLIENT

NAMED = """\
name: Custom.Named
type: CLIENT
sources:
  - name: First
    query: SELECT * FROM info()
"""


def test_the_rights_over_orgs_stay_in_the_root_org(server):
    server.org("").orgs.create("Acme", "OACME")
    roles = ["administrator", "org_admin"]
    server.org("").users.create("boss", roles, orgs=["root", "OACME"])
    assert server.org("").users.policy("boss")["roles"] == roles
    assert server.org("OACME").users.policy("boss")["roles"] == ["administrator"]


def test_an_administrator_of_orgs_sees_all_orgs_and_a_reader_no_nonce(server):
    root = server.org("")
    root.orgs.create("Acme", "OACME")
    root.users.create("boss", ["org_admin"])
    root.users.create("reader", ["reader"], orgs=["OACME"])
    assert [row["OrgId"] for row in root.orgs.list("boss")] == ["root", "OACME"]
    assert list(root.orgs.list("reader")) == [{"Name": "Acme", "OrgId": "OACME"}]


def test_a_slash_in_a_backups_name_is_quoted(server):
    rows = list(server.org("").backups.create("sub/dir"))
    assert 'fs:/backups/"sub/dir".zip' in rows[-1]["Message"]
    assert (server.root / "backups" / "sub%2Fdir.zip").is_file()


def test_rows_of_a_named_source_come_back_from_an_export(server, imported, tmp_path, recorded):
    """A real export writes Artifact%2FSource; the other spelling would lose the rows silently."""
    changed = io.BytesIO()
    with (
        zipfile.ZipFile(recorded / "flow_custom_artifact.zip") as old,
        zipfile.ZipFile(changed, "w") as new,
    ):
        for name in old.namelist():
            content = old.read(name).replace(b"Custom.Server.Marker", b"Custom.Named/First")
            new.writestr(name.replace("Custom.Server.Marker", "Custom.Named%2FFirst"), content)
    root = server.org("")
    root.artifacts.set(NAMED, [], principal="admin")
    path = tmp_path / "named.zip"
    path.write_bytes(changed.getvalue())
    flow = imported(root, path, client_id=CLIENT)["session_id"]
    assert len(list(root.flows.results(CLIENT, flow, "Custom.Named", "First"))) == 1
    lines: list[str] = []
    exported = root.exports.flow(CLIENT, flow, wait=True, log=lines.append)
    with root.files.open(exported) as stream, zipfile.ZipFile(stream) as archive:
        assert "results/Custom.Named%2FFirst.json" in archive.namelist()


def test_the_server_stands_among_its_clients_once_it_has_flows(server):
    root = server.org("")
    root.clients.set_server_metadata({"site": "HQ"})
    assert list(root.clients.list()) == []
    root.flows.collect("server", ["Server.Utils.DeleteClient"], principal="admin")
    assert [row["client_id"] for row in root.clients.list()] == ["server"]


def test_a_sparse_file_comes_and_goes_with_its_ranges(server, imported, tmp_path, recorded):
    """As a real 0.77.2 exported one: a row of type ``idx``, its file beside the other."""
    parts = ["uploads", "sparse", "srv", "sparse.bin"]
    row = {"_Components": parts, "_accessor": "sparse", "_client_components": parts[2:]}
    row |= {"Timestamp": 1795990032, "file_size": 1048583, "uploaded_size": 12}
    rows = [
        {**row, "vfs_path": "/srv/sparse.bin", "Type": ""},
        {**row, "vfs_path": "/srv/sparse.bin.idx", "Type": "idx"},
    ]
    ranges = b'{"ranges": [{"file_length": 5, "length": 5}]}'
    path = tmp_path / "sparse.zip"
    with (
        zipfile.ZipFile(recorded / "flow_custom_artifact.zip") as old,
        zipfile.ZipFile(path, "w") as new,
    ):
        for name in old.namelist():
            if not name.startswith("uploads"):
                new.writestr(name, old.read(name))
        new.writestr("uploads.json", "".join(json.dumps(row) + "\n" for row in rows))
        new.writestr("/".join(parts), b"twelve bytes")
        new.writestr("/".join(parts) + ".idx", ranges)
    root = server.org("")
    flow = imported(root, path, client_id=CLIENT)["session_id"]
    folder = server.root / "clients" / CLIENT / "collections" / flow / "uploads" / "sparse" / "srv"
    assert (folder / "sparse.bin").read_bytes() == b"twelve bytes"
    assert (folder / "sparse.bin.idx").read_bytes() == ranges
    exported = root.exports.flow(CLIENT, flow, wait=True, log=lambda _line: None)
    with root.files.open(exported) as stream, zipfile.ZipFile(stream) as archive:
        assert archive.read("/".join(parts)) == b"twelve bytes"
        assert archive.read("/".join(parts) + ".idx") == ranges
        assert len(set(archive.namelist())) == len(archive.namelist())


def test_deleting_a_flow_empties_the_clients_list_until_it_is_asked_for(server):
    """An append in between makes a list of that one flow, which is taken for whole."""
    org = server.org("")
    org.artifacts.set(NAMED, [], "admin")
    org.clients.create(client_id=CLIENT, hostname="vm", os="linux")

    def collect():
        return org.flows.collect(CLIENT, ["Custom.Named"], principal="admin")["flow_id"]

    def delete(flow):
        list(org.flows.delete(flow, CLIENT, really_do_it=True, principal="admin"))

    def listed():
        return {row["session_id"] for row in org.flows.list(CLIENT)}

    first, second, third, fourth = (collect() for _ in range(4))
    delete(first)
    assert listed() == {second, third, fourth}
    fifth = collect()
    assert listed() == {second, third, fourth, fifth}
    delete(second)
    sixth = collect()
    assert listed() == {sixth}
    assert {row["session_id"] for row in org.flows.list(CLIENT, third)} == {third}
