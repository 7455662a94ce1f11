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
        ("", "a mapping is expected"),
        ("- a\n", "a mapping is expected"),
        ("a: [", "not valid YAML"),
        ("a: !!python/object:os.system x", "not valid YAML"),
        ("2026-99-99: x", "unknown section|not valid YAML"),
        ("Klient: {}", "unknown section Klient"),
        ("Client: text", "section Client is not a mapping"),
    ],
)
def test_what_is_no_config_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        parse_config(text, "x.yaml")


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
    with pytest.raises(ConfigError, match="not an API client's config: ca_certificate"):
        load_api_config(str(RECORDED / "client.config.yaml"), {})
