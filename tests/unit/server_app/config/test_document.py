from pathlib import Path

import pytest
import yaml

from server_app.config import ConfigError, client_config, dump_yaml, load_api_config, load_config
from server_app.config.document import parse_config, require

RECORDED = Path(__file__).parents[3] / "fixtures" / "velociraptor-0.77.2"


def test_a_real_servers_config_is_read_unchanged() -> None:
    config = load_config(str(RECORDED / "server.config.yaml"), {})
    assert config == yaml.safe_load((RECORDED / "server.config.yaml").read_text())
    require(config, ("Client", "Frontend", "Datastore", "CA", "GUI", "API"))


@pytest.mark.parametrize(
    "name", ["server.config.yaml", "client.config.yaml", "client.OACME.config.yaml", "api.yaml"]
)
def test_what_is_written_reads_the_same_in_the_same_order(name: str) -> None:
    document = yaml.safe_load((RECORDED / name).read_text())
    written = yaml.safe_load(dump_yaml(document))
    assert written == document
    assert list(written) == list(document)
    assert "-----BEGIN CERTIFICATE-----\n" in dump_yaml(document)


def test_the_clients_config_is_the_recorded_one() -> None:
    server = load_config(str(RECORDED / "server.config.yaml"), {})
    for name in ("client.config.yaml", "client.OACME.config.yaml"):
        recorded = yaml.safe_load((RECORDED / name).read_text())
        made = client_config(server, recorded["Client"]["nonce"])
        # Which build wrote it is the one thing that must differ.
        for config in (made, recorded):
            config["version"] = config["Client"]["version"] = "the build"
        assert made == recorded
        assert list(made["Client"]) == list(recorded["Client"])


def test_where_a_config_comes_from(tmp_path: Path) -> None:
    file = tmp_path / "c.yaml"
    file.write_text("Client: {nonce: a}\n")
    assert load_config(None, {"VELOCIRAPTOR_CONFIG": str(file)})["Client"]["nonce"] == "a"
    literal = {"VELOCIRAPTOR_LITERAL_CONFIG": "Client: {nonce: b}"}
    assert load_config(None, literal)["Client"]["nonce"] == "b"
    assert load_config(str(file), literal)["Client"]["nonce"] == "a"
    with pytest.raises(ConfigError, match="Unable to load config from any source"):
        load_config(None, {})


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty"),
        ("- a\n", "line 1: cannot unmarshal !!seq into proto.Config"),
        ("a: [", "not valid YAML"),
        ("a: !!python/object:os.system x", "not valid YAML"),
        ("2026-99-99: x", "not valid YAML"),
        ("Klient: {}", "line 1: field Klient not found in type proto.Config"),
        ("Client: text", "line 1: cannot unmarshal !!str `text` into proto.ClientConfig"),
        ("Client:\n  nonse: a\n", "line 2: field nonse not found in type proto.ClientConfig"),
        ("API:\n  bind_port: '8001'", "line 2: cannot unmarshal !!str `8001` into uint32"),
        ("API: {bind_port: -1}", "cannot unmarshal !!int `-1` into uint32"),
        ("Client:\n  server_urls: abc", "cannot unmarshal !!str `abc` into ..string"),
        ("Client:\n  server_urls: [{}]", "cannot unmarshal !!map into string"),
        ("Client: {fallback_addresses: 5}", "!!int `5` into map.string.string"),
        ("Client: {use_self_signed_ssl: 1}", "cannot unmarshal !!int `1` into bool"),
        ("CA: {}\nCA: {}", "line 2: field CA already set in type proto.Config"),
    ],
)
def test_what_is_no_config_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse_config(text, "x.yaml")


def test_text_may_be_a_number_and_null_anything() -> None:
    found = parse_config("Frontend: {hostname: 12, bind_port: null}\nCA:\n", "x.yaml")
    assert found == {"Frontend": {"hostname": 12, "bind_port": None}, "CA": None}


def test_missing_and_unreadable_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"open .*/none.yaml: no such file"):
        load_config(str(tmp_path / "none.yaml"), {})
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="is not text"):
        load_config(str(binary), {})


def test_sections_a_command_needs() -> None:
    with pytest.raises(ConfigError, match="No Frontend configuration"):
        require({"Client": {}}, ("Client", "Frontend"))
    with pytest.raises(ConfigError, match=r"Datastore.location is empty"):
        require({"Datastore": {}}, ("Datastore",))


def test_an_api_clients_config_is_told_from_others(tmp_path: Path) -> None:
    assert load_api_config(None, {}) is None
    recorded = load_api_config(str(RECORDED / "api.yaml"), {})
    assert recorded is not None
    assert recorded["name"] == "apiuser"
    with pytest.raises(ConfigError, match=r"field Client not found in type proto\.ApiClientConfig"):
        load_api_config(str(RECORDED / "client.config.yaml"), {})
