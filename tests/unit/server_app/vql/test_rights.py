"""Who may do what: a lack of rights is a log line, too."""

import pytest

DENIED = [
    ('SELECT org_create(name="x") AS r FROM scope()', "org_create", "ORG_ADMIN"),
    ('SELECT * FROM backup(name="x")', "backup", "SERVER_ADMIN"),
    ('SELECT * FROM backup_restore(name="x")', "backup_restore", "SERVER_ADMIN"),
    ('SELECT user_create(user="x", roles="reader") AS r FROM scope()', "user_create",
     "SERVER_ADMIN"),
    ('SELECT user_grant(user="x", roles="reader") AS r FROM scope()', "user_grant",
     "SERVER_ADMIN"),
    ('SELECT collect_client(client_id="C.1", artifacts="Generic.Client.Info") AS r FROM scope()',
     "collect_client", "COLLECT_CLIENT"),
    ('SELECT collect_client(client_id="server", artifacts="Generic.Client.Info") AS r FROM scope()',
     "collect_client", "COLLECT_SERVER"),
    ('SELECT hunt(artifacts="Generic.Client.Info") AS r FROM scope()', "hunt", "START_HUNT"),
    ('SELECT label(client_id="C.1", labels="x", op="set") AS r FROM scope()', "label",
     "LABEL_CLIENT"),
    ("SELECT server_metadata() AS r FROM scope()", "server_metadata", "SERVER_ADMIN"),
    ('SELECT artifact_set(definition="name: X") AS r FROM scope()', "artifact_set",
     "ARTIFACT_WRITER"),
    ("SELECT * FROM secrets()", "secrets", "SERVER_ADMIN"),
    ("SELECT * FROM notebooks(all=TRUE)", "notebooks", "SERVER_ADMIN"),
    ('SELECT read_file(filename="/etc/hostname") AS r FROM scope()', "read_file",
     "FILESYSTEM_READ"),
    ('SELECT copy(filename="x", accessor="data", dest="/no/such") AS r FROM scope()', "copy",
     "FILESYSTEM_WRITE"),
    ('SELECT upload_s3(file="x", accessor="data", bucket="b") AS r FROM scope()', "upload_S3",
     "NETWORK"),
]  # fmt: skip


@pytest.mark.parametrize(("query", "name", "right"), DENIED, ids=[case[0] for case in DENIED])
def test_a_reader_may_not(ask_server, query: str, name: str, right: str) -> None:
    ask_server('SELECT user_create(user="bob", roles="reader") FROM scope()')
    rows, logs = ask_server(query, user="bob")
    assert rows in ([], [{"r": None}], [{"r": ""}])
    assert logs[-1] in {
        f"{name}: PermissionDenied: Permission denied: [{right}]",
        f"{name}: Field filename Accessor auto: PermissionDenied: Permission denied: [{right}]",
        f"{name}: PermissionDenied: User bob is not allowed to launch flows {right}.",
        f"{name}: Error: PermissionDenied, User bob is not admin on <root>. ",
    }


def test_an_admin_of_one_org_makes_no_users_in_another(ask_server) -> None:
    ask_server('SELECT org_create(name="Acme", org_id="OACME") FROM scope()')
    ask_server('SELECT user_create(user="bob", roles="administrator", orgs="OACME") FROM scope()')
    make = 'SELECT user_create(user="eve", roles="reader", orgs="{}") AS r FROM scope()'
    rows, logs = ask_server(make.format("root"), org="OACME", user="bob")
    assert (rows, logs) == (
        [{"r": None}],
        ["user_create: Error: PermissionDenied, User bob is not admin on <root>. "],
    )
    assert ask_server(make.format("OACME"), org="OACME", user="bob") == ([{"r": "eve"}], [])


def test_one_may_change_ones_own_password_only(ask_server) -> None:
    ask_server('SELECT user_create(user="bob", roles="reader") FROM scope()')
    own = 'SELECT passwd(user="bob", password="new password") AS r FROM scope()'
    assert ask_server(own, user="bob")[0] == [{"r": "bob"}]
    # Seen on a real server: its help says that the name may be left out.
    assert ask_server('SELECT passwd(password="new password") AS r FROM scope()', user="bob")[
        1
    ] == ["passwd: Must set a username"]
    rows, logs = ask_server(
        'SELECT passwd(user="admin", password="x234") AS r FROM scope()', user="bob"
    )
    assert rows == [{"r": None}]
    assert logs == ["passwd: PermissionDenied"]
    assert ask_server('SELECT passwd(password="abc") AS r FROM scope()', user="bob")[1] == [
        "passwd: Password is not set or too short"
    ]
