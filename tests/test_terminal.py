"""What a terminal is given of what nodes print: all of it once, and nothing that changes the terminal."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from dagbook.runner.core.lifecycle import Created, NodeRun, State
from dagbook.runner.printer import Printer
from dagbook.runner.records.folding import fold
from dagbook.runner.records.follow import Watched
from dagbook.runner.terminal_text import harmless, inert
from tests.conftest import MakeNotebook, Said


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
    assert "\x1b" not in inert(line)


def test_a_part_of_a_line_is_one_line() -> None:
    assert inert("x=1\n✓ other succeeded\x1b[31m") == "x=1 ✓ other succeeded"


EVIL = "\\x1b]0;title\\x07\\x1b[2J\\x9b2J"
TALKS = f"""%%pipeline_node tags
from dagbook import log_tag
import os
log_tag("said", "{EVIL}")
print("dagbook_tag_printed: {EVIL}")
os.mkfifo("pipe{EVIL}")
os.symlink("/etc/{EVIL}", "link{EVIL}")
"""
RAISES = f'%%pipeline_node raises --on-error continue\nraise ValueError("{EVIL}\\nsecond line {EVIL}")'


def test_T5_what_a_node_logs_raises_and_calls_its_files_leaves_the_terminal_alone(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said]
) -> None:
    make_notebook(TALKS, RAISES)
    run = ("run", "flow.ipynb", "--executor", "process", "--code", "none")
    for words in (run, ("show",), ("logs",), ("compare", "latest"), ("artifact", "latest", "tags")):
        said = dagbook(*words)
        assert said.code in (0, 1)
        assert not [one for one in ("\x1b]", "\x07", "\x1b[2J", "\x9b") if one in said.out + said.err], words


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
