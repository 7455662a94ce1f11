"""What the tests of packages are made of: a real config, made-up ones, and a tiny real program."""

import datetime as dt
import struct
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

TESTS = Path(__file__).parents[2]
FIXTURES = TESTS / "fixtures" / "velociraptor-0.77.2"
GOLDEN = TESTS / "golden" / "server_deb"
NOW = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)
REAL_CONFIG = (FIXTURES / "server.config.yaml").read_bytes()


def edited(change: dict[str, Any], base: bytes = REAL_CONFIG) -> bytes:
    """The config with some settings changed; a value None takes the setting out."""
    settings = yaml.safe_load(base)
    for dotted, value in change.items():
        *path, last = dotted.split(".")
        place = settings
        for part in path:
            place = place.setdefault(part, {})
        if value is None:
            place.pop(last, None)
        else:
            place[last] = value
    return yaml.safe_dump(settings, sort_keys=False).encode()


def certificate(
    name: str, begin: dt.datetime, end: dt.datetime, issuer: tuple[str, Any] | None = None
) -> tuple[str, str, Any]:
    """A throw-away certificate and key as PEM, and the key itself to issue others with."""
    key = ec.generate_private_key(ec.SECP256R1())
    issuer_name, issuer_key = issuer or (name, key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer_name)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .sign(issuer_key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    return made.public_bytes(serialization.Encoding.PEM).decode(), pem.decode(), key


def dated_config(**ends: dt.datetime) -> bytes:
    """The real config with fresh certificates; `ca`, `frontend` and `gui` say when each ends."""
    begin = NOW - dt.timedelta(days=800)
    later = NOW + dt.timedelta(days=300)
    ca, ca_key, issuer = certificate("CA", begin, ends.get("ca", later))
    frontend = certificate("F", begin, ends.get("frontend", later), ("CA", issuer))
    gui = certificate("G", begin, ends.get("gui", later), ("CA", issuer))
    return edited(
        {
            "Client.ca_certificate": ca,
            "CA.private_key": ca_key,
            "Frontend.certificate": frontend[0],
            "Frontend.private_key": frontend[1],
            "GUI.gw_certificate": gui[0],
            "GUI.gw_private_key": gui[1],
        }
    )


VERSION_TEXT = b"name: velociraptor\nversion: 0.77.2\n"


def program(answer: bytes = VERSION_TEXT, machine: int = 62) -> bytes:
    """A whole Linux program for x86-64, by hand: with one argument it prints `answer` and ends,
    with four (`--config F config show`) it ends at once, with others it waits for ever, as a
    server does. 180 bytes, no libraries.
    """
    code = bytes.fromhex(
        "48833c2402"  # cmp qword [rsp], 2      argc
        "7521"  # jne more
        "b801000000bf01000000"  # mov eax, 1 (write); mov edi, 1
        "488d3520000000"  # lea rsi, [rip + 32]     answer
    )
    code += b"\xba" + struct.pack("<I", len(answer))  # mov edx, length
    code += bytes.fromhex(
        "0f05"  # syscall
        "b83c00000031ff0f05"  # exit: mov eax, 60 (exit); xor edi, edi; syscall
        "48833c240574f0"  # more: cmp qword [rsp], 5; je exit
        "b8220000000f05ebf7"  # wait: mov eax, 34 (pause); syscall; jmp wait
    )
    base, headers = 0x400000, 64 + 56
    size = headers + len(code) + len(answer)
    ident = b"\x7fELF\x02\x01\x01" + bytes(9)
    elf = ident + struct.pack(
        "<HHIQQQIHHHHHH", 2, machine, 1, base + headers, 64, 0, 0, 64, 56, 1, 64, 0, 0
    )
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 0x1000)
    return elf + segment + code + answer


def program_file(folder: Path, **how: Any) -> Path:
    """The program as an executable file."""
    path = folder / "velociraptor"
    path.write_bytes(program(**how))
    path.chmod(0o755)
    return path
