"""Ids that a real server took, and those that would be paths, or another org's."""

import pytest

from recovery.vault.check_names import is_client, is_org, org_of_client, wrong_flow

FLOW = "F.DC1TTK8CU03NE"
CLIENT = "C.c780063287738ef0"
TAKEN = ["root", "OACME", "oacme", "O-A", "o-", "o.x", "o x", "ö", "o@b.c", "o+1", "O_1"]


@pytest.mark.parametrize("org", TAKEN)
def test_orgs_and_their_clients_as_a_real_server_has_them(org):
    assert is_org(org)
    client = CLIENT if org == "root" else f"{CLIENT}-{org}"
    assert is_client(client)
    assert org_of_client(client) == org
    assert wrong_flow(org, client, FLOW, TAKEN) == ""


@pytest.mark.parametrize(
    "org",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "a\\b",
        ".x",
        "x.",
        "-x",
        " x",
        "x ",
        "x\n",
        "a\x00b",
        "x.json.db",
        "o_",
        "x" * 65,
        "a%2Fb",
        "a\x1b[2Jb",
        "a:b",
        "a*",
    ],
)
def test_what_is_no_id_of_an_org(org):
    """``o_`` is one that a real server takes and forgets at its next start."""
    assert not is_org(org)


def test_a_client_belongs_to_the_org_after_the_first_dash():
    assert wrong_flow("O-A", f"{CLIENT}-O-A", FLOW, ["root", "A", "O-A"]) == ""
    assert "client of the org O-A" in wrong_flow("A", f"{CLIENT}-O-A", FLOW, ["A", "O-A"])
    assert "client of the org A" in wrong_flow("O-A", f"{CLIENT}-A", FLOW, ["A", "O-A"])


def test_ids_of_offline_collectors_have_dashes_and_no_org():
    assert org_of_client("C.some-host-name") == "root"
    assert is_client("C.some-host-name")
    assert not is_client(f"{CLIENT}-../x")
