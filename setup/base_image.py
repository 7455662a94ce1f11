"""The Docker image that a drill's machines run: Debian 12 with systemd as PID 1.

One recipe (`base_image_recipe/`), always built by mmdebstrap, since it needs Debian's own mirror
and no image registry. The image is named after the recipe, so that a changed recipe makes another.
"""

import hashlib
import os
import shutil
import time
from pathlib import Path

from setup import apt, image_boot
from setup.commands import ask, run
from setup.debian_mirror import apt_options, mirror_lines
from setup.errors import SetupError
from setup.places import cache_folder, private_folder
from setup.progress import megabytes, say, seconds

NAME = "base image"
REPOSITORY = "velociraptor-recovery-base"
LATEST = f"{REPOSITORY}:current"  # for programs that run outside `. setup/env`
SUITE = "bookworm"
RECIPE = Path(__file__).parent / "base_image_recipe"
LEFT_OUT = ("/usr/share/man/*", "/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*")
# SIGRTMIN+3 is how systemd as PID 1 is told to halt; SIGTERM would make it re-execute itself.
STOP_SIGNAL = "SIGRTMIN+3"
VARIABLE = "RECOVERY_BASE_IMAGE"


def image_name() -> str:
    """Name of the image: the one given in RECOVERY_BASE_IMAGE, else the recipe's own."""
    return given(VARIABLE, REPOSITORY) or f"{REPOSITORY}:{recipe_hash()}"


def given(variable: str, repository: str) -> str:
    """An image that the environment's `variable` names, unless it is one that setup makes.

    `. setup/env` sets it to setup's own: in that shell the clone may have a newer recipe by now.
    """
    named = os.environ.get(variable, "")
    return "" if named.startswith(f"{repository}:") else named


def recipe_hash() -> str:
    """First 12 hex digits of the SHA-256 over everything that decides what the image holds."""
    digest = hashlib.sha256()
    for path in sorted(RECIPE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(" ".join(build_argv(["PACKAGES"], Path("TAR"), Path("MIRROR"), [])).encode())
    return digest.hexdigest()[:12]


def packages(text: str) -> list[str]:
    """Return the package names of a package list, without comments."""
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


def build_argv(names: list[str], tar: Path, mirror: Path | None, options: list[str]) -> list[str]:
    """Return the argv of mmdebstrap; `mirror` is a file of apt sources, None for its own choice."""
    return [
        "mmdebstrap",
        "--quiet",
        "--variant=minbase",
        f"--include={','.join(names)}",
        *(f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        *(f"--aptopt={option}" for option in options),
        "--customize-hook=./customize.sh",
        SUITE,
        str(tar),
        *([str(mirror)] if mirror else []),
    ]


def find() -> str | None:
    """Find the image in the engine."""
    return find_image(image_name(), VARIABLE if given(VARIABLE, REPOSITORY) else "")


def find_image(name: str, variable: str) -> str | None:
    """Name and size of an image that the engine has, or None.

    Raises SetupError when the environment's `variable` names it ("" for setup's own) and the
    engine has it not.
    """
    size = ask(["docker", "image", "inspect", "--format", "{{.Size}}", name])
    if size is None and variable:
        raise SetupError(
            f"{variable} names {name}, which this Docker engine does not have",
            f"Load that image, or unset {variable} to have one built.",
        )
    return f"{name} ({megabytes(int(size))})" if size else None


def provide() -> str:
    """Import the image from the cached tar, which is built if there is none, and boot it once."""
    folder = private_folder(cache_folder() / "base-image")
    tar = folder / f"{recipe_hash()}.tar"
    if not intact(tar):
        build(tar)
    begin = time.monotonic()
    load(tar, image_name())
    say(
        NAME,
        f"imported {tar.name} ({megabytes(tar.stat().st_size)}) in "
        f"{seconds(time.monotonic() - begin)}",
    )
    return f"{image_name()}, boots in {seconds(image_boot.check(image_name()))}"


def intact(tar: Path) -> bool:
    """Say whether the cached tar is there and has the SHA-256 recorded beside it."""
    record = tar.with_suffix(".sha256")
    return tar.exists() and record.exists() and record.read_text().split()[:1] == [sha256(tar)]


def sha256(path: Path) -> str:
    """SHA-256 of a file in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def build(tar: Path) -> None:
    """Build the tar, and record its SHA-256 beside it last: a cut-off build counts as none."""
    if shutil.which("mmdebstrap") is None:
        apt.provide(NAME, ["mmdebstrap", "debian-archive-keyring"])
    log = cache_folder() / "logs" / "base-image.log"
    say(NAME, f"building Debian 12 with systemd (about 30 s to 2 min), log {log}")
    lines = mirror_lines()
    mirror = tar.with_suffix(".list")
    mirror.write_text(lines)
    part = tar.with_suffix(".part.tar")
    run(
        build_argv(
            packages((RECIPE / "packages.txt").read_text()),
            part,
            mirror if lines else None,
            apt_options(),
        ),
        log=log,
        hint="A Debian mirror must be reachable. Nothing was imported; run the command again.",
        cwd=RECIPE,
    )
    tar.with_suffix(".sha256").unlink(missing_ok=True)
    part.replace(tar)
    tar.with_suffix(".sha256").write_text(f"{sha256(tar)}  {tar.name}\n")


def load(tar: Path, name: str) -> None:
    """Import the tar into the engine as `name`."""
    log = cache_folder() / "logs" / "base-image.log"
    hint = "Look at `docker info` and at the free space of its data folder, then run it again."
    plain = f"{name}-import"
    run(
        [
            "docker",
            "import",
            "--change",
            'CMD ["/sbin/init"]',
            "--change",
            "ENV container=docker",
            str(tar),
            plain,
        ],
        log=log,
        hint=hint,
    )
    # `docker import` of Docker 20.10 does not know STOPSIGNAL; a commit of a container does.
    container = ask(["docker", "create", "--stop-signal", STOP_SIGNAL, plain, "/sbin/init"])
    if container is None:
        raise SetupError(f"{NAME}: the Docker engine did not create a container of {plain}", hint)
    try:
        run(["docker", "commit", container, name], log=log, hint=hint)
        if name.startswith(f"{REPOSITORY}:"):
            run(["docker", "tag", name, LATEST], log=log, hint=hint)
    finally:
        ask(["docker", "rm", "--force", container])
        ask(["docker", "rmi", plain])
