"""The image with cloud-init: the base image's recipe, and its own on top."""

import shutil
from pathlib import Path

from setup import base_image, cloud_image


def test_it_is_the_base_image_with_cloud_init_and_a_second_customization():
    argv = cloud_image.build_argv(["x"], Path("a.tar"), None, [])
    hooks = [word for word in argv if word.startswith("--customize-hook=")]
    assert hooks == [
        "--customize-hook=./customize.sh",
        f"--customize-hook={cloud_image.RECIPE / 'customize.sh'}",
    ]
    assert argv[-2:] == ["bookworm", "a.tar"]
    names = base_image.packages((cloud_image.RECIPE / "packages.txt").read_text())
    assert "cloud-init" in names


def test_its_name_follows_both_recipes(tmp_path, monkeypatch):
    monkeypatch.delenv(cloud_image.VARIABLE, raising=False)
    before = cloud_image.image_name()
    for room in (base_image, cloud_image):
        changed = tmp_path / room.__name__
        shutil.copytree(room.RECIPE, changed)
        with (changed / "packages.txt").open("a") as stream:
            stream.write("curl\n")
        with monkeypatch.context() as patch:
            patch.setattr(room, "RECIPE", changed)
            assert cloud_image.image_name() != before
    assert cloud_image.image_name() == before


def test_an_image_given_by_name_is_used(monkeypatch):
    monkeypatch.setenv(cloud_image.VARIABLE, "mine:1")
    assert cloud_image.image_name() == "mine:1"
