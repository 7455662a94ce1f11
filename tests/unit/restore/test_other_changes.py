"""What else runs code, or lets somebody in: tools, settings, the package, passwords."""

import json
import tarfile
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from recovery.errors import UntrustedError
from recovery.restore.accounts_of import accounts_of
from recovery.restore.check_point import check_point
from recovery.restore.context import Context
from recovery.restore.other_changes import changes, settings_in, tools_in
from recovery.restore.request import parse_request
from recovery.restore.review_accounts import review_accounts
from recovery.restore.review_material import material_of, review_material
from recovery.velociraptor import state_tar
from tests.unit.restore.points import (
    BACKUP,
    CONFIG,
    STATE,
    Point,
    deb_of,
    tar_of,
    tar_with,
    unzipped,
    zip_of,
)


def tools(*given):
    return {"config/inventory.json.db": json.dumps({"tools": given}).encode()}


def state(tmp_path, name, files):
    path = tmp_path / name
    path.write_bytes(tar_with(files))
    return path


def user(name, password):
    raw = name.encode()
    return bytes([0x0A, len(raw)]) + raw + bytes([0x12, len(password)]) + password


def test_a_tool_from_elsewhere_is_told(tmp_path):
    a = {"name": "Autoruns", "url": "https://a.example/x", "hash": "1"}
    b = {"name": "Autoruns", "version": "2", "url": "https://b.example/x"}
    old = tools_in([state(tmp_path, "old", tools(a, b))])
    new = tools_in([state(tmp_path, "new", tools({**a, "url": "https://evil.example/x"}))])
    assert changes("tool", new, old) == [
        "tool removed: Autoruns 2 in root",
        "tool changed: Autoruns in root",
    ]
    twice = tools_in([state(tmp_path, "twice", tools({**a, "hash": "2"}, a))])
    assert changes("tool", twice, tools_in([state(tmp_path, "one", tools(a))]))


@pytest.mark.parametrize("record", [b"\x0a\x01x", b'{"tools":[7]}', b'{"tools":7}', b"[" * 9999])
def test_a_list_of_tools_that_can_not_be_read_is_told(tmp_path, record):
    found = tools_in([state(tmp_path, "odd", {"config/inventory.json.db": record})])
    assert changes("tool", found, {}) == ["tool new: (a list of tools that can't be read) in root"]


def test_settings_are_told_by_name_and_never_with_their_values():
    old = {"GUI": {"initial_users": [{"name": "a"}], "x": 1}, "autoexec": {}}
    new = {"GUI": {"initial_users": [{"name": "b"}], "x": 1}, "autoexec": {"argv": ["secret"]}}
    told = changes("setting", settings_in(new), settings_in(old))
    assert told == [
        "setting changed: GUI.initial_users",
        "setting removed: autoexec",
        "setting new: autoexec.argv",
    ]
    assert "secret" not in "".join(told)


