from setup.debian_mirror import options, source_lines

ROWS = """\
Debian|main|bookworm|http://mirror.example/debian/
Debian|contrib|bookworm|http://mirror.example/debian/
Debian|main|bookworm-security|http://mirror.example/security/
Docker|main|bookworm|http://other.example/docker/
"""


def test_takes_debians_own_main_suites_only():
    lines = source_lines(ROWS).splitlines()
    assert [line.split()[-3:] for line in lines] == [
        ["http://mirror.example/debian/", "bookworm", "main"],
        ["http://mirror.example/security/", "bookworm-security", "main"],
    ]
    assert all("signed-by=" in line for line in lines)


def test_another_release_or_no_lists_leave_the_choice_to_mmdebstrap():
    assert source_lines("Debian|main|trixie|http://mirror.example/debian/\n") == ""
    assert source_lines("Ubuntu|main|noble|http://mirror.example/ubuntu/\n") == ""
    assert source_lines("") == ""


def test_takes_proxy_and_certificates_but_nothing_else():
    dump = """\
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::deb.example::CaInfo "/etc/ca.pem";
Acquire::http::Pipeline-Depth "0";
APT::Install-Recommends "1";
"""
    assert options(dump) == [
        'Acquire::http::Proxy "http://proxy.example:3128";',
        'Acquire::https::deb.example::CaInfo "/etc/ca.pem";',
    ]
