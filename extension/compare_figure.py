"""Parallel coordinates as a plotly figure, on which one can brush: drag along an axis, and only those lines stay.

The figure is told in plotly's JSON, which JupyterLab draws by itself where plotly is installed. So neither the network
nor the library in this process is needed for it.
"""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from ..runner.board.lettering import shortened
from ..runner.board.palette import palette
from ..runner.board.parallel_axes import Axis, Line, parallel
from ..runner.board.parallel_coordinates import parallel_svg, shade_colour
from ..runner.comparison import Comparison
from ..runner.comparison_sheet import one_line

PLOTLY = "application/vnd.plotly.v1+json"
_NONE = -0.13  # where on an axis a line goes whose row has no value there
_UNTOLD = -0.25  # the shade of a row of which the objective is not known
_HEIGHT = 360
_THICK = (-0.007, -0.0035, 0.0, 0.0035, 0.007)  # plotly's lines are all thin: the best is drawn so often, side by side
_NAME = 110  # pixels of an axis' name


def can_plot() -> bool:
    """Whether plotly is installed here."""
    return find_spec("plotly") is not None


def compare_figure(comparison: Comparison, theme: str) -> dict[str, Any] | None:
    """A mime bundle of the figure, with the static picture for who cannot draw it; None where there is no picture.

    `theme` is `light` or `dark`: plotly does not follow the page's.
    """
    static = parallel_svg(comparison)
    if not static:
        return None
    colours = palette(theme)
    picture = parallel(comparison)
    strokes = [(line, aside) for line in picture.lines for aside in (_THICK if line.best else (None,))]
    trace = {
        "type": "parcoords",
        "line": {"color": [_UNTOLD if line.shade is None else line.shade for line, _ in strokes]} | _shades(),
        "dimensions": [_dimension(number, axis, strokes) for number, axis in enumerate(picture.axes)],
        "labelfont": {"size": 12, "color": colours.ink},
        "tickfont": {"size": 11, "color": colours.ink, "shadow": f"0 0 3px {colours.paper}"},
        "rangefont": {"size": 9, "color": "rgba(0,0,0,0)"},  # places from 0 to 1 mean nothing to people
        "unselected": {"line": {"color": colours.edge, "opacity": 0.15}},
    }
    layout = {
        "height": _HEIGHT,
        "autosize": True,
        "margin": {"l": 70, "r": 80, "t": 60, "b": 30},
        "paper_bgcolor": "rgba(0,0,0,0)",  # the page's own ground
        "plot_bgcolor": "rgba(0,0,0,0)",
    }
    figure = {"data": [trace], "layout": layout, "config": {"responsive": True, "displayModeBar": False}}
    return {PLOTLY: figure, "text/html": static, "text/plain": f"{len(picture.lines)} lines"}


def _dimension(number: int, axis: Axis, strokes: Sequence[tuple[Line, float | None]]) -> dict[str, Any]:
    """An axis. Its places are ours, so that it shows what the static picture shows.

    plotly reads a label as a kind of HTML, and the words of its marks as they are.
    """
    places = [_beside(line.places[number], aside) for line, aside in strokes]
    ticks = axis.ticks()
    if axis.missing:
        ticks = [(_NONE, "none"), *ticks]
    return {
        "label": html.escape(shortened(one_line(axis.name), _NAME, 12, bold=True), quote=False),
        "values": [_NONE if place is None else place for place in places],
        "range": [_NONE if axis.missing else 0, 1],
        "tickvals": [place for place, _ in ticks],
        "ticktext": [shortened(words, _NAME, 11) for _, words in ticks],
    }


def _beside(place: float | None, aside: float | None) -> float | None:
    """A place a little beside another one, on the axis still: what is beyond its ends is not drawn."""
    if place is None or aside is None:
        return place
    return min(max(place, _THICK[-1]), 1 - _THICK[-1]) + aside


def _shades() -> dict[str, Any]:
    """The colours of the static picture; below 0 a plain grey."""
    zero = -_UNTOLD / (1 - _UNTOLD)
    steps = [0.0, 0.25, 0.5, 0.75, 1.0]
    told = [[zero + (1 - zero) * step, shade_colour(step)] for step in steps]
    grey, least = shade_colour(None), shade_colour(0)
    # The cut lies well apart from the least good: plotly keeps only a few hundred colours.
    cut = [[0, grey], [zero / 2, grey], [zero / 2, least]]
    return {"cmin": _UNTOLD, "cmax": 1, "colorscale": [*cut, *told], "showscale": False}
