"""Signs of states and kinds as shapes: they look the same whatever fonts there are."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.lifecycle import State

# Around (0, 0), 6 pixels to each side; drawn as lines in one colour.
_LINES: Mapping[State, str] = {
    State.WAITING: "M-3 0h.01M0 0h.01M3 0h.01",
    State.PENDING_APPROVAL: "M-2.2 -3.6V3.6M2.2 -3.6V3.6",
    State.QUEUED: "M-3.9 0a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1 0 -7.8 0",
    State.STARTING: "M-3.9 0a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1 0 -7.8 0M0 -3.9V0H3.9",
    State.SUCCEEDED: "M-4 .4L-1.3 3.2L4 -3",
    State.FAILED: "M-3.2 -3.2L3.2 3.2M3.2 -3.2L-3.2 3.2",
    State.TIMED_OUT: "M-3.4 -4H3.4M-3.4 4H3.4M-2.8 -4L2.8 4M2.8 -4L-2.8 4",
    State.LOST: "M-2.6 -1.8A2.6 2.6 0 1 1 0 1V1.6M0 4.2h.01",
    State.CACHED: "M-3.6 -2.2A4 4 0 1 1 -3.9 1.2M-3.8 -4.4V-2H-1.4",
    State.SKIPPED: "M-3.9 0a3.9 3.9 0 1 0 7.8 0a3.9 3.9 0 1 0 -7.8 0M-2.8 2.8L2.8 -2.8",
    State.UPSTREAM_FAILED: "M-3.4 -3.6V.4A2 2 0 0 0 -1.4 2.4H3.4M1 0L3.6 2.4L1 4.8",
    State.REJECTED: "M-4 0H4",
}
_AREAS: Mapping[State, str] = {
    State.RUNNING: "M-2.6 -4.2L4.4 0L-2.6 4.2Z",
    State.CANCELLED: "M-3.2 -3.2H3.2V3.2H-3.2Z",
}
_KINDS: Mapping[str, str] = {
    "cell": "M-5 -4H5V4H-5ZM-2.8 -1.4H.6M-2.8 1.2H2.8",
    "command": "M-5 -4H5V4H-5ZM-3 -1.4L-1.2 0L-3 1.4M0 1.6H3",
    "notebook": "M-3.6 -4.8H3.6V4.8H-3.6ZM-1.4 -4.8V4.8M.8 -2H2M.8 .4H2",
    "pipeline": "M-5 -1.6H-1.8V1.6H-5ZM1.8 -4.6H5V-1.4H1.8ZM1.8 1.4H5V4.6H1.8ZM-1.8 0H0M1.8 -3H0V3H1.8",
    "data": "M-4 -3.2A4 1.7 0 1 0 4 -3.2A4 1.7 0 1 0 -4 -3.2V3.2A4 1.7 0 0 0 4 3.2V-3.2M-4 0A4 1.7 0 0 0 4 0",
    "summary": "M-4.6 -4.2H1.8V1.2H-4.6ZM-1.8 1.2V4.2H4.6V-1.4H1.8",
    "more": "M-3 0h.01M0 0h.01M3 0h.01",
}
_HAND = (
    "M-3.4 .6V-1.8M-3.4 .6L-4.6 -.8M-3.4 -1.8V-2.6M-1.2 -.4V-4.2M1 -.4V-4.2M3.2 -.2V-3"
    "M3.2 -.6V1.6A3.3 3.3 0 0 1 -2 4L-4.8 .4M-3.4 -2.6V.4"
)


def _shape(path: str, x: float, y: float, colour: str, width: float, filled: bool = False) -> str:
    paint = f'fill="{colour}" stroke="none"' if filled else f'fill="none" stroke="{colour}" stroke-width="{width}"'
    ends = 'stroke-linecap="round" stroke-linejoin="round"'
    return f'<path transform="translate({x:g} {y:g})" d="{path}" {paint} {ends}/>'


def state_sign(state: State, x: float, y: float, colour: str) -> str:
    """The sign of a state around a point."""
    if state in _AREAS:
        return _shape(_AREAS[state], x, y, colour, 0, filled=True)
    return _shape(_LINES[state], x, y, colour, 1.9 if state is not State.WAITING else 2.4)


def mistake_sign(x: float, y: float, colour: str) -> str:
    """The sign of a node whose definition is wrong."""
    return _shape("M0 -4V1M0 4h.01", x, y, colour, 2.2)


def kind_sign(kind: str, x: float, y: float, colour: str) -> str:
    """The sign of what a node is made of around a point."""
    return _shape(_KINDS.get(kind, _KINDS["cell"]), x, y, colour, 1.1 if kind != "more" else 2.4)


def hand(x: float, y: float, colour: str) -> str:
    """The sign of a node that asks a person."""
    return _shape(_HAND, x, y, colour, 1.2)


def star(x: float, y: float, colour: str, size: float = 4.6) -> str:
    """The sign of the best."""
    path = "M0 -1L.29 -.4L.95 -.31L.48 .15L.59 .81L0 .5L-.59 .81L-.48 .15L-.95 -.31L-.29 -.4Z"
    return f'<path transform="translate({x:g} {y:g}) scale({size:g})" d="{path}" fill="{colour}"/>'
