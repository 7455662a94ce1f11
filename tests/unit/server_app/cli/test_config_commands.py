import json
from pathlib import Path

import yaml

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"


def test_version_tells_this_program_from_the_real_one(run) -> None:
    done = run("version")
    assert done.code == 0
    version = yaml.safe_load(done.out)
    assert version["name"] == "velociraptor-reference"
    assert version["version"] == "0.77.2"
    real = yaml.safe_load((RECORDED / "server.config.yaml").read_text())["version"]
    assert list(version) == list(real)


def test_generate_merges_then_patches(run, tmp_path: Path) -> None:
    file = tmp_path / "merge.json"
    file.write_text('{"Client": {"max_poll": 5}, "GUI": {"bind_port": 1}}')
    patch = tmp_path / "patch.json"
    patch.write_text('[{"op": "replace", "path": "/GUI/bind_port", "value": 4}]')
    done = run(
        "config", "generate", "--merge_file", file, "--patch_file", patch,
        "--merge", '{"GUI": {"bind_port": 2}}', "--merge", '{"GUI": {"bind_port": 3}, "CA": null}',
        "--patch", '[{"op": "add", "path": "/Client/server_urls/-", "value": "https://b/"}]',
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    made = yaml.safe_load(done.out)
    assert made["Client"]["max_poll"] == 5
    assert made["GUI"]["bind_port"] == 4
    assert made["Client"]["server_urls"] == ["https://localhost:8000/", "https://b/"]
    assert "CA" not in made


def test_two_configs_have_no_key_in_common(run) -> None:
    first, second = (yaml.safe_load(run("config", "generate").out) for _ in range(2))
    assert first["CA"]["private_key"] != second["CA"]["private_key"]
    assert first["Client"]["nonce"] != second["Client"]["nonce"]


def test_generate_refuses_what_is_no_merge(run, tmp_path: Path) -> None:
    done = run("config", "generate", "--merge", "nonsense")
    assert (done.code, done.out) == (1, "")
    assert "velociraptor: error: config generate: Invalid merge patch" in done.err
    assert run("config", "generate", "--merge_file", tmp_path / "none").code == 1


def test_show_is_the_config_itself(run, config: Path) -> None:
    shown = yaml.safe_load(run("--config", config, "config", "show").out)
    assert shown["Frontend"] == yaml.safe_load(config.read_text())["Frontend"]
    as_json = json.loads(run("config", "show", "--json", "--config", config).out)
    assert as_json == shown
    merged = run("config", "show", "--config", config, "--merge", '{"Client": {"max_poll": 1}}')
    assert yaml.safe_load(merged.out)["Client"]["max_poll"] == 1


def test_client_config_of_each_org(run, config: Path) -> None:
    from server_app.services import Server

    server = Server(yaml.safe_load(config.read_text()))
    nonce = server.org("").orgs.create("Acme", "OACME")["nonce"]
    root = yaml.safe_load(run("--config", config, "config", "client").out)
    acme = yaml.safe_load(run("--config", config, "config", "client", "--org", "OACME").out)
    assert list(root) == ["version", "Client"]
    assert root["Client"]["nonce"] == "Hc4K+V0kruc="
    assert acme["Client"]["nonce"] == nonce
    assert {**acme["Client"], "nonce": ""} == {**root["Client"], "nonce": ""}
    assert "private_key" not in json.dumps(root)
    missing = run("--config", config, "config", "client", "--org", "ONOPE")
    assert (missing.code, "Org not found" in missing.err) == (1, True)


def test_api_client(run, config: Path, tmp_path: Path) -> None:
    target = tmp_path / "api.yaml"
    target.write_text("old")
    target.chmod(0o644)
    done = run(
        "--config", config, "config", "api_client", "--name", "bob", "--role", "reader,api", target
    )
    assert done.code == 0
    assert done.out == f"Creating API client file on {target}.\n"
    assert target.stat().st_mode & 0o777 == 0o600
    made = yaml.safe_load(target.read_text())
    real = yaml.safe_load((RECORDED / "api.yaml").read_text())
    assert list(made) == list(real)
    assert made["ca_certificate"] == real["ca_certificate"]
    assert made["api_connection_string"] == "127.0.0.1:18001"
    assert made["name"] == "bob"
    shown = run("--config", config, "acl", "show", "bob")
    assert json.loads(shown.out)["roles"] == ["reader", "api"]


def test_api_client_without_role_makes_no_user(run, config: Path, tmp_path: Path) -> None:
    done = run("--config", config, "config", "api_client", "--name", "bob", tmp_path / "a.yaml")
    assert "No role added to user bob" in done.out
    assert run("--config", config, "user", "show", "bob").code == 1


def test_renewing_certificates(run, config: Path) -> None:
    before = yaml.safe_load(config.read_text())
    reissued = yaml.safe_load(
        run("--config", config, "config", "reissue_certs", "--validity", 9).out
    )
    assert reissued["Frontend"]["private_key"] == before["Frontend"]["private_key"]
    assert reissued["Frontend"]["certificate"] != before["Frontend"]["certificate"]
    rotated = yaml.safe_load(run("--config", config, "config", "rotate_keys").out)
    assert rotated["GUI"]["gw_private_key"] != before["GUI"]["gw_private_key"]


def test_bad_input_is_one_line_and_exit_code_1(run, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [")
    for arguments in (
        ("--config", tmp_path / "none.yaml", "config", "show"),
        ("--config", bad, "config", "client"),
        ("config", "show"),
        (
            "--config",
            RECORDED / "client.config.yaml",
            "config",
            "api_client",
            "--name",
            "x",
            "/x/y",
        ),
        ("--config", RECORDED / "client.config.yaml", "frontend"),
        ("--config", RECORDED / "client.config.yaml", "user", "show", "x"),
        ("config", "generate", "--unknown"),
        ("nothing",),
    ):
        done = run(*arguments)
        assert done.code == 1, arguments
        assert done.out == ""
        assert done.err.startswith("velociraptor: error: ")
        assert done.err.count("\n") == 1


def test_without_a_command_there_is_help(run) -> None:
    done = run()
    assert (done.code, done.out) == (0, "")
    assert "usage: velociraptor" in done.err
