"""What a terminal is given of what nodes print: all of it once, and nothing that changes the terminal."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest

from dagbook.runner.core.control_pictures import visible
from dagbook.runner.core.errors import PipelineError, Place, problem
from dagbook.runner.core.lifecycle import Created, NodeRun, State
from dagbook.runner.printer import Printer
from dagbook.runner.records.folding import fold
from dagbook.runner.records.follow import Watched
from dagbook.runner.terminal_text import guarded_stream, harmless, inert
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


OBEYED = ("\x1b", "\x07", "\x9b", "\r")  # what a terminal would follow; nothing here is coloured
RAW = "\x1b]0;title\x07\x1b[2J\x9b2J"
WRONG = {
    "a file's name": (f"it{RAW}.ipynb", "%%pipeline_node a --aftr b\nprint(1)"),
    "a line that is no Python": ("flow.ipynb", f"%%pipeline_node a\nx = '{RAW}\nprint(x)"),
    "an option": ("flow.ipynb", f"%%pipeline_node a --after 'b{RAW}'\nprint(1)"),
    "a path": ("flow.ipynb", f"%pipeline_data files --path 'no{RAW}where'"),
}


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("words", [("check",), ("run", "--executor", "process"), ("plan",), ("check", "--json")])
def test_T5_a_file_that_is_looked_at_leaves_the_terminal_alone(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said], words: tuple[str, ...], what: str
) -> None:
    name, cell = WRONG[what]
    make_notebook(cell, name=name)
    said = dagbook(words[0], name, *words[1:])
    assert said.code == 2
    assert "E-" in said.out + said.err
    assert not [one for one in OBEYED if one in said.out + said.err]


@pytest.mark.parametrize("words", [(), ("check",), ("run", "no.ipynb"), ("nosuch",)])
def test_T5_names_of_files_that_are_only_listed_leave_the_terminal_alone(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said], words: tuple[str, ...]
) -> None:
    make_notebook("%%pipeline_node a\nprint(1)", name=f"no{RAW}.ipynb")
    said = dagbook(*words)
    assert said.out or said.err
    assert not [one for one in OBEYED if one in said.out + said.err]


def test_T5_what_is_wrong_is_told_to_programs_without_control_characters() -> None:
    found = problem("E-FILE-MISSING", Place(), file=f"b{RAW}", hint="")
    told = str(PipelineError(found)) + found.as_reason()
    assert not [one for one in OBEYED if one in told]
    assert "b␛]0;title␇␛[2J" in told


FORGES = """%%pipeline_node forges
raise ValueError("no\\n::error file=x.py::forged\\n  ::stop-commands::word")"""


def test_T5_what_a_node_raises_gives_no_orders_to_the_runner_of_a_job(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    make_notebook(FORGES)
    said = dagbook("run", "flow.ipynb", "--executor", "process", "--code", "none", "--annotations", "none")
    assert "| ::error file=x.py::forged" in said.out
    assert not [line for line in (said.out + said.err).splitlines() if line.lstrip().startswith("::")]


def test_T5_a_cell_that_is_no_python_gives_no_orders_to_the_runner_of_a_job(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    make_notebook("%%pipeline_node a\n::stop-commands::word")
    said = dagbook("check", "flow.ipynb", "--annotations", "none")
    assert "| " in said.out
    assert not [line for line in (said.out + said.err).splitlines() if line.lstrip().startswith("::")]


def test_a_traceback_in_what_is_told_keeps_its_colours() -> None:
    assert visible("\x1b[31mValueError\x1b[39m: no\x1b[2J") == "\x1b[31mValueError\x1b[39m: no␛[2J"


def test_a_mark_below_a_line_stays_in_place() -> None:
    assert visible("x\x1b\x9b\x7f\ty\n") == "x␛\ufffd␡\ty\n"


def test_T5_datums_are_told_with_names_that_a_line_can_hold(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said]
) -> None:
    notebook = make_notebook(
        "%pipeline_data files --path in",
        f"%%pipeline_node a --after files --map files:/* --on-error continue\nraise ValueError('{EVIL}')",
    )
    (notebook.parent / "in").mkdir()
    (notebook.parent / "in" / f"line\n✓ other{RAW}").write_text("x")
    assert dagbook("run", "flow.ipynb", "--executor", "process", "--code", "none").code == 1
    told = dagbook("datums", "a").out
    assert not [one for one in OBEYED if one in told]
    assert [line for line in told.splitlines() if "ValueError" in line and "✓ other" in line]


@pytest.mark.parametrize("beside", ["a", "é☃"])
def test_T5_no_control_character_is_passed_on_to_a_terminal_beside_those_of_progress(beside: str) -> None:
    """Each by itself, also in text that is looked through the fast way."""
    for code in [*range(0x20), *range(0x7F, 0xA0)]:
        stream = io.StringIO()
        guarded_stream(stream).write(f"{beside}{chr(code)}{beside}\n")
        kept = chr(code) if chr(code) in "\t\n\r" else ""
        assert stream.getvalue() in (f"{beside}{kept}{beside}\n", f"{beside}{beside[1:]}\n"), code


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
