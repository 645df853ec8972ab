"""Code as HTML: its words in colours that can be read on light and dark, its lines numbered, one of them marked."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import Any

from .inspector_parts import INK, LINE, MUTE, soft

LONGEST_CODE = 100_000  # characters that are coloured; more is shown plain
AROUND = 18  # lines before and after the one that is marked, of a long cell
MOST_LINES = 60  # of a cell with a marked line that is shown whole

_LANGUAGES = {"ipython": "python", "ipython3": "python", "sh": "bash"}
# Kinds of words as Pygments names them, each with its class here and how that looks: with the variables of the page.
_KINDS: Mapping[str, tuple[str, str]] = {
    "Token.Comment": ("c", f"color:{MUTE};font-style:italic"),
    "Token.Keyword": ("k", "color:var(--dagbook-violet-text,#96407A);font-weight:600"),
    "Token.Operator.Word": ("k", ""),
    "Token.Literal.String": ("s", "color:var(--dagbook-brown-text,#725A00)"),
    "Token.Literal.Number": ("n", "color:var(--dagbook-blue-text,#00629A)"),
    "Token.Name.Function": ("f", "color:var(--dagbook-sky-text,#0F6A99)"),
    "Token.Name.Class": ("f", ""),
    "Token.Name.Builtin": ("b", "color:var(--dagbook-green-text,#00704F)"),
    "Token.Name.Decorator": ("b", ""),
    "Token.Name.Variable": ("b", ""),
}
CODE_STYLE = (
    ".dagbook-code{margin:2px 0;padding:6px 0;overflow-x:auto;border-radius:4px;"
    f"background:var(--jp-layout-color2,rgba(128,128,128,.1));color:{INK}}}"
    ".dagbook-code pre{margin:0;width:max-content;min-width:100%;line-height:1.45;"
    "font-family:var(--jp-code-font-family,monospace);font-size:var(--jp-code-font-size,12px)}"
    ".dagbook-code pre>span{display:block;padding:0 12px 0 0;counter-increment:line}"
    f".dagbook-code pre>span::before{{content:counter(line);color:{MUTE};display:inline-block;"
    "width:3.2em;padding-right:1.2em;text-align:right}"
    ".dagbook-code pre>.m{background:rgba(213,94,0,.18);box-shadow:inset 3px 0 0 var(--dagbook-orange,#D55E00)}"
    + "".join(f".dagbook-code .{name}{{{look}}}" for name, look in _KINDS.values() if look)
)


def code_html(source: str, language: str = "python", marked: int | None = None) -> str:
    """Source text in a box; with a `marked` line (from 1) that stands out, and of a long text what is around it.

    The page holds `CODE_STYLE`.
    """
    lines = _lines(source, language)
    first, last = 0, len(lines)
    if marked is not None and 0 < marked <= len(lines) and len(lines) > MOST_LINES:
        first, last = max(marked - 1 - AROUND, 0), min(marked + AROUND, len(lines))
    rows = [
        f"<span{' class=m' if number == marked else ''}>{inner}\n</span>"
        for number, inner in enumerate(lines[first:last], first + 1)
    ]
    before = _said(f"… {first} lines before") if first else ""
    after = _said(f"… {len(lines) - last} lines after") if last < len(lines) else ""
    inner = f'<pre style="counter-reset:line {first}">{"".join(rows)}</pre>'
    return f'<div class="dagbook-code">{before}{inner}{after}</div>' if source else ""


def _said(text: str) -> str:
    return f'<div style="padding:0 10px">{soft(text)}</div>'


@lru_cache(maxsize=128)  # the runs of a grid have the same code
def _lines(source: str, language: str) -> tuple[str, ...]:
    """Each line as HTML. A word that goes over several lines is one in each of them."""
    whole: list[str] = [""]
    for kind, text in _words(source, language):
        look = _class_of(kind)
        for number, part in enumerate(text.split("\n")):
            if number:
                whole.append("")
            if part:
                escaped = html.escape(part)
                whole[-1] += f"<span class={look}>{escaped}</span>" if look else escaped
    return tuple(whole)


def _words(source: str, language: str) -> Iterator[tuple[Any, str]]:
    source = source.rstrip("\n")
    if len(source) > LONGEST_CODE:
        return iter([("", source)])
    lexer = _lexer(language)
    return iter([("", source)]) if lexer is None else _without_last_line(lexer.get_tokens(source), source)


def _without_last_line(words: Any, source: str) -> Iterator[tuple[Any, str]]:
    """The words of `source`, and no line end that the lexer has put behind it."""
    left = len(source)
    for kind, text in words:
        yield kind, text[:left]
        left -= len(text)
        if left <= 0:
            return


@cache
def _lexer(language: str) -> Any:
    """Pygments' reader of a language; None for one that it does not know."""
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    name = language.lower()
    try:
        return get_lexer_by_name(_LANGUAGES.get(name, name), stripnl=False)
    except ClassNotFound:
        return None


@cache
def _class_of(kind: Any) -> str:
    """The class of a kind of word, or of the kind that it is one of; empty for plain ones."""
    name = str(kind)
    while name:
        if name in _KINDS:
            return _KINDS[name][0]
        name = name.rpartition(".")[0]
    return ""


def ruled(parts: str) -> str:
    """Parts with a thin line on their left: what belongs to one cell."""
    return f'<div style="border-left:2px solid {LINE};padding:0 0 0 10px;margin:8px 0;min-width:0">{parts}</div>'
