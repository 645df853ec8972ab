"""A scene as one static SVG: for a saved notebook, a report, a file. No script, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence

from ..view import tally
from .arrows_svg import Curve, arrow_line, arrow_name, curves, labels_of
from .card_svg import card_body, card_words
from .lettering import FONT, escaped
from .palette import Palette, theme_style
from .palette import palette as palette_of
from .scene import Card, Form, Scene

_MARGIN = 14.0  # pixels around the picture
_LISTED = 200  # cards that the text alternative tells one by one


def graph_svg(scene: Scene, palette: Palette | str = "auto") -> str:
    """The whole scene as an SVG element, as wide as its page allows and never larger than it was drawn.

    `palette` is one of `palette.palette`, or its name; `auto` follows Jupyter's theme and is light elsewhere.
    """
    colours = palette_of(palette) if isinstance(palette, str) else palette
    width, height = scene.width + 2 * _MARGIN, scene.height + 2 * _MARGIN
    found = curves(scene)
    frames = [card for card in scene.cards if card.form is Form.OPENED]
    others = [card for card in scene.cards if card.form is not Form.OPENED]
    style = f"<style>{theme_style()}</style>" if colours.name == "auto" else ""
    box = f"{-_MARGIN:g} {-_MARGIN:g} {width:g} {height:g}"
    return "".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escaped(name_of(scene))}" '
            f'viewBox="{box}" width="{width:g}" height="{height:g}" style="max-width:100%;height:auto">',
            f"<title>{escaped(name_of(scene))}</title><desc>{escaped(told(scene))}</desc>{style}",
            f'<rect x="{-_MARGIN:g}" y="{-_MARGIN:g}" width="{width:g}" height="{height:g}" fill="{colours.paper}"/>',
            *(_placed(card, scene, colours) for card in frames),
            *(arrow_line(curve, colours) for curve in found),
            *(_placed(card, scene, colours) for card in others),
            f'<g font-family="{escaped(FONT)}">',
            *_names(scene, found, colours),
            "</g></svg>",
        )
    )


def _placed(card: Card, scene: Scene, colours: Palette) -> str:
    box = scene.boxes[card.key]
    at = f"{box.x - box.width / 2:g} {box.y - box.height / 2:g}"
    return f'<g transform="translate({at})">{card_body(card, box, colours)}</g>'


def _names(scene: Scene, found: Sequence[Curve], colours: Palette) -> list[str]:
    places = labels_of(scene, found)
    return [arrow_name(curve, places[curve.arrow.key], colours) for curve in found if curve.arrow.label]


def name_of(scene: Scene) -> str:
    """The picture's name: the pipeline, how many nodes, their states."""
    tops = [card for card in scene.cards if not card.inside]
    states = [card.state for card in tops if card.state]
    words = f"{scene.title or 'pipeline'}: {len(tops)} node{'s' if len(tops) != 1 else ''}"
    return f"{words}, {tally(states)}" if states else words


def told(scene: Scene) -> str:
    """The picture in words: each card, and after which others it comes."""
    titles = {card.key: card.title for card in scene.cards}
    before: dict[str, list[str]] = {}
    for arrow in scene.arrows:
        before.setdefault(arrow.target, []).append(titles[arrow.source])
    lines = []
    for card in scene.cards[:_LISTED]:
        after = before.get(card.key)
        lines.append(card_words(card) + (f" · after {', '.join(after)}" if after else ""))
    more = len(scene.cards) - _LISTED
    return "; ".join(lines) + (f"; and {more} more" if more > 0 else "")
