"""YAML that anybody may have written: no more than it seems, and nothing twice.

A few lines of aliases stand for gigabytes, a list of lists a hundred thousand deep ends the program
without a word (seen: PyYAML's fast loader), and of a key given twice the last would count, where a
server refuses the whole (read in its source).
"""

from collections.abc import Hashable
from typing import Any

import yaml

_DEEPEST = 100
_MOST = 100_000
"""Values, each alias counted as all that it stands for; a server's config has some hundred."""
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STRANGE = (ValueError, TypeError, AttributeError, OverflowError, RecursionError)


class ForeignYamlError(ValueError):
    """What is wrong with it, in words; nothing of its text."""


def load_foreign_yaml(raw: bytes, *, once: bool = True) -> Any:
    """What it says. ``once``: a key given twice is refused. Raises :class:`ForeignYamlError`."""
    try:
        _refuse_bombs(raw)
        return yaml.load(raw, Loader=_OnceLoader if once else _LOADER)  # noqa: S506 - safe ones
    except yaml.YAMLError as broken:
        mark = getattr(broken, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark else ""
        raise ForeignYamlError(f"not YAML{where}") from None
    except ForeignYamlError:
        raise
    except _STRANGE as strange:
        raise ForeignYamlError(f"not YAML: {type(strange).__name__}") from None


def _refuse_bombs(raw: bytes) -> None:
    """Looks at it piece by piece, which takes as long as it is, whatever it stands for."""
    sizes: dict[str | None, int] = {}
    open_ones: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(raw, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            sizes.pop(event.anchor, None)  # its own name means nothing inside it
            open_ones.append((event.anchor, 1))
            if len(open_ones) > _DEEPEST:
                raise ForeignYamlError("it is nested too deep")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_ones.pop()
        elif isinstance(event, yaml.AliasEvent):
            anchor, size = None, sizes.get(event.anchor, 0)
            if not size:
                raise ForeignYamlError("an alias in it stands for nothing, or for itself")
        elif isinstance(event, yaml.ScalarEvent):
            anchor, size = event.anchor, 1
        else:
            continue
        if anchor:
            sizes[anchor] = size
        above, held = open_ones[-1]
        open_ones[-1] = above, held + size
        if held + size > _MOST:
            raise ForeignYamlError("its aliases stand for too much")


class _OnceLoader(_LOADER):  # type: ignore[misc]
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                line = key_node.start_mark.line + 1
                raise ForeignYamlError(f"a name stands in it twice, at line {line}")
            seen.add(key)
        return dict(super().construct_mapping(node, deep=deep))
