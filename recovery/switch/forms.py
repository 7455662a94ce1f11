"""The forms of a switch's URI, as help and errors show them: no library is loaded for a text."""

FORMS = """\
dns://NAMESERVER/NAME?key=FILE[&zone=ZONE][&ttl=60]     RFC 2136 with TSIG
route53://NAME[?zone=ID-OR-DOMAIN][&ttl=60]             Route 53
targetgroup://ARN[?port=8000]                           AWS target group
haproxy://HOST:PORT/BACKEND[?port=8000][&via=ssh://root@lb]
haproxy:///run/haproxy/admin.sock?backend=BACKEND"""
