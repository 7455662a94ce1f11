"""Tables and colors on a terminal: words in brackets are words, and only ours have a style."""

from collections.abc import Iterator
from typing import Any

from rich.console import (
    Console,
    ConsoleOptions,
    ConsoleRenderable,
    RenderableType,
    RenderHook,
)
from rich.segment import Segment

from recovery.plain_text import plain


def safe_console(**settings: Any) -> Console:
    """A console that shows foreign text as it is, once its place is known."""
    made = Console(markup=False, emoji=False, highlight=False, **settings)
    made.push_render_hook(_Escaping())
    return made


class _Escaping(RenderHook):
    """Rich's own hook for all that is printed."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        return [_Plain(renderable) for renderable in renderables]


class _Plain:
    def __init__(self, inner: RenderableType) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for text, style, control in console.render(self._inner, options):
            yield Segment(text if control else plain(text), style, control)
