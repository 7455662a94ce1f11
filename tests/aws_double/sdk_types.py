"""What the pulumi_aws SDK itself knows of a type: its inputs with their types, and its outputs.

Nothing is listed by hand. An input that the SDK doesn't have, or of another type, is refused; so
is an output that no getter of the SDK would read. Loading the SDK takes seconds, so what was
read of it is kept in the cache, under the SDK's version.
"""

import importlib
import importlib.util
import inspect
import json
import os
import re
import threading
import typing
import warnings
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"  # what the engine sends for it during a preview
_LOCK = threading.RLock()
_PLAIN = {str: "string", bool: "boolean", int: "number", float: "number"}
_CHECKS: dict[str, Any] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "any": lambda _value: True,
}


class UnknownError(Exception):
    """The SDK has no such resource or function."""


def refuse_inputs(token: str, given: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(property, reason) for everything that the SDK doesn't know so, or that is missing."""
    known = described(token)
    refused = list(_compare("", dict(given), known["inputs"]))
    return refused + [(name, "it is missing") for name in known["needed"] if name not in given]


def refuse_outputs(token: str, made: Mapping[str, Any]) -> list[str]:
    """The outputs that no getter of the SDK reads."""
    return sorted(set(made) - set(described(token)["outputs"]))


def refuse_arguments(token: str, given: Mapping[str, Any]) -> list[str]:
    """The arguments that the SDK's function doesn't send."""
    return sorted(set(given) - set(described(token)["arguments"]))


def described(token: str) -> dict[str, Any]:
    """What the SDK says of a resource or a function; :class:`UnknownError` when it has none."""
    with _LOCK:
        if not _KNOWN and _file().exists():
            _KNOWN.update(json.loads(_file().read_text()))
        if token not in _KNOWN:
            function = token.rsplit(":", 1)[-1][0].islower()
            with warnings.catch_warnings():  # the SDK warns of its own old names while it loads
                warnings.simplefilter("ignore", DeprecationWarning)
                _KNOWN[token] = _function(token) if function else _resource(token)
            _file().parent.mkdir(parents=True, exist_ok=True)
            part = _file().with_suffix(f".{os.getpid()}")
            part.write_text(json.dumps(_KNOWN))
            part.replace(_file())
        return _KNOWN[token]


_KNOWN: dict[str, dict[str, Any]] = {}


def _file() -> Path:
    given = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(given) if given.startswith("/") else Path.home() / ".cache"
    return base / "velociraptor-recovery" / "aws-double" / f"{version('pulumi-aws')}.json"


def _resource(token: str) -> dict[str, Any]:
    from pulumi import _types

    made = _resource_class(token)
    module = inspect.getmodule(made)
    # Where another type has the name already, the SDK's generator takes the longer one.
    longer = getattr(module, f"{made.__name__}InitArgs", None)
    args = longer or getattr(module, f"{made.__name__}Args")
    names = _types.input_type_py_to_pulumi_names(args)
    parameters = list(inspect.signature(args.__init__).parameters.values())[1:]
    return {
        "inputs": _describe(args),
        "needed": [
            names.get(one.name, one.name)
            for one in parameters
            if one.default is inspect.Parameter.empty
        ],
        "outputs": sorted(
            getter.fget._pulumi_name
            for _, getter in inspect.getmembers(made, lambda one: isinstance(one, property))
            if hasattr(getter.fget, "_pulumi_name")
        ),
    }


def _resource_class(token: str) -> Any:
    """The class that the SDK has registered for a token; its table is read as text."""
    found = importlib.util.find_spec("pulumi_aws")
    text = Path(found.origin).read_text()
    table = re.search(r'resource_modules="""(.*?)"""', text, re.DOTALL).group(1)
    for module in json.loads(table):
        if name := module["classes"].get(token):
            return getattr(importlib.import_module(module["fqn"]), name)
    raise UnknownError(f"the pulumi_aws SDK has no resource {token}")


def _function(token: str) -> dict[str, Any]:
    _, module, name = token.split(":")
    snake = re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
    service = module.split("/")[0]
    where = "pulumi_aws" if service == "index" else f"pulumi_aws.{service}"
    try:
        function = getattr(importlib.import_module(where), snake)
    except (ImportError, AttributeError) as missing:
        raise UnknownError(f"the pulumi_aws SDK has no function {token}") from missing
    return {"arguments": re.findall(r"__args__\['(\w+)'\]", inspect.getsource(function))}


def _describe(wanted: Any) -> Any:
    """A type of the SDK's as JSON: a word, or a list, map, object or choice of such."""
    from pulumi import _types

    wanted = _plain(wanted)
    origin, parts = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is typing.Union:
        return {"choice": [_describe(part) for part in parts]}
    if origin in (list, Sequence):
        return {"list": _describe(parts[0])}
    if origin in (dict, Mapping):
        return {"map": _describe(parts[1])}
    if isinstance(wanted, type) and _types.is_input_type(wanted):
        fields = _types.input_type_types(wanted)
        return {
            "object": {name: _describe(one) for name, one in fields.items()},
            "name": wanted.__name__,
        }
    if isinstance(wanted, type):
        for base, word in _PLAIN.items():
            if issubclass(wanted, base):
                return word
    return "any"


def _plain(wanted: Any) -> Any:
    """A type without what makes it an ``Input``: no Awaitable, no Output, no None, no dict form."""
    if typing.get_origin(wanted) is not typing.Union:
        return wanted
    kept = [
        part
        for part in typing.get_args(wanted)
        if part is not type(None)
        and "Awaitable" not in str(typing.get_origin(part))
        and "pulumi.output.Output" not in str(part).split("[", 1)[0]
        and not (isinstance(part, type) and typing.is_typeddict(part))
    ]
    if not kept:
        return Any
    return kept[0] if len(kept) == 1 else typing.Union[tuple(kept)]  # noqa: UP007


def _compare(path: str, value: Any, wanted: Any) -> Iterator[tuple[str, str]]:
    if value is None or value == UNKNOWN:
        return
    if isinstance(wanted, str):
        if not _CHECKS[wanted](value):
            yield path, f"{value!r} is no {wanted}"
    elif "choice" in wanted:
        if all(list(_compare(path, value, one)) for one in wanted["choice"]):
            yield path, f"{value!r} is none of {wanted['choice']}"
    elif not isinstance(value, list if "list" in wanted else dict):
        yield path, f"{value!r} is no {'list' if 'list' in wanted else 'object'}"
    else:
        yield from _compare_parts(path, value, wanted)


def _compare_parts(path: str, value: Any, wanted: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if "list" in wanted:
        for number, one in enumerate(value):
            yield from _compare(f"{path}[{number}]", one, wanted["list"])
        return
    for key, one in value.items():
        below = f"{path}.{key}" if path else key
        if "map" in wanted:
            yield from _compare(below, one, wanted["map"])
        elif key in wanted["object"]:
            yield from _compare(below, one, wanted["object"][key])
        else:
            yield below, f"the SDK's {wanted['name']} has no such property"
