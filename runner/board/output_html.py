"""Outputs of nodes as HTML: what they printed, with a terminal's colours; pictures, tables, tracebacks.

A node's own HTML is its user's. Where the page trusts it as Jupyter does, it is put in as it is; everywhere else
(`framed`) it stands in a frame in which nothing runs, and its SVG in an image. Everything else is escaped.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping, Sequence
from typing import Any

from ..cell_view import text_of

_IMAGES = ("image/png", "image/jpeg", "image/gif")
# A terminal's eight colours: those of the dark theme in a page that knows it (`palette.theme_style`), else such as can
# be read on light and on dark. Black and white are the page's own.
_TERMINAL = (
    "",
    "var(--dagbook-orange-text,#e02f2a)",
    "var(--dagbook-green-text,#008843)",
    "var(--dagbook-brown-text,#986e09)",
    "var(--dagbook-blue-text,#0474e1)",
    "var(--dagbook-violet-text,#c439b4)",
    "var(--dagbook-sky-text,#228284)",
    "",
)
_KEYWORD = 28  # of 256 colours the dark green in which IPython's tracebacks show keywords
_RED = "background:rgba(213,94,0,.10)"
_ROW, _LEAST, _MOST = 26, 60, 420  # pixels: how high a frame is, which cannot know what is in it
# A frame is a page of its own: it knows the reader's colours, and not those of the page that it stands in.
_FRAME_STYLE = (
    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
    "<meta name=color-scheme content='light dark'><style>body{margin:2px;font:13px system-ui,sans-serif}"
    "table{border-collapse:collapse}td,th{padding:2px 8px;text-align:right}</style>"
)


def output_html(output: Mapping[str, Any], framed: bool = False) -> str:
    """An output in nbformat's shape as HTML; with `framed` nothing in it can run, be styled by it, or be loaded."""
    kind = output["output_type"]
    if kind == "stream":
        return _pre(ansi_html(output["text"]), _RED if output["name"] == "stderr" else "")
    if kind == "error":
        return _pre(ansi_html("\n".join(output["traceback"])), _RED)
    data = output.get("data", {})
    for mime in _IMAGES:
        if mime in data:
            alt = html.escape(text_of(data.get("text/plain", "figure")))
            source = f"data:{mime};base64,{html.escape(text_of(data[mime]).strip())}"
            return f'<img alt="{alt}"{_size(output, mime)} style="max-width:100%;height:auto" src="{source}">'
    if "image/svg+xml" in data:
        return _svg_html(text_of(data["image/svg+xml"]), framed)
    if "text/html" in data:
        own = text_of(data["text/html"])
        return _frame(own) if framed else f"<div>{own}</div>"
    text = text_of(data.get("text/markdown") or data.get("text/plain") or "")
    return _pre(html.escape(text), "") if text else ""


def _svg_html(own: str, framed: bool) -> str:
    if not framed:
        return f"<div>{own}</div>"
    coded = base64.b64encode(own.encode(errors="replace")).decode()  # an image's SVG runs nothing and loads nothing
    return f'<img alt="figure" style="max-width:100%;height:auto" src="data:image/svg+xml;base64,{coded}">'


def _frame(own: str) -> str:
    """HTML in a frame without rights: no script, no form, no way to the page around it."""
    height = min(max(_LEAST, 24 + _ROW * own.lower().count("<tr")), _MOST)
    box = f"width:100%;height:{height}px;border:1px solid var(--jp-border-color2,#d7dde3);border-radius:4px"
    inner = html.escape(f"{_FRAME_STYLE}{own}")
    return f'<iframe sandbox="" title="output" style="{box};resize:vertical" srcdoc="{inner}"></iframe>'


def traceback_html(lines: Sequence[str]) -> str:
    """A traceback as the kernel coloured it, its lines as they are: what is too wide scrolls."""
    return _pre(ansi_html("\n".join(lines)), f"{_RED};white-space:pre;overflow:auto;max-height:420px")


def log_html(text: str) -> str:
    """Lines that were printed, with a terminal's colours; a long log scrolls."""
    return _pre(
        ansi_html(text), "max-height:260px;overflow:auto;background:var(--jp-layout-color2,rgba(128,128,128,.1))"
    )


def image_html(data: bytes, alt: str) -> str:
    """An image file's bytes as an image; empty for what is none of the formats that nodes log."""
    kinds = (
        (b"\x89PNG", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"<", "image/svg+xml"),
    )
    mime = next((mime for start, mime in kinds if data.lstrip()[: len(start)] == start), "")
    coded = base64.b64encode(data).decode()
    style = "max-width:100%;height:auto"
    return f'<img alt="{html.escape(alt)}" style="{style}" src="data:{mime};base64,{coded}">' if mime else ""


def _size(output: Mapping[str, Any], mime: str) -> str:
    """The width that a picture asks for; one with twice the pixels is not shown twice as large."""
    about = output.get("metadata", {}).get(mime)
    width = about.get("width") if isinstance(about, Mapping) else None
    return f' width="{width:.0f}"' if isinstance(width, int | float) else ""


def _pre(inner: str, style: str) -> str:
    font = "font-family:var(--jp-code-font-family,monospace);font-size:var(--jp-code-font-size,13px)"
    font += ";line-height:var(--jp-code-line-height,1.3)"
    box = "margin:2px 0;padding:2px 14px;white-space:pre-wrap;overflow-wrap:anywhere"
    return f'<pre style="{box};{font};{style}">{inner}</pre>' if inner else ""


def ansi_html(text: str) -> str:
    """Escaped text, terminal colours as inline styles."""
    if "\x1b[" not in text:
        return html.escape(text)
    from rich.console import Console
    from rich.text import Text

    # force_jupyter: in a notebook's kernel rich would display what it prints, in whichever cell runs
    console = Console(file=io.StringIO(), color_system="truecolor", force_jupyter=False)
    return "".join(_coloured(segment.text, segment.style) for segment in Text.from_ansi(text).render(console))


def _coloured(text: str, style: Any) -> str:
    """Escaped text in one style. What a terminal shows in its own colours has none here, so that it suits any theme."""
    rules = []
    if style and style.bgcolor and not style.bgcolor.is_default:
        rules += [f"background:{_css_colour(style.bgcolor)}", "color:#000"]
    elif style and style.color and (colour := _css_colour(style.color)):
        rules.append(f"color:{colour}")
    rules += ["font-weight:600"] if style and style.bold else []
    rules += ["font-style:italic"] if style and style.italic else []
    return f'<span style="{";".join(rules)}">{html.escape(text)}</span>' if rules else html.escape(text)


def _css_colour(colour: Any) -> str:
    if colour.is_default:
        return ""
    if colour.number is not None and (colour.number < 16 or colour.number == _KEYWORD):
        return _TERMINAL[2 if colour.number == _KEYWORD else colour.number % 8]
    return str(colour.get_truecolor().hex)
