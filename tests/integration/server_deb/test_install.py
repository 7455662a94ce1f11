import pytest

from tests.integration.server_deb.machine import CONFIG, HOLD, UNIT
from tests.integration.server_deb.packages import DATA, client_lookalike

pytestmark = pytest.mark.docker

POSTINST = (
    "DPKG_MAINTSCRIPT_NAME=postinst DPKG_MAINTSCRIPT_PACKAGE=velociraptor-server "
    "/var/lib/dpkg/info/velociraptor-server.postinst configure 0.77.2-1"
)


def test_a_fresh_installation_runs_confined(machine, package):
    machine.install(package())
    assert machine.is_active()
    assert machine.is_enabled() == "enabled"
    assert machine.exposure() <= 2.5
    assert machine.stat(CONFIG) == "640 root:velociraptor"
    assert machine.stat("/etc/velociraptor") == "750 root:velociraptor"
    assert machine.stat(f"{DATA}/ds") == "700 velociraptor:velociraptor"
    assert machine.stat(f"{DATA}/logs") == "700 velociraptor:velociraptor"
    assert machine.run("ps -o user= -C velociraptor") == "velociraptor"
    assert machine.run(f"dpkg --verify velociraptor-server; dpkg --audit; systemctl cat {UNIT}")
    assert not machine.succeeds("runuser -u nobody -- cat /etc/velociraptor/server.config.yaml")


def test_the_keys_are_closed_while_the_package_unpacks(machine, package, theirs):
    machine.put(package(), "/ours.deb")
    machine.put(theirs, "/theirs.deb")
    new = f"{CONFIG}.dpkg-new"
    machine.run("dpkg --unpack /ours.deb")
    assert machine.stat(new) == "640 root:root"
    machine.run("dpkg --configure velociraptor-server && dpkg --unpack /ours.deb")
    assert machine.stat(new) == "640 root:velociraptor"
    # The same look at Velociraptor's own package finds them open: the look is worth something.
    machine.run("dpkg --purge --force-all velociraptor-server; dpkg --unpack /theirs.deb")
    assert machine.stat(CONFIG).startswith("644 ")


def test_nobody_ever_reads_the_config_during_installations(machine, package):
    machine.put(package(), "/ours.deb")
    machine.run(
        "runuser -u nobody -- sh -c 'while :; do cat /etc/velociraptor/* >>/tmp/seen 2>/dev/null; "
        "done' >/dev/null 2>&1 & echo $! >/spy"
    )
    for _ in range(4):
        machine.run("dpkg --install /ours.deb && dpkg --purge velociraptor-server")
    machine.run("kill $(cat /spy); [ -e /tmp/seen ] && [ ! -s /tmp/seen ]")


BY_MARKER = f"mkdir -p {HOLD.rpartition('/')[0]} && touch {HOLD}"
BY_DROP_IN = f"""
mkdir -p /etc/systemd/system/{UNIT}.d
printf '[Unit]\\nConditionPathExists=!/hold\\n' >/etc/systemd/system/{UNIT}.d/50-hold.conf
touch /hold
systemctl daemon-reload
"""
BY_POLICY = r"""
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
"""


@pytest.mark.parametrize(
    ("hold", "release"),
    [
        (BY_MARKER, f"rm {HOLD}"),
        (f"systemctl mask --runtime {UNIT}", f"systemctl unmask --runtime {UNIT}"),
        (BY_DROP_IN, "rm /hold"),
        (BY_POLICY, ":"),
    ],
    ids=["marker", "mask", "drop-in", "policy-rc.d"],
)
def test_a_held_service_does_not_start_before_it_is_released(machine, package, hold, release):
    machine.run(hold)
    machine.install(package())
    assert not machine.is_active()
    assert machine.starts() == 0
    machine.install(package(release="2"))
    assert machine.starts() == 0
    assert machine.stat(CONFIG) == "640 root:velociraptor"
    machine.run(release)
    assert machine.is_enabled() == "enabled"
    machine.run(f"systemctl start {UNIT}")
    assert machine.is_active()


