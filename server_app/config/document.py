"""Reading and writing config files: where they come from, what they must hold."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CONFIG_VARIABLE = "VELOCIRAPTOR_CONFIG"
LITERAL_VARIABLE = "VELOCIRAPTOR_LITERAL_CONFIG"
API_VARIABLE = "VELOCIRAPTOR_API_CONFIG"


class ConfigError(Exception):
    """A config that can't be used; the message names the file or the missing part."""


def load_config(path: str | None, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Reads the server or client config: `path`, else what the environment names.

    Returns the parsed document, with nothing filled in. Raises ConfigError when
    there is none, it can't be read, isn't YAML, or has an unknown section.
    """
    if path:
        return parse_config(_read(path), path)
    if named := environment.get(CONFIG_VARIABLE):
        return parse_config(_read(named), named, "EnvLoader")
    if environment.get(LITERAL_VARIABLE):
        name = f"${LITERAL_VARIABLE}"
        return parse_config(environment[LITERAL_VARIABLE], name, "EnvLiteralLoader")
    raise ConfigError("Unable to load config from any source.")


def load_api_config(
    path: str | None, environment: Mapping[str, str] = os.environ
) -> dict[str, Any] | None:
    """Reads an API client's config: `path`, else what the environment names, else None."""
    name = path or environment.get(API_VARIABLE)
    if not name:
        return None
    document = parse_yaml(_read(name, "ApiLoader"), name, "ApiClientConfig", "ApiLoader")
    wanted = ("ca_certificate", "client_cert", "client_private_key", "api_connection_string")
    missing = [key for key in wanted if not document.get(key)]
    if missing:
        raise ConfigError(f"{name} is not an API client's config: {', '.join(missing)} missing")
    return document


def parse_config(text: str, name: str, loader: str = "FileLoader") -> dict[str, Any]:
    """Parses a server or client config; ConfigError for anything that isn't one.

    Unknown settings and values of a wrong kind are refused, as by the real server.
    """
    return parse_yaml(text, name, "Config", loader)


def parse_yaml(text: str, name: str, section: str, loader: str) -> dict[str, Any]:
    """Parses a YAML mapping with the settings of that section; ConfigError for anything else."""
    import yaml

    from server_app.config.check import faults

    # The C parser is ten times as fast; both of them only make plain values.
    reader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        parser = reader(text)
        node = parser.get_single_node()
        document = parser.construct_document(node) if node is not None else None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        # A constructor's ValueError (an impossible date, say) is malformed input too.
        raise ConfigError(f"{name} is not valid YAML: {_first_line(error)}") from error
    if node is None:
        raise ConfigError(f"{name} is not a config: it is empty")
    if found := faults(node, section):
        raise ConfigError("\n  ".join([f"{loader}: yaml: unmarshal errors:", *found]))
    if not isinstance(document, dict):
        raise ConfigError(f"{name} is not a config: a mapping is expected at its top")
    return document


def require(config: dict[str, Any], sections: Iterable[str]) -> dict[str, Any]:
    """The same config, once the sections a command needs are known to be there."""
    for section in sections:
        if not isinstance(config.get(section), dict):
            raise ConfigError(f"No {section} configuration given: section missing from the config")
    if "Datastore" in sections and not config["Datastore"].get("location"):
        raise ConfigError("Datastore.location is empty")
    return config


def dump_yaml(document: Mapping[str, Any]) -> str:
    """YAML in the order of the document, PEM blocks as literal text, like the real files."""
    import yaml

    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, _data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value else None
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)

    Dumper.add_representer(str, text)
    written = yaml.dump(
        dict(document), Dumper=Dumper, sort_keys=False, default_flow_style=False,
        allow_unicode=True, width=1_000_000,
    )  # fmt: skip
    return str(written)


def _read(path: str, loader: str = "FileLoader") -> str:
    try:
        return Path(path).read_text("utf-8")
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ConfigError(f"{loader}: open {path}: {reason}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not text: {error.reason}") from error


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
