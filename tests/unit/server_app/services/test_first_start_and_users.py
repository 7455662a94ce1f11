"""First start, orgs and nonces, users and rights."""

import hashlib

import pytest

from server_app.services import OrgNotFound, ServiceError

ORG = {"name": "Acme", "org_id": "OACME", "nonce": "xjO1lZ2ufAY="}
SALT, PASSWORD = bytes(32), "secret"
USER = {
    "name": "first",
    "password_hash": hashlib.sha256(SALT + PASSWORD.encode()).hexdigest(),
    "password_salt": SALT.hex(),
}


def test_initial_orgs_bring_back_their_nonces_at_the_very_first_start(make_server):
    server = make_server(GUI={"initial_orgs": [ORG], "initial_users": [USER]})
    assert server.org("OACME").nonce == ORG["nonce"]
    assert server.orgs.by_nonce(ORG["nonce"]) == "OACME"


def test_initial_orgs_and_users_are_not_looked_at_where_install_time_is(make_server):
    make_server().close()
    server = make_server(GUI={"initial_orgs": [ORG], "initial_users": [USER]})
    assert server.orgs.ids() == ["root"]
    assert not server.org("").users.exists("first")


def test_initial_users_become_administrators_of_root_and_of_every_initial_org(make_server):
    server = make_server(GUI={"initial_orgs": [ORG], "initial_users": [USER]})
    for org_id in ("root", "OACME"):
        assert server.org(org_id).users.policy("first") == {"roles": ["administrator"]}
    assert server.org("").users.password_is("first", PASSWORD)


def test_org_create_makes_a_new_nonce(server, make_server):
    first = server.orgs.create("Acme", "OACME")
    again = make_server("other").orgs.create("Acme", "OACME")
    assert first["nonce"] != again["nonce"]
    assert server.orgs.by_nonce(again["nonce"]) is None


def test_the_orgs_record_put_in_place_while_stopped_brings_the_nonce_back(server, make_server):
    server.orgs.create("Acme", "OACME")
    server.close()
    record = server.store.load("Org", "orgs", "OACME")
    other = make_server("other", start=False)
    other.store.save("Org", record, "orgs", "OACME")
    other.start()
    assert other.orgs.by_nonce(record["nonce"]) == "OACME"


def test_an_org_id_in_use_is_refused(server):
    server.orgs.create("Acme", "OACME")
    with pytest.raises(ServiceError, match=r"^CreateNewOrg: Org ID already in use$"):
        server.orgs.create("Acme", "OACME")


def test_a_deleted_org_is_gone_with_its_files(server):
    server.orgs.create("Acme", "OACME")
    server.orgs.delete("OACME")
    with pytest.raises(OrgNotFound):
        server.org("OACME")
    assert not (server.root / "orgs" / "OACME").exists()
    with pytest.raises(ServiceError):
        server.orgs.delete("root")


def test_a_user_added_by_the_command_line_is_not_seen_by_a_running_server(server, make_server):
    users = make_server(start=False).org("").users
    users.add_roles("late", ["reader"])
    users.add("late", "pw")
    assert not server.org("").users.exists("late")
    server.close()
    assert make_server().org("").users.exists("late")


def test_passwords_are_kept_as_hashes_and_survive(root, make_server):
    root.users.create("alice", ["reader"], password="alicepw")
    root.server.close()
    users = make_server().org("").users
    assert users.password_is("alice", "alicepw")
    assert not users.password_is("alice", "other")
    assert "alicepw" not in (root.store.root / "users" / "alice.db").read_bytes().decode("latin-1")


def test_an_unknown_role_is_accepted_silently(root):
    assert root.users.create("zed2", ["nosuchrole"]) == "zed2"
    assert root.users.policy("zed2") == {"roles": ["nosuchrole"]}
    assert root.users.effective_policy("zed2") == {}


