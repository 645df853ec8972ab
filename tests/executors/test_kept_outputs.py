"""How much of what a cell prints its notebook keeps."""

from __future__ import annotations

from typing import Any

from dagbook.runner.executors.kept_outputs import LARGEST_CELL, LATER, LONGEST_TEXT, MOST_OUTPUTS, CellOutputs, Tail
from dagbook.runner.records.folding import EARLIER


def text(words: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": words}


def kept(*outputs: dict[str, Any]) -> list[dict[str, Any]]:
    """What is kept of these outputs."""
    cell = CellOutputs([])
    for output in outputs:
        if not cell.joins(output) and cell.has_room(output):
            cell.outputs.append(dict(output))
            cell.added(cell.outputs[-1])
    cell.settle()
    return cell.outputs


def test_pieces_of_a_text_are_one_output_and_nothing_is_missing() -> None:
    found = kept(text("a"), text("b\n"), text("!", "stderr"), text("c"), text("d"))
    assert [one["text"] for one in found] == ["ab\n", "!", "cd"]


def test_of_a_text_that_is_too_long_the_end_is_kept_from_a_line_on() -> None:
    for size in (100, LONGEST_TEXT // 3, 3 * LONGEST_TEXT):
        tail, line = Tail(), f"{'x' * 98}\n"
        whole = line * (4 * LONGEST_TEXT // len(line))
        for start in range(0, len(whole), size):
            tail.add(whole[start : start + size])
        end = tail.text()
        assert end.startswith(f"{EARLIER}\n{line}")
        assert LONGEST_TEXT - 200 < len(end) < LONGEST_TEXT + 100
        tail.add("last\n")
        assert tail.text().endswith(f"{line}last\n")


def test_of_too_many_outputs_the_first_are_kept_and_the_error() -> None:
    many = [text(str(n), ("stdout", "stderr")[n % 2]) for n in range(MOST_OUTPUTS + 50)]
    found = kept(*many, {"output_type": "error", "ename": "E", "evalue": "", "traceback": []})
    assert len(found) == MOST_OUTPUTS + 2
    assert (found[0]["text"], found[-2]["text"], found[-1]["output_type"]) == ("0", f"{LATER}\n", "error")


def test_a_display_that_is_too_large_is_not_kept() -> None:
    found = kept({"output_type": "display_data", "data": {"text/html": "x" * (LARGEST_CELL + 1)}}, text("after"))
    assert [one.get("text") for one in found] == [f"{LATER}\n"]


def test_a_cell_that_is_cleared_has_room_again() -> None:
    cell = CellOutputs([])
    assert not cell.has_room({"output_type": "display_data", "data": {"text/html": "x" * (LARGEST_CELL + 1)}})
    cell.outputs.clear()
    cell.cleared()
    assert cell.has_room(text("new"))
