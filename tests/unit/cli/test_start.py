"""What every verb's start loads: words and options, none of the rooms' libraries."""

import subprocess
import sys

HEAVY = {"boto3", "cryptography", "docker", "elftools", "grpc", "jinja2", "obstore", "pulumi"}
HEAVY |= {"pydantic", "pytest", "rich", "yaml", "zstandard"}


def test_a_start_loads_no_library_that_a_verb_alone_needs():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, recovery.cli; print(*sys.modules)"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert HEAVY & set(loaded.stdout.split()) == set()
