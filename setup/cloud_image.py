"""The Docker image that stands in for a cloud's: the base image's recipe, and Debian's cloud-init.

Machines of `recovery drill --on aws-double` run it: they boot from user data, as an instance does.
"""

import hashlib
import shutil
import time
from pathlib import Path

from setup import apt, base_image, image_boot
from setup.commands import ask, run
from setup.debian_mirror import apt_options, mirror_lines
from setup.places import cache_folder, private_folder
from setup.progress import say, seconds

NAME = "cloud image"
REPOSITORY = "velociraptor-recovery-cloud"
LATEST = f"{REPOSITORY}:current"  # for programs that run outside `. setup/env`
RECIPE = Path(__file__).parent / "cloud_image_recipe"
VARIABLE = "RECOVERY_CLOUD_IMAGE"


def image_name() -> str:
    """Name of the image: the one given in RECOVERY_CLOUD_IMAGE, else the recipes' own."""
    return base_image.given(VARIABLE, REPOSITORY) or f"{REPOSITORY}:{recipe_hash()}"


def recipe_hash() -> str:
    """First 12 hex digits of the SHA-256 over both recipes."""
    digest = hashlib.sha256(base_image.recipe_hash().encode())
    for path in sorted(RECIPE.iterdir()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def build_argv(names: list[str], tar: Path, mirror: Path | None, options: list[str]) -> list[str]:
    """Return the base image's argv of mmdebstrap, with the second customization after the first."""
    argv = base_image.build_argv(names, tar, mirror, options)
    suite = argv.index(base_image.SUITE)
    return [*argv[:suite], f"--customize-hook={RECIPE / 'customize.sh'}", *argv[suite:]]


def find() -> str | None:
    """Find the image in the engine."""
    named = base_image.given(VARIABLE, REPOSITORY)
    return base_image.find_image(image_name(), VARIABLE if named else "")


def provide() -> str:
    """Import the image from the cached tar, which is built if there is none, and boot it once."""
    folder = private_folder(cache_folder() / "cloud-image")
    tar = folder / f"{recipe_hash()}.tar"
    if not base_image.intact(tar):
        build(tar)
    begin = time.monotonic()
    base_image.load(tar, image_name())
    if image_name().startswith(f"{REPOSITORY}:"):
        ask(["docker", "tag", image_name(), LATEST])
    say(NAME, f"imported {tar.name} in {seconds(time.monotonic() - begin)}")
    return f"{image_name()}, boots in {seconds(image_boot.check(image_name()))}"


def build(tar: Path) -> None:
    """Build the tar, and record its SHA-256 beside it last: a cut-off build counts as none."""
    if shutil.which("mmdebstrap") is None:
        apt.provide(NAME, ["mmdebstrap", "debian-archive-keyring"])
    log = cache_folder() / "logs" / "cloud-image.log"
    say(NAME, f"building Debian 12 with cloud-init (about 40 s to 3 min), log {log}")
    lines = mirror_lines()
    mirror = tar.with_suffix(".list")
    mirror.write_text(lines)
    part = tar.with_suffix(".part.tar")
    texts = [(folder / "packages.txt").read_text() for folder in (base_image.RECIPE, RECIPE)]
    run(
        build_argv(
            [name for text in texts for name in base_image.packages(text)],
            part,
            mirror if lines else None,
            apt_options(),
        ),
        log=log,
        hint="A Debian mirror must be reachable. Nothing was imported; run the command again.",
        cwd=base_image.RECIPE,
    )
    tar.with_suffix(".sha256").unlink(missing_ok=True)
    part.replace(tar)
    tar.with_suffix(".sha256").write_text(f"{base_image.sha256(tar)}  {tar.name}\n")