def test_scalar_roles_in_a_policy_are_lost_silently_and_with_them_all_rights(root):
    root.users.create("alice", ["investigator"])
    assert root.users.grant("alice", policy={"roles": "reader"}) == "alice"
    assert root.users.policy("alice") == {}
    assert "alice" not in [row["name"] for row in root.users.list(False, "VelociraptorServer")]


def test_a_policy_with_unknown_fields_is_refused(root):
    root.users.create("alice", ["investigator"])
    with pytest.raises(ServiceError, match=r"^Parsing Policy: Invalid policy fields: \[nosuch\]"):
        root.users.grant("alice", policy={"nosuch": True})
    assert root.users.policy("alice") == {"roles": ["investigator"]}


def test_an_unknown_org_is_refused_before_anything_is_stored(root):
    with pytest.raises(OrgNotFound, match=r"^Org not found$"):
        root.users.create("zed3", ["reader"], orgs=["ONOPE"])
    assert not root.users.exists("zed3")


def test_grant_replaces_the_policy_and_needs_roles_or_a_policy(root):
    root.users.create("alice", ["investigator"])
    root.users.grant("alice", roles=["reader"], policy={"label_clients": True})
    assert root.users.policy("alice") == {"label_clients": True, "roles": ["reader"]}
    with pytest.raises(ServiceError):
        root.users.grant("alice")


@pytest.mark.parametrize(
    ("roles", "permission", "allowed"),
    [
        (["administrator"], "SERVER_ADMIN", True),
        (["administrator"], "ORG_ADMIN", True),
        (["reader"], "READ_RESULTS", True),
        (["reader"], "ANY_QUERY", False),
        (["api"], "ANY_QUERY", True),
        (["investigator"], "COLLECT_CLIENT", True),
        (["analyst"], "COLLECT_CLIENT", False),
    ],
)
def test_roles_bring_their_permissions(root, roles, permission, allowed):
    root.users.create("u", roles)
    assert root.users.has_permission("u", permission) is allowed


def test_an_administrator_of_another_org_may_not_administrate_orgs(server):
    server.orgs.create("Acme", "OACME")
    users = server.org("OACME").users
    users.create("u", ["administrator"])
    assert not users.has_permission("u", "ORG_ADMIN")


def test_rows_of_gui_users_are_sorted_and_those_of_all_orgs_need_rights(server):
    server.orgs.create("Acme", "OACME")
    root = server.org("")
    root.users.create("bob", ["reader"], orgs=["root", "OACME"])
    root.users.create("adm", ["administrator"])
    rows = [(r["name"], r["org_id"]) for r in root.users.list(all_orgs=True, principal="adm")]
    assert rows == [("adm", "root"), ("admin", "root"), ("bob", "OACME"), ("bob", "root")]
    assert list(root.users.list(all_orgs=True, principal="nobody")) == []


def test_deleting_takes_rights_and_with_the_last_ones_the_user(root):
    root.users.create("bob", ["reader"])
    assert root.users.delete("bob") == [{"org_id": "root", "username": "bob"}]
    assert root.users.exists("bob")
    root.users.delete("bob", really_do_it=True)
    assert not root.users.exists("bob")


@pytest.mark.parametrize("name", ["", "VelociraptorServer"])
def test_bad_user_names_are_refused(root, name):
    with pytest.raises(ServiceError):
        root.users.create(name, ["reader"])


@pytest.mark.parametrize("name", ["a/b", "x y", "mail@example.com"])
def test_odd_user_names_are_taken(root, name):
    root.users.create(name, ["reader"])
    assert root.users.policy(name) == {"roles": ["reader"]}
    assert [row["name"] for row in root.users.list(False, "admin") if row["name"] == name] == [name]


def test_the_tree_of_an_empty_server_has_the_real_names(server, recorded):
    real = (recorded / "tree_A_redeployed_empty.txt").read_text().split()
    mine = {f"ds/{path.relative_to(server.root)}" for path in server.root.rglob("*")}
    wanted = {name for name in real if not name.startswith(("ds/server_artifact", "ds/users"))}
    assert wanted - mine == {"ds"}
