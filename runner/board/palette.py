"""Colours, glyphs and borders of the board, in two themes; and one set that follows the page that it stands in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from ..core.lifecycle import State
from ..view import COLOURS, GLYPHS

Theme = Literal["light", "dark", "auto"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How a state looks.

    `colour` is for areas and lines, `text` for words in it, `on` for what is drawn on an area of it. `dash` is the
    border's pattern in SVG's words (empty: a whole line), `thick` its width in pixels. `faint` fades what is done with.
    """

    colour: str
    text: str
    on: str
    glyph: str
    dash: str = ""
    thick: float = 1.6
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme. `none` marks what has no state yet."""

    name: Theme
    paper: str
    card: str
    ink: str
    mute: str
    line: str
    edge: str
    group: str
    accent: str
    marks: Mapping[State, Mark]
    none: Mark

    def mark(self, state: State | None) -> Mark:
        """How a state looks; None is the state of what has no run."""
        return self.none if state is None else self.marks[state]

    @property
    def mistake(self) -> Mark:
        """How a node looks whose definition is wrong: like one that failed, with a sign of its own."""
        return replace(self.marks[State.FAILED], glyph="!")


# For areas and lines on a light ground there are the states' own, `view.COLOURS`. The two columns: words on a light
# ground, areas and words on a dark one.
_COLOURS: Mapping[str, tuple[str, str]] = {
    "grey": ("#56616D", "#A3AEBA"),
    "blue": ("#00629A", "#5CB3EE"),
    "green": ("#00704F", "#2FC79A"),
    "orange": ("#A84A00", "#FF8C42"),
    "violet": ("#96407A", "#E495C3"),
    "sky": ("#0F6A99", "#86CDF2"),
    "brown": ("#725A00", "#D9B43A"),
}
# State -> its colour, its border's pattern and width. What differs in none of them differs in its glyph.
_LOOKS: Mapping[State, tuple[str, str, float]] = {
    State.WAITING: ("grey", "2 4", 1.4),
    State.PENDING_APPROVAL: ("violet", "", 2.8),
    State.QUEUED: ("grey", "6 4", 1.6),
    State.STARTING: ("blue", "9 3", 2.2),
    State.RUNNING: ("blue", "", 2.8),
    State.SUCCEEDED: ("green", "", 1.6),
    State.FAILED: ("orange", "", 2.8),
    State.TIMED_OUT: ("orange", "12 3", 2.8),
    State.CANCELLED: ("brown", "6 3 2 3", 1.8),
    State.LOST: ("orange", "4 4", 2.8),
    State.CACHED: ("sky", "", 1.6),
    State.SKIPPED: ("grey", "1.5 3.5", 1.6),
    State.UPSTREAM_FAILED: ("grey", "10 3 2 3", 1.6),
    State.REJECTED: ("violet", "12 3", 2.8),
}
_FAINT = frozenset({State.SKIPPED, State.UPSTREAM_FAILED})
_GROUND: Mapping[str, tuple[str, str, str]] = {  # name -> light, dark, the variable of Jupyter that follows its theme
    "paper": ("#ffffff", "#14181d", "--jp-layout-color1"),
    "card": ("#ffffff", "#1f262e", "--jp-layout-color1"),
    "ink": ("#1c2733", "#e9eef3", "--jp-ui-font-color1"),
    "mute": ("#56616d", "#a9b4c0", ""),
    "line": ("#d7dde3", "#3a4653", ""),
    "edge": ("#8a96a3", "#73818f", ""),
    "group": ("#f4f7fa", "#191f25", ""),
    "accent": ("#e69f00", "#e69f00", ""),
}
_ON = ("#ffffff", "#10151a")


def _named(theme: Theme, name: str, light: str, dark: str, follows: str = "") -> str:
    """A colour of a theme; for `auto` a variable, Jupyter's or of `theme_style`, that falls back on the light one."""
    if theme != "auto":
        return dark if theme == "dark" else light
    return f"var({follows},{light})" if follows else f"var(--dagbook-{name},{light})"


@cache
def palette(theme: str = "light") -> Palette:
    """The palette of a theme: `light`, `dark`, or `auto`: CSS variables that fall back on the light colours.

    A page that uses `auto` holds `theme_style()` once. Raises ValueError for another name.
    """
    if theme not in ("light", "dark", "auto"):
        raise ValueError(f"no theme is called {theme!r}")
    of: Theme = theme  # type: ignore[assignment]  # it was just looked at
    ground = {name: _named(of, name, *colours) for name, colours in _GROUND.items()}
    marks = {state: _mark(of, state, *look) for state, look in _LOOKS.items()}
    none = Mark(ground["edge"], ground["mute"], _named(of, "on", *_ON), "")
    return Palette(name=of, **ground, marks=marks, none=none)


def _mark(theme: Theme, state: State, colour: str, dash: str, thick: float) -> Mark:
    words, dark = _COLOURS[colour]
    return Mark(
        colour=_named(theme, colour, COLOURS[state], dark),
        text=_named(theme, f"{colour}-text", words, dark),
        on=_named(theme, "on", *_ON),
        glyph=GLYPHS[state],
        dash=dash,
        thick=thick,
        faint=state in _FAINT,
    )


@cache
def theme_style() -> str:
    """What a page with the palette `auto` says in a style element, so that a dark Jupyter gets the dark colours."""
    dark = {name: dark for name, (_light, dark, follows) in _GROUND.items() if not follows}
    dark |= {"on": _ON[1]}
    for name, (_words, of_dark) in _COLOURS.items():
        dark |= {name: of_dark, f"{name}-text": of_dark}
    told = ";".join(f"--dagbook-{name}:{colour}" for name, colour in dark.items())
    return f'[data-jp-theme-light="false"]{{{told}}}'


def contrast(one: str, other: str) -> float:
    """How far two colours (`#rrggbb`) are apart in lightness, from 1 to 21, as WCAG measures it."""
    low, high = sorted((_lightness(one), _lightness(other)))
    return (high + 0.05) / (low + 0.05)


def _lightness(colour: str) -> float:
    parts = [int(part, 16) / 255 for part in re.findall("[0-9a-fA-F]{2}", colour)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
