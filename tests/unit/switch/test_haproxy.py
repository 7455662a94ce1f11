import pytest

from recovery.switch.haproxy import choose, commands, parse_servers

TWO = """1
# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_port
3 velo 1 main 192.0.2.1 2 0 1 8000
3 velo 2 spare 192.0.2.2 0 5 1 8000
"""
"""As HAProxy 2.6 prints it, fewer columns: main takes clients, spare is in maintenance."""


def test_what_haproxy_prints_is_read():
    main, spare = parse_servers(TWO)
    assert (main.address, main.port, main.ready, main.running) == ("192.0.2.1", 8000, True, True)
    assert (spare.ready, spare.running) == (False, False)


@pytest.mark.parametrize("text", ["", "Can't find backend.\n", "1\nnothing\n"])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r".+"):
        parse_servers(text)


def test_a_server_that_is_defined_takes_over_and_never_do_two_at_once():
    assert list(commands(parse_servers(TWO), "192.0.2.2", 0, "velo")) == [
        "set server velo/main state maint",
        "set server velo/spare state ready",
        "shutdown sessions server velo/main",
    ]


def test_a_server_with_checks_must_pass_one_before_it_gets_clients():
    text = TWO.replace("srv_port\n", "srv_port srv_check_state\n").replace("8000\n", "8000 6\n")
    assert list(commands(parse_servers(text), "192.0.2.2", 0, "velo"))[1] == (
        "set server velo/spare state ready; set server velo/spare health down"
    )


def test_an_unknown_address_takes_the_spare_not_the_server_in_use():
    assert list(commands(parse_servers(TWO), "198.51.100.7", 8443, "velo")) == [
        "set server velo/spare state maint",
        "set server velo/spare addr 198.51.100.7 port 8443",
        "set server velo/main state maint",
        "set server velo/spare state ready",
        "shutdown sessions server velo/main",
    ]


def test_two_ways_to_write_an_ipv6_address_are_one():
    text = TWO.replace("192.0.2.2", "2001:db8::2")
    assert choose(parse_servers(text), "2001:0db8:0::0002").name == "spare"


def test_a_backend_without_servers_is_refused():
    with pytest.raises(ValueError, match="no server"):
        choose([], "192.0.2.1")