@pytest.fixture
def two_points(tmp_path, monkeypatch):
    """A point, and one before it: ``make(now, before)`` changes each; gives what was said."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))

    def make(now, before, strategy, step):
        earlier = datetime.now(UTC) - timedelta(days=2)
        for values, changed in (
            (before, {"point": f"{earlier:%Y%m%dT%H%M%SZ}-000000", "captured_at": earlier}),
            (now, {}),
        ):
            point = Point(tmp_path / "vault")
            for name, value in values.items():
                setattr(point, name, value)
            point.changes = {**changed, **values.get("more", {})}
            made = point.make()
        said: list[str] = []
        request = parse_request(
            target="docker://nobody",
            vault=str(tmp_path / "vault"),
            strategy=strategy,
            point=made.point,
        )
        with Context(request, said.append) as context:
            report = step(context)
        return said, report

    return make


def test_a_review_tells_package_setting_tool_and_password(two_points):
    values = yaml.safe_load(CONFIG)
    values["GUI"]["initial_users"].append({"name": "mallory"})
    now = {
        "package": deb_of("Package: velociraptor-server\nVersion: 0.77.2-2\n"),
        "config": yaml.safe_dump(values, sort_keys=False).encode(),
        "state": tar_with({**STATE, **tools({"name": "T"}), "users/ann.db": user("ann", b"2")}),
    }
    said, report = two_points(now, {}, ["state"], review_material)
    (package,) = [line for line in said if line.startswith("server package changed: ")]
    assert "0.77.2-1 as before, other content (SHA-256 " in package
    assert package.endswith(", the same config in it")
    assert "setting changed: GUI.initial_users" in said
    assert "tool new: T in root" in said
    assert "3 other things changed" in report.detail


def signs_in(name, password, **rights):
    record = {f"users/{name}.db": user(name, password)}
    return record | {f"acl/{name}.json.db": json.dumps(rights).encode()} if rights else record


CASE = "account changed: Cid: no rights (password changed)"
POWERLESS = "account changed: cid: no rights (password changed)"


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (signs_in("cid", b"1"), signs_in("cid", b"2"), [POWERLESS]),
        (
            signs_in("cid", b"1"),
            signs_in("cid", b"1") | {"users/Cid.db": user("Cid", b"2")},
            [CASE],
        ),
        (signs_in("cid", b"1"), signs_in("cid", b"1"), []),
        ({}, signs_in("cid", b"2"), []),
        (
            signs_in("cid", b"1", roles=["reader"]),
            signs_in("cid", b"2", roles=["reader"]),
            ["account changed: cid: reader (password changed)"],
        ),
        (
            signs_in("cid", b"1"),
            signs_in("cid", b"2", roles=["reader"]),
            ["account new: cid: reader (password changed)"],
        ),
        (
            signs_in("cid", b"1", roles=["reader"]),
            signs_in("cid", b"2"),
            ["account removed: cid: reader", POWERLESS],
        ),
    ],
)
def test_a_password_that_is_another_one_is_told_once(two_points, before, now, told):
    points = ({"state": tar_with(STATE | files)} for files in (now, before))
    said, report = two_points(*points, ["state"], review_accounts)
    assert [line for line in said if "cid" in line.lower()] == told
    assert ("1 password changed" in report.detail) == any("password" in line for line in told)


def test_a_hunt_that_would_run_something_else_is_told(two_points):
    """A server runs what was compiled when the hunt was made, not what its artifact says."""

    def hunts(query, **more):
        request = {"artifacts": ["A"], "compiledCollectorArgs": [{"Query": [{"VQL": query}]}]}
        hunt = json.dumps(request).encode()
        return {"state": tar_with({**STATE, "hunts/H.1/request.json.db": hunt, **more})}

    new = {"hunts/H.2/request.json.db": b"{}"}
    said, _ = two_points(hunts("execve()", **new), hunts("info()"), ["state"], review_material)
    assert said == ["hunt's request changed: H.1 in root"]


def test_a_new_hunt_that_ran_and_what_monitoring_collects_are_told(two_points):
    """A release would start the hunt; the table is in force at once."""

    def running(hunt, **more):
        return json.dumps({"hunt_id": hunt, "state": "RUNNING", **more}).encode()

    def table(*names, **settings):
        specs = [
            {"artifact": name, "parameters": {"env": [{"key": "Command", "value": value}]}}
            for name, value in settings.items()
        ]
        return json.dumps({"artifacts": {"artifacts": names, "specs": specs}}).encode()

    monitored = "config/client_monitoring.json.db"
    old = {"hunts/H.1.json.db": running("H.1"), "hunts/H.1/request.json.db": b"{}"}
    new = {
        **old,
        "hunts/H.2.json.db": running(
            "H.2", huntDescription="all", startRequest={"artifacts": ["Shell", "B"]}
        ),
        "hunts/H.3.db": b"\x40\x02",
        "hunts/H.4.json.db": b'{"state":"PAUSED"}',
        monitored: table("Old", "Same", "New", Old="evil", Same="x"),
    }
    before = {**old, monitored: table("Old", "Same", "Gone", Old="good", Same="x")}
    now = {"state": tar_with({**STATE, **new})}
    said, report = two_points(
        now, {"state": tar_with({**STATE, **before})}, ["state"], review_material
    )
    assert said == [
        "monitoring removed: Gone by client monitoring in root",
        "monitoring new: New by client monitoring in root",
        "monitoring changed: Old by client monitoring in root",
        "hunt new, and it ran (a release starts it): H.2 in root, 'all': Shell, B",
        "hunt new, and it ran (a release starts it): H.3 in root",
    ]
    assert "5 other things changed (tools, monitoring, hunts" in report.detail


def test_monitoring_that_sends_by_a_definition_that_the_config_names_is_told(two_points):
    values = yaml.safe_load(CONFIG)
    values["Frontend"]["artifact_definitions_directory"] = "/srv/d"
    table = {"config/server_monitoring.json.db": b'{"artifacts":["Custom.Out"]}'}
    now = {
        "config": yaml.safe_dump(values, sort_keys=False).encode(),
        "named": tar_of("srv/d/x.yaml", data=b"name: Custom.Out\nexport: LET f = netcat\n"),
        "state": tar_with({**STATE, **table}),
    }
    said, _ = two_points(now, {}, ["state"], review_material)
    assert "monitoring root: server monitoring: Custom.Out sends data out by netcat" in said


def test_the_package_alone_has_its_settings_reviewed(two_points):
    values = yaml.safe_load(CONFIG) | {"autoexec": {"argv": ["x"]}}
    now = {"config": yaml.safe_dump(values, sort_keys=False).encode()}
    said, _ = two_points(now, {}, ["redeploy"], review_material)
    assert said == ["setting new: autoexec.argv"]


def test_with_a_backup_its_own_artifacts_are_reviewed_not_those_of_the_state_beside_it(two_points):
    members = unzipped(BACKUP)
    (name,) = [n for n in members if n.startswith("orgs/root/artifacts/") and "Marker" in n][:1]
    members[name] += b"# execve()\n"
    artifacts = {"artifact_definitions/Custom/A.yaml": b"name: Custom.A\n"}
    same = {"state": tar_with({**STATE, **artifacts})}
    now = {**same, "backup": zip_of(members)}
    said, _ = two_points(now, same, ["backup"], review_material)
    assert any("# execve()" in line for line in said)
    said, _ = two_points(now, same, ["state"], review_material)
    assert not any("# execve()" in line for line in said)


def test_an_adopted_points_accounts_and_artifacts_are_those_of_its_backup(two_points):
    records = {"orgs/OACME.json.db": b'{"id":"OACME"}'}
    adopted = {"state": tar_with(records), "more": {"parts": ["redeploy", "backup", "collections"]}}

    def look(context):
        return accounts_of(context, context.manifest), material_of(context)

    _, (accounts, material) = two_points(adopted, {}, ["state", "collections"], look)
    assert ("root", "admin") in {account.key for account in accounts}
    assert any(change.name == "Custom.Server.Marker" for change in material.artifacts)


def test_a_point_that_says_it_is_the_first_is_compared_all_the_same(two_points):
    """Nobody was captured before it, so everybody would have come back, a new one too."""
    first = {"state": tar_with({**STATE, "acl/ann.json.db": b'{"roles":["reader"]}'})}
    admin = b'{"roles":["administrator"]}'
    claims = {
        "state": tar_with({**STATE, "acl/mallory.json.db": admin}),
        "more": {"captured_at": datetime(2001, 1, 1, tzinfo=UTC)},
    }
    _, report = two_points(claims, first, ["state"], review_accounts)
    assert report.findings == ["account held back: mallory (new; administrator)"]


def test_a_review_goes_through_each_state_once(two_points, monkeypatch):
    """Of a hundred thousand clients, each way through takes seconds."""
    opened: list[str] = []
    real = tarfile.open

    def counted(*args, **more):
        opened.extend(map(str, args[:1]))
        return real(*args, **more)

    def look(context):
        states = [context.fetch(state.tar) for state in context.manifest.state]
        monkeypatch.setattr(state_tar.tarfile, "open", counted)
        for step in (check_point, review_accounts, review_material):
            step(context)
        return states

    now = {"state": tar_with({**STATE, **tools({"name": "T"})})}
    _, states = two_points(now, {}, ["state"], look)
    assert {*map(str, states)} < {*opened}
    assert len(opened) == len({*opened})


@pytest.fixture
def three_points(tmp_path, monkeypatch):
    """Three points of as many days; the state of the newest has one administrator more."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    points = []
    reader, admin = b'{"roles":["reader"]}', b'{"roles":["administrator"]}'
    for days, more in ((3, {}), (2, {"x": b"y"}), (1, {"acl/mallory.json.db": admin})):
        at = datetime.now(UTC) - timedelta(days=days)
        point = Point(tmp_path / "vault")
        extra = {"config/x.json.db" if name == "x" else name: data for name, data in more.items()}
        point.state = tar_with({**STATE, "acl/ann.json.db": reader, **extra})
        point.changes = {"point": f"{at:%Y%m%dT%H%M%SZ}-{days}", "captured_at": at}
        points.append((point, point.make()))
    return points


