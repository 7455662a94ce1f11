"""Everything that a server can hold is counted, and equal content gives equal digests."""

import time

import pytest

from recovery.errors import ServerError
from recovery.velociraptor.api import open_api
from recovery.velociraptor.inventory import ITEMS
from recovery.velociraptor.take_inventory import take_inventory

pytestmark = [pytest.mark.docker, pytest.mark.velociraptor, pytest.mark.slow]


def counted(served):
    with open_api(served.target, served.config) as api:
        return take_inventory(api, served.target, served.config)


def test_every_item_is_found(served):
    root = served.manifest.inventory.orgs["root"]
    assert [item for item in ITEMS if not root[item]] == []
    assert sorted(root["orgs"]) == ["OTEST", "root"]
    assert list(root["clients"]) == [served.client]
    assert list(root["labels"]) == [f"{served.client}/prod"]
    assert list(root["secrets"]) == ["AWS S3 Creds/s"]
    assert len(root["hunt_results"]) == 1
    assert "prod/Generic.Client.Stats" in root["client_monitoring"]


def test_an_upload_is_known_by_its_path_and_size(served):
    (key,) = served.manifest.inventory.orgs["root"]["uploads"]
    assert key.startswith(f"{served.client}/F.")
    assert key.endswith("/etc/os-release")
    size = served.target.run(["stat", "-L", "-c", "%s", "/etc/os-release"]).text
    assert served.manifest.inventory.orgs["root"]["uploads"][key] == size


def test_an_org_has_only_its_own(served):
    other = served.manifest.inventory.orgs["OTEST"]
    assert other["artifacts"] == {}
    assert other["orgs"] == other["users"] == other["passwords"] == {}


def test_nothing_secret_stands_in_it(served):
    text = served.manifest.inventory.model_dump_json()
    assert served.config.values["Client"]["nonce"] not in text
    assert "a-throw-away-password" not in text


def test_twice_counted_is_equal_and_a_restart_changes_nothing(served):
    first = counted(served)
    served.target.run(["systemctl", "restart", "velociraptor_server"], timeout=120)
    with open_api(served.target, served.config) as api:
        api.wait_ready(60)
    assert counted(served) == first


def _each(what):
    return f"SELECT {what} AS A FROM scope()"


CHANGES = {
    "labels": (
        'label(client_id=C, labels=["more"], op="set")',
        'label(client_id=C, labels=["more"], op="remove")',
    ),
    "passwords": ('passwd(user="alice", password="another")', "TRUE"),
    "acls": (
        'user_grant(user="alice", roles=["analyst"])',
        'user_grant(user="alice", roles=["reader"])',
    ),
    "tools": (
        'inventory_add(tool="t", file="/etc/os-release", accessor="file", filename="x")',
        'inventory_add(tool="t", file="/etc/os-release", accessor="file")',
    ),
    "client_metadata": (
        'client_set_metadata(client_id=C, metadata=dict(owner="x"))',
        'client_set_metadata(client_id=C, metadata=dict(owner="ops"))',
    ),
    # One of its own: a real server encrypts a secret anew each time it is modified, so that
    # one changed and put back is not as it was.
    "secrets": (
        (
            'secret_add(name="t", type="AWS S3 Creds", secret=dict('
            'region="r", credentials_key="k", credentials_secret="s"))'
        ),
        'secret_modify(name="t", type="AWS S3 Creds", delete=TRUE)',
    ),
}


@pytest.mark.parametrize("item", CHANGES)
def test_a_change_shows_in_its_own_item_and_nowhere_else(served, item):
    change, back = (_each(what) for what in CHANGES[item])
    before = counted(served).orgs["root"]
    served.query(change, C=served.client)
    changed = counted(served).orgs["root"]
    served.query(back, C=served.client)
    assert [name for name in ITEMS if changed[name] != before[name]] == [item]


def test_a_server_that_does_not_answer_is_never_taken_for_empty(served):
    served.target.run(["systemctl", "stop", "velociraptor_server"])
    try:
        with pytest.raises(ServerError):
            counted(served)
    finally:
        served.target.run(["systemctl", "start", "velociraptor_server"])
        with open_api(served.target, served.config) as api:
            api.wait_ready(60)


SERVERS = """name: Custom.Test.Servers
type: SERVER
sources:
  - query: SELECT upload(file="four", accessor="data", name="note.txt") AS U FROM scope()
"""


def test_an_upload_of_the_servers_own_is_counted_too(served):
    """Its row says less than a client's: a query that names a column it lacks fails whole."""
    served.query("SELECT artifact_set(definition=D).name AS A FROM scope()", D=SERVERS)
    asked = 'SELECT collect_client(client_id="server", artifacts=A).flow_id AS F FROM scope()'
    (row,) = served.query(asked, A="Custom.Test.Servers")
    deadline = time.monotonic() + 30
    while not _ended(served, row["F"]):
        assert time.monotonic() < deadline, "the collection did not end"
        time.sleep(0.1)
    uploads = counted(served).orgs["root"]["uploads"]
    (key,) = [key for key in uploads if key.startswith(f"server/{row['F']}/")]
    assert key.endswith("/note.txt")
    assert uploads[key] == "4"


def _ended(served, flow):
    asked = 'SELECT state FROM flows(client_id="server", flow_id=F)'
    (row,) = served.query(asked, F=flow)
    return row["state"] == "FINISHED"
