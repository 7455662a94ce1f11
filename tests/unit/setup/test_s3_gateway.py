from pathlib import Path

from setup import go_toolchain, s3_gateway


def test_the_pinned_module_is_the_version_that_the_path_names():
    module = (s3_gateway.SOURCE / "go.mod").read_text()
    assert f"github.com/versity/versitygw v{s3_gateway.VERSION}" in module
    assert go_toolchain.needed(module) <= go_toolchain.needed(go_toolchain.MODULE.read_text())


def test_one_that_is_named_is_taken(tmp_path):
    assert s3_gateway.path({s3_gateway.VARIABLE: "/opt/vgw"}) == Path("/opt/vgw")
    found = s3_gateway.path({"XDG_CACHE_HOME": str(tmp_path)})
    assert found.is_relative_to(tmp_path)
    assert s3_gateway.VERSION in found.parts


def test_only_pinned_modules_go_in():
    argv = s3_gateway.build_argv(Path("/go"), Path("/goal"))
    assert "-mod=readonly" in argv
    assert argv[-1] == s3_gateway.PACKAGE
