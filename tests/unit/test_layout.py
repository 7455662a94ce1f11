"""`packaging` must stay PyPI's: pytest, pulumi and pip depend on it (see docs/architecture)."""

import importlib.util
import subprocess
import sys
from pathlib import Path

CLONE = Path(__file__).parents[2]


def test_no_python_file_lies_directly_in_packaging():
    assert (CLONE / "packaging").is_dir()
    assert list((CLONE / "packaging").glob("*.py")) == []


def test_no_folder_of_that_name_in_the_tests():
    assert [path for path in (CLONE / "tests").rglob("packaging") if path.is_dir()] == []


def test_the_clone_first_on_the_path_does_not_hide_it():
    """As in a provider of dynamic resources, which Pulumi starts by `python -m` in the clone."""
    code = "import packaging, packaging.version; print(packaging.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=CLONE, capture_output=True, text=True, check=True
    )
    assert "site-packages" in done.stdout
    spec = importlib.util.find_spec("packaging")
    assert spec is not None
    assert "site-packages" in str(spec.origin)
