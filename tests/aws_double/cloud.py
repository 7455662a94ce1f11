"""Starts what is behind the double: moto's server, and versitygw as the S3 that keeps a vault.

``python tests/aws_double/cloud.py FOLDER`` reads what it is to know as JSON from its standard
input, prints one line of JSON (the environment in which to run Pulumi), and ends with its input.
"""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]

ACCOUNT = "123456789012"
DEBIAN = "136693071363"
REGION = "eu-central-1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
GATEWAY = CACHE / "velociraptor-recovery/versitygw/1.8.0/versitygw"


def images() -> list[dict[str, Any]]:
    """The images that the account sees: two of Debian's own, the newer one second."""
    return [
        {
            "ami_id": f"ami-0deb{number:013x}",
            "name": f"debian-12-amd64-2025{month:02}10-2259",
            "description": "Debian 12",
            "owner_id": DEBIAN,
            "public": True,
            "virtualization_type": "hvm",
            "architecture": "x86_64",
            "state": "available",
            "platform": None,
            "image_type": "machine",
            "hypervisor": "xen",
            "root_device_name": "/dev/xvda",
            "root_device_type": "ebs",
            "sriov": "simple",
            "creation_date": f"2025-{month:02}-10T22:59:00.000Z",
        }
        for number, month in enumerate((6, 11))
    ]


def start_moto(folder: Path) -> str:
    """moto's server in a thread of this process; its address."""
    file = folder / "images.json"
    file.write_text(json.dumps(images()))
    os.environ["MOTO_AMIS_PATH"] = str(file)
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def start_s3(folder: Path, keys: dict[str, str]) -> tuple[str, subprocess.Popen[bytes] | None]:
    """versitygw on a folder; its address, empty where it isn't on this machine."""
    gateway = Path(os.environ.get("RECOVERY_VERSITYGW") or GATEWAY)
    if not gateway.is_file():
        return "", None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    for name in ("data", "versions"):
        (folder / "s3" / name).mkdir(parents=True, exist_ok=True)
    argv = [str(gateway), "--port", f"127.0.0.1:{port}", "--region", REGION, "posix"]
    argv += ["--versioning-dir", str(folder / "s3/versions"), str(folder / "s3/data")]
    root = {
        "ROOT_ACCESS_KEY": keys["AWS_ACCESS_KEY_ID"],
        "ROOT_SECRET_KEY": keys["AWS_SECRET_ACCESS_KEY"],
    }
    with (folder / "s3.log").open("wb") as log:
        process = subprocess.Popen(argv, env={**os.environ, **root}, stdout=log, stderr=log)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return f"http://127.0.0.1:{port}", process
        time.sleep(0.02)
    raise SystemExit(f"versitygw did not start: {(folder / 's3.log').read_text()[-500:]}")


def environment(folder: Path, keys: dict[str, str], aws: str, s3: str) -> dict[str, Any]:
    """What a program needs to take the double for AWS; the operator's own AWS stays out.

    What is None must not be set.
    """
    return {
        **keys,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_PROFILE": None,
        "AWS_DEFAULT_PROFILE": None,
        "AWS_SESSION_TOKEN": None,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_ENDPOINT_URL": aws,
        "AWS_ENDPOINT_URL_S3": s3 or aws,
        "RECOVERY_AWS_DOUBLE": str(folder),
        "PATH": f"{HERE / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }


def begin(folder: Path, known: dict[str, Any]) -> tuple[dict[str, Any], Any]:
    """The cloud with what an account has before a stack: images, and the hosted zone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = {
        "AWS_ACCESS_KEY_ID": f"AKIA{secrets.token_hex(8).upper()}",
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
    }
    s3, gateway = start_s3(folder, keys)
    aws = start_moto(folder)
    zone = known.pop("zone", "")
    places = {"aws": aws, "s3": s3, "region": REGION, **known}
    file = os.open(folder / "double.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(file, "w") as out:
        json.dump(places, out)
    found = environment(folder, keys, aws, s3)
    if zone:
        import boto3

        boto3.client(
            "route53",
            endpoint_url=aws,
            region_name=REGION,
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        ).create_hosted_zone(Name=zone, CallerReference=zone)
    return found, gateway


def main() -> None:
    folder = Path(sys.argv[1])
    known = json.loads(sys.stdin.readline())
    found, gateway = begin(folder, known)
    try:
        sys.stdout.write(json.dumps({"environment": found, "region": REGION}) + "\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        if gateway is not None:
            gateway.terminate()


if __name__ == "__main__":
    main()