def test_a_start_while_held_fails_aloud(machine, package):
    machine.run(BY_MARKER)
    output = machine.install(package())
    assert f"not started, because {HOLD} exists" in output
    assert not machine.succeeds(f"systemctl start {UNIT}")
    assert machine.starts() == 0


def test_the_install_script_may_run_again_at_any_time(machine, package):
    machine.install(package())
    look = f"ls -lR {DATA} /etc/velociraptor; getent passwd velociraptor; ls -l /etc/systemd/system"
    before = machine.run(look)
    for _ in range(2):
        machine.run(POSTINST)
    assert machine.run(look) == before
    assert machine.is_active()


def test_a_datastore_of_another_owner_is_taken_over_whole(machine, package):
    machine.run(
        f"mkdir -p {DATA}/ds/clients/C.1/collections && echo x >{DATA}/ds/clients/C.1/key.db && "
        f"ln -s /etc/passwd {DATA}/ds/link && chown -hR 4711:4711 {DATA}/ds"
    )
    machine.install(package())
    assert machine.run(f"find {DATA}/ds ! -user velociraptor -o ! -group velociraptor") == ""
    assert machine.stat("/etc/passwd") == "644 root:root"


def test_a_datastore_of_the_right_owner_is_left_alone(machine, package):
    machine.install(package())
    machine.run(
        f"systemctl stop {UNIT}; mkdir -p {DATA}/ds/a/b/c && chown -R velociraptor: {DATA}/ds && "
        f"touch {DATA}/ds/a/b/c/deep"
    )
    machine.run(POSTINST)
    # A walk through the whole tree would have found this one.
    assert machine.stat(f"{DATA}/ds/a/b/c/deep") == "644 root:root"
    machine.run(f"touch {DATA}/ds/a/shallow")
    machine.run(POSTINST)
    assert machine.stat(f"{DATA}/ds/a/b/c/deep") == "644 velociraptor:velociraptor"


def test_removal_stops_the_server_and_keeps_config_and_data(machine, package):
    machine.install(package())
    machine.run(f"echo kept >{DATA}/ds/file; echo '# edited' >>{CONFIG}")
    machine.run("dpkg --remove velociraptor-server")
    assert not machine.is_active()
    assert machine.succeeds(f"grep -q edited {CONFIG} && grep -q kept {DATA}/ds/file")
    assert machine.run(f"find /etc/systemd -name '{UNIT}*' 2>&1") == ""
    machine.install(package())
    assert machine.is_active()
    assert machine.is_enabled() == "enabled"
    assert machine.succeeds(f"grep -q edited {CONFIG}")


def test_a_purge_removes_the_config_and_never_the_data(machine, package):
    machine.install(package())
    machine.run(f"echo kept >{DATA}/ds/file; cp {CONFIG} {CONFIG}.dpkg-dist")
    output = machine.run("dpkg --purge velociraptor-server")
    assert f"data stays where it is: {DATA}/ds {DATA}/logs" in output
    assert not machine.succeeds("[ -e /etc/velociraptor ]")
    assert machine.run(f"cat {DATA}/ds/file") == "kept"
    assert machine.succeeds("getent passwd velociraptor")


def test_a_purge_leaves_the_clients_config(machine, package, tmp_path):
    machine.install(client_lookalike(tmp_path / "client"))
    machine.install(package())
    machine.run("dpkg --purge velociraptor-server")
    assert machine.run("ls /etc/velociraptor") == "client.config.yaml"


def test_a_server_that_ends_is_back_soon(machine, package):
    machine.install(package())
    machine.run(f"systemctl kill --signal KILL {UNIT}")
    machine.wait(f"[ $(systemctl show --property NRestarts --value {UNIT}) = 1 ]", 10)
    machine.wait(f"systemctl is-active {UNIT}", 10)
