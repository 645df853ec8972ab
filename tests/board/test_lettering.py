"""Text in pictures: what is read from the right stays in the order in which it was written."""

from __future__ import annotations

import pytest

from dagbook.runner.board.lettering import escaped

SIZE, LARGE = "\u05d2\u05d5\u05d3\u05dc", "\u05d2\u05d3\u05d5\u05dc"  # Hebrew
MARK = "\u200e"


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        (f"{SIZE}=2", f"{SIZE}{MARK}=2"),
        (f"{SIZE}={LARGE} {SIZE}=3", f"{SIZE}{MARK}={LARGE}{MARK} {SIZE}{MARK}=3"),
        (f"{LARGE} {SIZE}", f"{LARGE} {SIZE}"),
        ("size=2 depth=3", "size=2 depth=3"),
    ],
)
def test_a_pair_in_hebrew_is_drawn_with_its_name_first(text: str, drawn: str) -> None:
    """Without a mark that is read from the left, a browser draws the value before the name."""
    assert escaped(text) == drawn


def test_marks_of_somebody_else_turn_nothing() -> None:
    assert escaped("a\u202eb\u2066c\u200fd") == "a\ufffdb\ufffdc\ufffdd"
