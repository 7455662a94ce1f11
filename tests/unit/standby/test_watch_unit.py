from recovery.standby.watch_unit import WatchUnit, service


def made(**more):
    usual = {
        "command": ("/x/recovery", "standby", "watch", "--vault", "/my vault/50%"),
        "vault": "/my vault/50%",
        "writes": ("/my vault/50%",),
    }
    return service(WatchUnit(**(usual | more))).splitlines()


def test_it_is_always_on_and_never_given_up():
    assert {"Restart=always", "StartLimitIntervalSec=0", "WantedBy=multi-user.target"} <= set(
        made()
    )


def test_beside_the_pair_it_has_no_right_but_the_network_and_its_vault():
    lines = made()
    assert {"CapabilityBoundingSet=", "ProtectSystem=strict"} <= set(lines)
    assert 'ReadWritePaths="/my vault/50%%"' in lines
    assert 'ExecStart=/x/recovery standby watch --vault "/my vault/50%%"' in lines


def test_on_one_of_the_two_it_may_stop_and_start_the_server_there():
    lines = made(local=True)
    assert "ReadWritePaths=/etc/systemd/system" in lines
    assert "ProtectSystem=full" in lines
    assert any("CAP_CHOWN" in line for line in lines)


def test_keys_are_named_by_their_folder():
    assert "Environment=RECOVERY_KEYS=/keys" in made(keys="/keys")
