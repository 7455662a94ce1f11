from pathlib import Path

import pytest

from server_app import build


def test_every_module_goes_in_but_the_builder_itself() -> None:
    modules = build.modules()
    for name in ("server_app", "server_app.__main__", "server_app.cli.query", "server_app.plugins"):
        assert name in modules
    assert "server_app.build" not in modules
    assert len(modules) == len(set(modules))


def test_commands_are_all_importable_names() -> None:
    from server_app.cli.main import COMMANDS

    modules = build.modules()
    assert {target.partition(":")[0] for target in COMMANDS.values()} <= set(modules)


def test_the_instructions_are_python_and_pack_uncompressed() -> None:
    text = build.spec([("/a b/grammar.lark", "server_app/vql")])
    compile(text, "spec", "exec")
    assert "('/a b/grammar.lark', 'server_app/vql')" in text
    assert "kind: False" in text


def test_the_fingerprint_follows_the_sources(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "__pycache__").mkdir()
    monkeypatch.setattr(build, "SOURCES", tmp_path)
    first = build.fingerprint()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    assert build.fingerprint() == first
    (tmp_path / "a.py").write_text("2")
    assert build.fingerprint() != first


def test_an_executable_that_is_there_is_not_built_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    target = build.cache_folder() / build.fingerprint() / build.NAME
    target.parent.mkdir(parents=True)
    target.write_text("built before")
    assert build.main() == 0
    assert capsys.readouterr().out == f"{target}\n"


def test_old_builds_and_leftovers_go(tmp_path: Path) -> None:
    import os

    for number in range(5):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / build.NAME).write_text("x")
        os.utime(folder, (number, number))
    (tmp_path / ".build-killed").mkdir()
    (tmp_path / "lock").write_text("")
    build._forget_old(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3", "4", "lock"]
