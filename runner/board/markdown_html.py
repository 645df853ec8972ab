"""Markdown of a notebook's cells as HTML: nothing in it is loaded or leads away, and no HTML is taken as it is."""

from __future__ import annotations

import html
from functools import cache
from typing import Any

from .inspector_parts import MUTE

LONGEST = 200_000  # characters of one cell
_HEADING = "font-weight:600;margin:8px 0 4px;font-size:{}px"
_SIZES = {"h1": 18, "h2": 16, "h3": 14, "h4": 13, "h5": 13, "h6": 13}


def markdown_html(text: str) -> str:
    """The text as HTML; HTML and pictures in it are shown as they are typed, links with their addresses."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\n\n…"
    return f'<div style="max-width:900px">{_reader().render(text)}</div>'


@cache
def _reader() -> Any:
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    reader.add_render_rule("link_open", _link_open)
    reader.add_render_rule("link_close", _link_close)
    reader.add_render_rule("heading_open", _heading_open)
    reader.add_render_rule("heading_close", lambda *_: "</div>")
    return reader


def _heading_open(_self: Any, tokens: Any, index: int, _options: Any, _env: Any) -> str:
    """A heading of a cell is none of the page's."""
    return f'<div style="{_HEADING.format(_SIZES[tokens[index].tag])}">'


def _link_open(_self: Any, _tokens: Any, _index: int, _options: Any, _env: Any) -> str:
    return '<span style="text-decoration:underline">'


def _link_close(_self: Any, tokens: Any, index: int, _options: Any, _env: Any) -> str:
    """The address behind the words: the page itself leads nowhere."""
    opened, depth = index, 0
    while opened >= 0:
        depth += {"link_close": 1, "link_open": -1}.get(tokens[opened].type, 0)
        if depth == 0:
            break
        opened -= 1
    address = str(tokens[opened].attrGet("href") or "")
    return f'</span> <span style="color:{MUTE}">({html.escape(address)})</span>' if address else "</span>"
