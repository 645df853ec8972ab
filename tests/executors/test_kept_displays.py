"""What a notebook keeps of outputs that have a display id."""

from __future__ import annotations

from typing import Any

from dagbook.runner.executors.kept_displays import Displays
from dagbook.runner.executors.kept_outputs import LARGEST_CELL, LATER, CellOutputs, Room


class Written(dict[str, Any]):
    """An output that counts how often it is given content."""

    times = 0

    def __setitem__(self, name: str, value: Any) -> None:
        Written.times += name == "data"
        super().__setitem__(name, value)


class Cell:
    """A cell of a notebook whose outputs are displays."""

    def __init__(self, displays: Displays, room: Room | None = None) -> None:
        self.displays = displays
        self.kept = CellOutputs([], room)

    def show(self, display: str, words: str) -> None:
        content = {"data": {"text/plain": words}, "metadata": {}}
        self.displays.updated(display, content)
        self.kept.outputs.append(Written(output_type="display_data", **content))
        self.kept.added(self.kept.outputs[-1])
        self.displays.shown(display, self.kept.outputs[-1], self.kept)

    def shows(self) -> list[str]:
        self.displays.settle()
        return [output["data"]["text/plain"] for output in self.kept.outputs]


def content(words: str) -> dict[str, Any]:
    return {"data": {"text/plain": words}, "metadata": {}}


def test_all_outputs_of_a_display_show_its_last_content_in_every_cell() -> None:
    displays = Displays()
    first, second = Cell(displays), Cell(displays)
    first.show("a", "1")
    first.show("b", "other")
    second.show("a", "2")
    assert (first.shows(), second.shows()) == (["2", "other"], ["2"])
    displays.updated("a", content("3"))
    displays.updated("unknown", content("4"))
    assert (first.shows(), second.shows()) == (["3", "other"], ["3"])


def test_one_thing_that_is_shown_ten_thousand_times_is_written_to_each_output_once() -> None:
    cell, before = Cell(Displays()), Written.times
    for number in range(10_000):
        cell.show("a", str(number))
    assert set(cell.shows()) == {"9999"}
    assert Written.times - before == 10_000


def test_where_there_is_no_room_for_all_of_them_all_say_so_until_there_is() -> None:
    room = Room()
    displays, whole = Displays(), room.left
    cell = Cell(displays, room)
    for _ in range(3):
        cell.show("a", "small")
    displays.updated("a", content("x" * (LARGEST_CELL // 2)))
    assert cell.shows() == [LATER] * 3
    assert room.left == whole - 3 * len(LATER)
    displays.updated("a", content("done"))
    assert cell.shows() == ["done"] * 3
    assert room.left == whole - 3 * len("done")


def test_a_cell_that_is_cleared_is_updated_no_more_and_takes_no_room() -> None:
    room = Room()
    displays, whole = Displays(), room.left
    cleared, other = Cell(displays, room), Cell(displays, room)
    for cell in (cleared, other):
        cell.show("a", "1")
    cleared.kept.outputs.clear()
    cleared.kept.cleared()
    displays.cleared(cleared.kept)
    displays.updated("a", content("123"))
    assert (cleared.shows(), other.shows()) == ([], ["123"])
    assert room.left == whole - 3
    other.kept.cleared()
    displays.cleared(other.kept)
    displays.updated("a", content("12345"))
    assert room.left == whole
