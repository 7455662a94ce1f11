import pytest

from tests.integration.server_deb.machine import CONFIG, UNIT
from tests.integration.server_deb.packages import DATA, lookalike, obstacle, server_config

pytestmark = pytest.mark.docker

IN_ETC = f"/etc/systemd/system/{UNIT}"
DROP_IN = f"{IN_ETC}.d/50-edited-config.conf"


def edit(machine, line="# edited"):
    machine.run(f"echo '{line}' >>{CONFIG}")
    return machine.run(f"sha256sum {CONFIG}")


def unit_path(machine):
    return machine.run(f"readlink -f $(systemctl show --property FragmentPath --value {UNIT})")


def test_an_edited_config_survives_an_upgrade_without_a_question(machine, package):
    machine.install(package())
    edited = edit(machine)
    machine.install(package(release="2"))
    assert machine.run(f"sha256sum {CONFIG}") == edited
    assert machine.is_active()
    assert machine.starts() == 2


def test_an_untouched_config_is_renewed(machine, package):
    machine.install(package())
    machine.install(package(release="2", Frontend__hostname="new.example"))
    assert machine.succeeds(f"grep -q new.example {CONFIG}")
    assert machine.stat(CONFIG) == "640 root:velociraptor"


def test_an_edited_config_survives_a_changed_one(machine, package):
    machine.install(package())
    edited = edit(machine)
    machine.install(package(release="2", Frontend__hostname="new.example"), "--force-confold")
    assert machine.run(f"sha256sum {CONFIG}") == edited
    assert machine.stat(f"{CONFIG}.dpkg-dist").split()[0] in {"600", "640"}
    machine.install(package(release="3", Frontend__hostname="third.example"), "--force-confold")
    assert machine.run(f"sha256sum {CONFIG}") == edited


def test_a_stopped_or_disabled_server_stays_so(machine, package):
    machine.install(package())
    machine.run(f"systemctl disable --now {UNIT}")
    machine.install(package(release="2"))
    assert not machine.is_active()
    assert machine.is_enabled() == "disabled"


def test_velociraptors_package_is_replaced_and_replaces(machine, package, theirs):
    machine.install(theirs)
    edited = edit(machine)

    output = machine.install(package())
    assert "kept the config that was there" in output
    assert machine.run(f"sha256sum {CONFIG}") == edited
    assert machine.stat(CONFIG) == "640 root:velociraptor"
    assert machine.stat(f"{CONFIG}.dpkg-dist") == "600 root:root"
    assert unit_path(machine) == f"/usr/lib/systemd/system/{UNIT}"
    assert machine.is_active()
    assert machine.is_enabled() == "enabled"
    assert machine.exposure() <= 2.5
    assert not machine.succeeds(f"[ -e {IN_ETC} ]")
    assert machine.run("getcap /usr/local/bin/velociraptor") == ""

    edited = edit(machine, "# edited again")
    output = machine.install(theirs)
    assert "kept the edited config" in output
    assert machine.run(f"sha256sum {CONFIG}") == edited
    assert machine.stat(CONFIG) == "600 velociraptor:velociraptor"
    assert machine.stat(f"{CONFIG}.dpkg-dist").startswith("600 ")
    assert unit_path(machine) == IN_ETC
    assert machine.is_enabled() == "enabled"
    assert machine.run(f"systemctl show --property ExecMainStartTimestamp --value {UNIT}")
    assert machine.run(f"systemctl show --property User --value {UNIT}") == "velociraptor"
    assert machine.exposure() > 6

    machine.install(package(release="2"))
    assert machine.run(f"sha256sum {CONFIG}") == edited
    assert unit_path(machine) == f"/usr/lib/systemd/system/{UNIT}"
    assert machine.is_active()
    assert machine.run("ls /etc/velociraptor").split() == [
        "server.config.yaml",
        "server.config.yaml.dpkg-dist",
    ]


def test_going_back_takes_the_packages_config_where_nothing_was_edited(machine, package, theirs):
    machine.install(package())
    machine.install(theirs)
    assert "run_as_user" in machine.run(f"cat {CONFIG}")
    assert machine.run("ls /etc/velociraptor") == "server.config.yaml"


def test_after_going_back_a_new_process_runs(machine, package, stand_in, tmp_path):
    machine.install(package())
    pid = f"systemctl show --property MainPID --value {UNIT}"
    first = machine.run(pid)
    machine.install(lookalike(tmp_path / "theirs", stand_in))
    assert machine.is_active()
    assert machine.run(pid) != first


def test_an_unpacking_that_fails_changes_nothing(machine, package, theirs, tmp_path):
    machine.install(theirs)
    machine.install(obstacle(tmp_path / "obstacle"))
    edited = edit(machine)
    machine.put(package(), "/ours.deb")
    output = machine.run("dpkg --install /ours.deb </dev/null 2>&1", check=False)
    assert "trying to overwrite" in output
    assert machine.run(f"sha256sum {CONFIG}") == edited
    assert machine.run("ls /etc/velociraptor") == "server.config.yaml"
    assert machine.run("dpkg-query --show velociraptor-server") == "velociraptor-server\t0.77.2"


def test_an_upgrade_that_was_cut_off_is_finished_later(machine, package, theirs):
    machine.install(theirs)
    edited = edit(machine)
    machine.put(package(), "/ours.deb")
    machine.run("dpkg --unpack /ours.deb")
    machine.run("dpkg --configure --pending")
    assert machine.run(f"sha256sum {CONFIG}") == edited
    assert machine.is_active()


def test_a_config_that_was_there_before_is_kept(machine, package, tmp_path):
    newer = tmp_path / "newer.yaml"
    newer.write_bytes(server_config(Frontend__hostname="newer.example"))
    machine.run("mkdir /etc/velociraptor")
    machine.put(newer, CONFIG)
    machine.install(package())
    assert machine.succeeds(f"grep -q newer.example {CONFIG}")
    assert machine.stat(CONFIG) == "640 root:velociraptor"


def test_the_unit_is_fitted_to_an_edited_config(machine, package):
    machine.install(package())
    changes = f"s|location: {DATA}/ds|location: /data/ds|; s|bind_port: 18000|bind_port: 443|"
    machine.run(f"sed -i '{changes}' {CONFIG}")
    machine.install(package(release="2"))
    assert machine.run(f"grep -c = {DROP_IN}") == "3"
    shown = machine.run(f"systemctl show --property ReadWritePaths,AmbientCapabilities {UNIT}")
    assert "/data/ds" in shown
    assert "cap_net_bind_service" in shown
    assert machine.exposure() <= 2.5
    machine.run("dpkg --remove velociraptor-server")
    assert not machine.succeeds(f"[ -e {DROP_IN} ]")