def reviewed(vault, **more):
    said: list[str] = []
    request = parse_request(target="docker://nobody", vault=str(vault), strategy=["state"], **more)
    with Context(request, said.append) as context:
        return review_accounts(context), said


def test_a_damaged_point_before_is_passed_over(three_points, tmp_path):
    """The newest is whole: that an older one is not must not keep it from coming back."""
    (point, damaged) = three_points[1]
    point.stored(damaged.state[0].tar).unlink()
    report, said = reviewed(tmp_path / "vault")
    assert report.findings == ["account held back: mallory (new; administrator)"]
    assert any(line.startswith(f"not compared with {damaged.point}") for line in said)


def test_a_point_before_without_accounts_lets_nobody_in(three_points, tmp_path):
    """As a capture of the package alone is: nobody was known by it, so everybody came back."""
    point, _ = three_points[1]
    at = datetime.now(UTC) - timedelta(days=1.5)
    point.changes = {
        "point": f"{at:%Y%m%dT%H%M%SZ}-5",
        "captured_at": at,
        "parts": ["redeploy"],
        "state": [],
        "backups": [],
    }
    point.make()
    report, _ = reviewed(tmp_path / "vault", point=three_points[2][1].point)
    assert report.findings == ["account held back: mallory (new; administrator)"]


def test_a_point_before_that_no_server_wrote_is_passed_over(three_points, tmp_path):
    point, odd = three_points[1]
    point.state = tar_with({**STATE, "acl/eve.json.db": b"[1]"})
    point.changes |= {"point": odd.point.replace("-2", "-9")}
    point.make()
    report, said = reviewed(tmp_path / "vault", point=three_points[2][1].point)
    assert report.findings == ["account held back: mallory (new; administrator)"]
    assert any("no record of rights" in line for line in said)


def test_where_no_point_before_opens_nobody_passes_for_known(three_points, tmp_path):
    for point, damaged in three_points[:2]:
        point.stored(damaged.state[0].tar).unlink()
    with pytest.raises(UntrustedError, match="none can be opened") as refused:
        reviewed(tmp_path / "vault")
    assert "--accounts all" in refused.value.hint
    report, _ = reviewed(tmp_path / "vault", accounts="all")
    assert report.findings == []
