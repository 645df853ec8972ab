"""What a terminal is given of what nodes print: all of it once, and nothing that changes the terminal."""

from __future__ import annotations

import pytest

from dagbook.runner.console import Printer
from dagbook.runner.core.lifecycle import Created, NodeRun, State
from dagbook.runner.records.folding import fold
from dagbook.runner.records.follow import Watched
from dagbook.runner.terminal_text import harmless


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("\x1b[1;38;5;9mbold\x1b[0m\tx", "\x1b[1;38;5;9mbold\x1b[0m\tx"),
        ("a\x1b]0;title\x1b\\b", "ab"),
        ("a\x1b]0;never ended", "a"),
        ("a\x1bPq#0\x1b\\b\x1bc\x1b(0d", "abd"),
        ("a\x9b2Jb\x08c\x1b", "a2Jbc"),
    ],
)
def test_T5_a_line_can_colour_a_terminal_and_do_nothing_else_to_it(line: str, told: str) -> None:
    assert harmless(line) == told


def test_P26_a_node_that_prints_without_end_is_printed_to_its_last_line() -> None:
    """Also when the beginning of what it printed is shown no more, each line is printed once, or told to be missing."""
    run = NodeRun(Created("a", "a", (), {}, {}, {}), State.RUNNING)
    watched, printed, wanted = Watched(run), list[str](), list[str]()
    printer = Printer(printed.append, prefixed=False)
    for number in range(60):
        lines = [f"{number}-{line} {'x' * 80}" for line in range(100)]
        wanted += lines
        text = "".join(f"{line}\n" for line in lines)
        fold([{"output_type": "stream", "name": "stdout", "text": text}], watched.outputs.setdefault(0, []))
        printer.print_new(watched, all_of_it=False)
    assert printed == wanted
