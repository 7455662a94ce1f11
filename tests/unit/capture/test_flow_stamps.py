import os
from pathlib import Path

import pytest

from recovery.capture.flow_stamps import list_files, parse_stamps, read_stamps
from recovery.errors import CommandError
from recovery.target import open_target

LOCAL = open_target("local://")
TREE = Path(__file__).parents[2] / "fixtures/velociraptor-0.77.2/tree_A_full_before_disaster.txt"
FLOW = "clients/C.1/collections/F.1"


def write(folder, path, text="x"):
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def stamps(*folders):
    """As read an hour later: nothing is fresh."""
    now, _, rest = list_files(LOCAL, [str(folder) for folder in folders]).partition(b"\n")
    return parse_stamps(b"%d\n%b" % (int(now) + 3600, rest))


@pytest.fixture
def flow(tmp_path):
    for name in (".json.db", "/stats.json.db", "/requests.json.db", "/uploads.json", "/logs.json"):
        write(tmp_path, FLOW + name)
    return tmp_path


def stamp(folder):
    return stamps(folder)["root"]["C.1/F.1"]


def test_the_flows_of_a_real_datastore(tmp_path):
    listed = [line.removeprefix("ds/") for line in TREE.read_text().splitlines()]
    for path in listed:
        if "." in path.rpartition("/")[2] and f"{path}/" not in "\n".join(listed):
            write(tmp_path, path)
    found = stamps(tmp_path)
    records = [path for path in listed if "/collections/" in path and path.count(".json.db")]
    wanted = {
        path.removesuffix(".json.db").replace("/collections/", "/").split("clients/")[1]
        for path in records
        if path.rpartition("/")[0].endswith("/collections")
    }
    assert found.keys() == {"root", "OACME"}
    assert {key for flows in found.values() for key in flows} == wanted
    assert all(key.startswith("C.19111fed7cb0ceed-OACME/") for key in found["OACME"])


@pytest.mark.parametrize("name", [".json.db", "/stats.json.db", "/uploads.json"])
def test_a_file_that_is_written_again_changes_the_stamp_even_with_its_old_time(flow, name):
    before = stamp(flow)
    path = flow / f"{FLOW}{name}"
    about = path.stat()
    path.write_text("y")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    assert stamp(flow) != before


def test_the_list_of_uploads_counts_in_a_file_store_of_its_own(flow, tmp_path_factory):
    files = tmp_path_factory.mktemp("files")
    before = stamps(flow, files)
    assert before == stamps(flow)
    write(files, f"{FLOW}/uploads.json")
    assert stamps(flow, files) != before


def test_what_no_row_is_made_of_does_not_change_it(flow):
    before = stamp(flow)
    write(flow, f"{FLOW}/logs.json", "more")
    write(flow, f"{FLOW}/uploads/file/stats.json.db", "a client's own file")
    write(flow, "clients/C.1/artifacts/A/F.1.json", "rows")
    assert stamp(flow) == before


def test_a_flow_changed_just_now_has_no_stamp_yet(flow):
    assert read_stamps(LOCAL, [str(flow)]) == {"root": {"C.1/F.1": ""}}


def test_a_flow_without_a_record_is_none(flow):
    (flow / f"{FLOW}.json.db").unlink()
    assert stamps(flow) == {}


def test_the_monitoring_flow_is_none(flow):
    write(flow, "clients/C.1/collections/F.Monitoring.json.db")
    assert list(stamps(flow)["root"]) == ["C.1/F.1"]


def test_odd_names(tmp_path):
    write(tmp_path, "orgs/O 1/clients/C.%2F\nx/collections/F.a%25b.json.db")
    write(tmp_path, "clients/server/collections/F.1.json.db")
    found = {org: list(flows) for org, flows in stamps(tmp_path).items()}
    assert found == {"root": ["server/F.1"], "O 1": ["C./\nx/F.a%b"]}


def test_an_empty_datastore_has_none_and_a_missing_one_is_an_error(tmp_path):
    assert read_stamps(LOCAL, [str(tmp_path)]) == {}
    with pytest.raises(CommandError):
        read_stamps(LOCAL, [str(tmp_path / "none")])
