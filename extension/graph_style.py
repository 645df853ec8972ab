"""How the elements of a graph look: cytoscape's style sheet for a palette."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ..runner.board.palette import Mark, Palette
from ..runner.board.scene import Flow
from ..runner.core.lifecycle import State
from .graph_elements import holds, plain

Rule = dict[str, Any]

FONT = "system-ui, Segoe UI, Noto Sans, DejaVu Sans, sans-serif"
_HOLLOW = (State.WAITING, State.QUEUED, State.SKIPPED, State.UPSTREAM_FAILED)
_HALO = 7  # pixels around the selected card
_LOWER = 0.22  # opacity of what steps back
_PICTURE: dict[str, Any] = {
    "background_opacity": 0,
    "background_image": "data(card)",
    "background_fit": "contain contain",
    "background_clip": "none none",
    "background_image_containment": "over over",
    "border_width": 0,
}


def style_sheet(palette: Palette) -> list[Rule]:
    """The rules for all elements; their states are classes."""
    without_picture = [_plain(state, palette.mark(state), palette) for state in (None, *State)]
    return [*_nodes(palette), *without_picture, *_edges(palette), *_flows(palette)]


def filtered(states: Collection[State]) -> list[Rule]:
    """The rules by which all cards step back that hold none of `states`; none when there are no states."""
    if not states:
        return []
    wanted = ", ".join(f"node.{holds(state)}" for state in sorted(states))
    return [_rule("node, edge", opacity=_LOWER), _rule(wanted, opacity=1)]


def _rule(selector: str, **style: Any) -> Rule:
    return {"selector": selector, "style": {name.replace("_", "-"): value for name, value in style.items()}}


def _nodes(palette: Palette) -> list[Rule]:
    return [
        _rule("node", width="data(w)", height="data(h)", shape="round-rectangle", overlay_opacity=0, font_family=FONT),
        # To fit a graph after a change of its height, the widget knows no padding: the room is the cards' own.
        _rule("node", z_index_compare="manual", z_index=2, bounds_expansion=2 * _HALO),
        _rule("node.card", **_PICTURE),
        # As large as the graph: nothing of it is clicked, and it lies where edges do.
        _rule("node.arrows", **_PICTURE, shape="rectangle", events="no", z_index=1, bounds_expansion=0),
        _rule(
            "node.frame",
            background_color=palette.group,
            background_opacity=0.6,
            border_width=1.2,
            border_style="dashed",
            border_color=palette.edge,
            label="data(label)",
            color=palette.mute,
            font_size=12,
            text_valign="top",
            text_margin_y=18,
            z_index=0,
        ),
        _rule(
            "node.plain",
            label="data(label)",
            text_valign="center",
            text_wrap="ellipsis",
            text_max_width="data(w)",
            font_size=14,
            min_zoomed_font_size=5,
            border_width=2,
        ),
        _rule(
            "node.sel",
            underlay_color=palette.accent,
            underlay_opacity=0.45,
            underlay_padding=_HALO,
            underlay_shape="round-rectangle",
        ),
        _rule("node.sel-frame", border_width=3, border_style="solid", border_color=palette.accent),
    ]


def _plain(state: State | None, mark: Mark, palette: Palette) -> Rule:
    """A node without a picture: its whole area in the state's colour, or only its border where nothing was done."""
    border = "dashed" if mark.dash else "solid"
    if state is None or state in _HOLLOW:
        look = {"background_color": palette.card, "border_color": mark.colour, "color": palette.ink}
    else:
        look = {"background_color": mark.text, "border_color": palette.ink if mark.dash else mark.text}
        look["color"] = mark.on
    return _rule(f"node.{plain(state)}", border_style=border, **look)


def _edges(palette: Palette) -> list[Rule]:
    return [
        _rule(
            "edge",
            width=1.8,
            line_color=palette.edge,
            target_arrow_color=palette.edge,
            target_arrow_shape="triangle",
            arrow_scale=0.9,
            curve_style="straight",
            z_index_compare="manual",
            z_index=1,
            events="no",
            overlay_opacity=0,
        ),
        _rule(
            "edge.bent",
            curve_style="unbundled-bezier",
            edge_distances="node-position",
            control_point_distances="data(aside)",
            control_point_weights="data(along)",
        ),
        _rule("edge.right, edge.down", source_endpoint="data(leaves)", target_endpoint="data(arrives)"),
        _rule(
            "edge.named",
            target_label="data(label)",
            target_text_offset="data(labelAt)",
            target_text_margin_y="data(labelLift)",
            font_size=10,
            font_family=FONT,
            color=palette.mute,
            text_background_color=palette.paper,
            text_background_opacity=0.9,
            text_background_padding=2,
            text_background_shape="round-rectangle",
            min_zoomed_font_size=5,
        ),
    ]


def _flows(palette: Palette) -> list[Rule]:
    flowing, passed, broken = (
        palette.mark(state).colour for state in (State.RUNNING, State.SUCCEEDED, State.UPSTREAM_FAILED)
    )
    return [
        _rule(
            f"edge.f-{Flow.FLOWING}",
            line_color=flowing,
            target_arrow_color=flowing,
            line_style="dashed",
            line_dash_pattern=[8, 4],
            width=2.8,
        ),
        _rule(f"edge.f-{Flow.PASSED}", line_color=passed, target_arrow_color=passed),
        _rule(
            f"edge.f-{Flow.BROKEN}",
            line_color=broken,
            target_arrow_color=broken,
            line_style="dotted",
            target_arrow_fill="hollow",
        ),
    ]
