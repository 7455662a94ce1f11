"""Sockets out of the kernel's tables."""

from recovery.target.sockets import listening

# /proc/net/tcp and tcp6 of a machine with a front end, an API and a name server.
TABLES = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 1 1
   1: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000   999        0 2 1
   2: 0B00007F:0035 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 3 1
   3: 0100007F:1F41 0100007F:C350 01 00000000:00000000 00:00000000 00000000   999        0 4 1
  sl  local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode
   0: 00000000000000000000000001000000:22B9 {} 0A 00000000:00000000 00:00000000 00000000 999 0 5 1
   1: 0000000000000000FFFF00000100007F:1F43 {} 0A 00000000:00000000 00:00000000 00000000 0 0 6 1
   2: B80D0120000000000000000007000000:01BB {} 0A 00000000:00000000 00:00000000 00000000 0 0 7 1
""".replace("{}", f"{'0' * 32}:0000")


def test_listening_sockets_of_both_families_and_whose_they_are():
    assert listening(TABLES) == {
        ("0.0.0.0", 8000, 999),  # noqa: S104
        ("127.0.0.1", 8001, 999),
        ("127.0.0.11", 53, 0),
        ("::1", 8889, 999),
        ("127.0.0.1", 8003, 0),
        ("2001:db8::7", 443, 0),
    }


def test_no_table_has_no_listener():
    assert listening("") == set()
