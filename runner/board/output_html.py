"""Outputs of nodes as HTML: what they printed, with a terminal's colours; pictures, tables, tracebacks.

What a node displays is not to be trusted: it may come out of a container, and the page that shows it can reach the
server of the notebook. Its HTML stands in a frame in which nothing runs, its SVG in an image; the rest is escaped.
"""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..cell_view import text_of
from ..records.folding import EARLIER
from ..view import plain, size

_IMAGES = ("image/png", "image/jpeg", "image/gif")
_WIDEST = 10_000  # pixels that a picture may ask for
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
_LINES = re.compile(r"<(?:tr|p|li|br|h[1-6]|div|hr|dt|dd|summary)\b", re.IGNORECASE)  # what begins a line
_WIDE = 160  # characters of HTML that are about a line of text
LARGEST_HTML = 1_000_000  # characters of one output's HTML or text
LARGEST_PICTURE = 5_000_000  # characters of one picture as it is coded
LARGEST_BUNDLE = 10_000_000  # characters of all that is shown in one place
LONGEST_COLOURED = 200_000  # characters whose terminal colours are read, the last ones
MOST_COLOURS = 2_000  # changes of colour in them; with more it is shown plain: each costs more than a hundred letters
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LONG_NUMBER = re.compile(r"[0-9]{4,}")
# A frame is a page of its own: it knows the reader's colours, and not those of the page that it stands in.
_FRAME_STYLE = (
    "<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">"
    "<meta name=color-scheme content='light dark'><style>body{margin:2px;font:13px system-ui,sans-serif}"
    "table{border-collapse:collapse}td,th{padding:2px 8px;text-align:right}</style>"
)


class Room:
    """Draws the outputs that are shown in one place, as far as there is room: `most` characters of HTML.

    `notebook` has those left out.
    """

    def __init__(self, notebook: str = "", most: int = LARGEST_BUNDLE) -> None:
        self._most = self._left = most
        self.notebook = notebook

    def html_of(self, output: Mapping[str, Any]) -> str:
        """An output in nbformat's shape as HTML; a line in its place when it is too large or cannot be shown."""
        drawn = guarded(output_html, output, self.notebook)
        if len(drawn) > self._left:
            return _too_large(self._most, self.notebook, "together ")
        self._left -= len(drawn)
        return drawn


def guarded(draw: Callable[..., str], *given: Any) -> str:
    """What `draw` makes of what is given; when it cannot, a line that says why: the rest is shown all the same."""
    try:
        return draw(*given)
    except Exception as error:  # a node's output may be anything, and one mistake must not hide the others
        return f"<div>cannot be shown: {html.escape(f'{type(error).__name__}: {error}'[:200])}</div>"


def output_html(output: Mapping[str, Any], notebook: str = "") -> str:
    """An output in nbformat's shape as HTML: nothing in it can run, or style or load anything of the page around it.

    What is too large gets a line that names the executed `notebook`.
    """
    kind = output["output_type"]
    if kind == "stream":
        return _pre(ansi_html(output["text"]), _RED if output["name"] == "stderr" else "")
    if kind == "error":
        return _pre(ansi_html("\n".join(output["traceback"])), _RED)
    data = output.get("data", {})
    for mime in (*_IMAGES, "image/svg+xml"):
        if mime in data:
            own = text_of(data[mime])
            return _image(output, mime, own) if len(own) <= LARGEST_PICTURE else _too_large(LARGEST_PICTURE, notebook)
    text = text_of(data.get("text/html") or data.get("text/markdown") or data.get("text/plain") or "")
    if len(text) > LARGEST_HTML:
        return _too_large(LARGEST_HTML, notebook)
    if data.get("text/html"):
        return _frame(text)
    return _pre(html.escape(text), "") if text else ""


def _image(output: Mapping[str, Any], mime: str, own: str) -> str:
    """A picture; SVG too, which in an image runs nothing and loads nothing."""
    svg = mime == "image/svg+xml"
    coded = base64.b64encode(own.encode(errors="replace")).decode() if svg else html.escape(own.strip())
    alt = html.escape(text_of(output["data"].get("text/plain", "figure"))[:200])
    source = f"data:{mime};base64,{coded}"
    return f'<img alt="{alt}"{_size(output, mime)} style="max-width:100%;height:auto" src="{source}">'


def _too_large(limit: int, notebook: str, word: str = "") -> str:
    where = f"<code>{html.escape(notebook)}</code>" if notebook else "of the node run"
    return f"<div>{word}larger than {size(limit)}: see the executed notebook {where}</div>"


def _frame(own: str) -> str:
    """HTML in a frame without rights: no script, no form, no way to the page around it, nothing loaded.

    A link in it leads nowhere but inside the frame, and what it leads to has no rights either.
    """
    lines = len(_LINES.findall(own)) or len(own) // _WIDE
    height = min(max(_LEAST, 24 + _ROW * lines), _MOST)
    box = f"width:100%;height:{height}px;border:1px solid var(--jp-border-color2,#d7dde3);border-radius:4px"
    inner = html.escape(f"{_FRAME_STYLE}{own}")
    return f'<iframe sandbox="" title="output" style="{box};resize:vertical" srcdoc="{inner}"></iframe>'


def traceback_html(lines: Sequence[str]) -> str:
    """A traceback as the kernel coloured it, its lines as they are: what is too wide scrolls."""
    return _pre(ansi_html("\n".join(lines)), f"{_RED};white-space:pre;overflow:auto;max-height:420px")


def log_html(text: str) -> str:
    """Lines that were printed, with a terminal's colours; a long log scrolls, and stands at its end."""
    # a box that is filled from its end stays there, also when it grows, without a script
    box = "display:flex;flex-direction:column-reverse;max-height:260px;overflow:auto"
    inner = _pre(ansi_html(text), "flex:none")
    return f'<div style="{box};background:var(--jp-layout-color2,rgba(128,128,128,.1))">{inner}</div>' if inner else ""


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
    sound = isinstance(width, int | float) and 1 <= width <= _WIDEST and math.isfinite(width)
    return f' width="{width:.0f}"' if sound else ""


def _pre(inner: str, style: str) -> str:
    font = "font-family:var(--jp-code-font-family,monospace);font-size:var(--jp-code-font-size,13px)"
    font += ";line-height:var(--jp-code-line-height,1.3)"
    box = "margin:2px 0;padding:2px 14px;white-space:pre-wrap;overflow-wrap:anywhere"
    return f'<pre style="{box};{font};{style}">{inner}</pre>' if inner else ""


def ansi_html(text: str) -> str:
    """Escaped text, terminal colours as inline styles; of a long coloured text the end."""
    if "\x1b[" not in text:
        return html.escape(text)
    text = _bounded(text)
    from rich.console import Console
    from rich.text import Text

    # force_jupyter: in a notebook's kernel rich would display what it prints, in whichever cell runs
    console = Console(file=io.StringIO(), color_system="truecolor", force_jupyter=False)
    return "".join(_coloured(segment.text, segment.style) for segment in Text.from_ansi(text).render(console))


def _bounded(text: str) -> str:
    """Terminal text that rich can read, and soon: it fails over numbers with thousands of digits."""
    before = ""
    if len(text) > LONGEST_COLOURED:
        before, text = f"{EARLIER}\n", text[-LONGEST_COLOURED:]
    if text.count("\x1b[") > MOST_COLOURS:
        return before + plain(text)
    return before + _COLOUR.sub(lambda found: _LONG_NUMBER.sub("255", found[0]), text)


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
