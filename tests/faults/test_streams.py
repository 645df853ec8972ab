"""Nodes that print without measure: the run ends, its process stays small, all of it is kept, and who looks waits for
nothing.

LONG_FAULTS=1 prints a gibibyte in place of some megabytes, and tells how long each look took.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest

from dagbook.runner.audit import audit
from dagbook.runner.records.store import Store
from tests.conftest import DAGBOOK, write_notebook

pytestmark = pytest.mark.fault

LONG = bool(os.environ.get("LONG_FAULTS"))
SIZE = 2**30 if LONG else 3 * 10**6
LARGE = 2**30 if LONG else 36 * 10**6  # where it costs little, enough that not all of the journal is read
MOST_MEMORY = 500 * 2**20  # bytes of the run's process
LOOKS = ("runs", "show", "show --json", "logs", "logs latest noisy", "logs -f", "show --html p.html", "report --html r")


@dataclass(frozen=True)
class Case:
    """A cell, and what it prints: how many lines, and how the text begins and ends."""

    cell: str
    lines: int
    last: str


CASES = {
    "lines": Case(f"for n in range({SIZE // 100}): print(f'{{n:099d}}')", SIZE // 100, f"{SIZE // 100 - 1:099d}"),
    "short lines": Case(f"for n in range({SIZE // 107}): print(n)", SIZE // 107, str(SIZE // 107 - 1)),
    "one line": Case(f"print('y' * {min(SIZE, 50_000_000)}); print('end')", 2, "end"),
    "a bar": Case(
        f"for n in range({SIZE // 100}): print(f'\\r\\x1b[31m{{n:90d}}\\x1b[0m', end='')\nprint('\\nend')", 2, "end"
    ),
    "a child": Case(
        f"import os\nprint('first', flush=True)\nos.system('yes {'z' * 79} 2>/dev/null | head -n {SIZE // 80}; "
        f"yes err 2>/dev/null | head -n {SIZE // 80} >&2')\nprint('end')",
        2 * (SIZE // 80) + 2,
        "",
    ),
}  # fmt: skip
COMMAND = f"%%pipeline_command noisy\nyes {'z' * 79} | head -n {LARGE // 80}; yes err | head -n {SIZE // 80} >&2"


@dataclass(frozen=True)
class Looked:
    """What a command printed, how long it took (s), and how much memory its process had at most (bytes)."""

    code: int
    out: Path
    seconds: float
    memory: int


# What a process had at most counts its parent, if that had more when it started it: a small one stands in between.
_MEASURE = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[1:])
_, status, used = os.wait4(child.pid, 0)
print(os.waitstatus_to_exitcode(status), used.ru_maxrss, file=sys.stderr)
"""


def looked(folder: Path, *words: str) -> Looked:
    """Run the command line, what it prints going to a file."""
    out, began = folder / "printed", time.monotonic()
    with out.open("wb") as printed:
        measured = [sys.executable, "-S", "-c", _MEASURE, "sh", "-c", '"$@" 2>&1', "sh", DAGBOOK, *words]
        said = subprocess.run(measured, cwd=folder, stdout=printed, stderr=subprocess.PIPE, text=True, check=True)
    code, kibibytes = map(int, said.stderr.split())
    return Looked(code, out, time.monotonic() - began, kibibytes * 1024)


def run(folder: Path, cell: str, executor: str) -> Looked:
    """Run a notebook with this node to its end."""
    write_notebook(folder / "flow.ipynb", cell)
    return looked(folder, "run", "flow.ipynb", "--executor", executor, "--code", "none", "--quiet")


def in_notebook(folder: Path) -> str:
    """What the notebook of the node keeps of what was printed."""
    (record,) = folder.glob(".dagbook/runs/*/noisy/1/notebook.ipynb")
    assert record.stat().st_size < 40_000_000
    outputs = nbformat.read(record, as_version=4).cells[-1].outputs  # type: ignore[no-untyped-call]
    return "".join(one.text for one in outputs if one.output_type == "stream")


def assert_looks_are_quick(folder: Path) -> None:
    """Each way to look at the run takes as little as with a run that printed nothing."""
    for words in LOOKS:
        found = [looked(folder, *words.split()) for _ in range(3 if LONG else 1)]
        if LONG:
            tell(f"{words}: {[round(one.seconds, 2) for one in found]} s, {found[0].memory >> 20} MiB")
        assert found[-1].code == 0, found[-1].out.read_text(errors="replace")[-1000:]
        assert max(one.memory for one in found) < MOST_MEMORY
        assert found[-1].out.stat().st_size < 2_000_000
        assert min(one.seconds for one in found) < 10
    assert list(audit(Store(folder / ".dagbook", create=False))) == []


def tell(words: str) -> None:
    """Say it to who has asked for the long form."""
    sys.stderr.write(f"{words}\n")


def lines_of(file: Path) -> Iterator[str]:
    with file.open(encoding="utf-8", errors="replace", newline="\n") as printed:
        yield from printed


def folder_of(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.mark.parametrize("name", CASES)
def test_P26_a_node_that_prints_without_measure_is_kept_whole_by_a_small_process(tmp_path: Path, name: str) -> None:
    case, folder = CASES[name], folder_of(tmp_path)
    ran = run(folder, f"%%pipeline_node noisy\n{case.cell}", "process")
    assert ran.code == 0, ran.out.read_text(errors="replace")[-2000:]
    assert ran.memory < MOST_MEMORY
    everything = looked(folder, "logs", "--all")
    assert everything.code == 0
    count, size, last = 0, 0, ""
    for line in lines_of(everything.out):
        count, size, last = count + 1, size + len(line.rstrip("\n")), line
    if name == "one line":  # a very long one is told in parts
        assert size == min(SIZE, 50_000_000) + len("end")
    else:
        assert count == case.lines
    assert not case.last or last.rstrip("\n") == case.last
    kept = in_notebook(folder)
    assert kept.endswith(f"{case.last}\n") if case.last else "end\n" in kept  # a child's lines may come after it
    assert name != "lines" or "earlier output: dagbook logs --all" in kept
    if LONG:
        tell(f"{name}: run {ran.seconds:.0f} s, {ran.memory >> 20} MiB; all of it {everything.seconds:.0f} s")
        assert_looks_are_quick(folder)


@pytest.mark.parametrize("executor", ["process", pytest.param("docker", marks=pytest.mark.container)])
def test_P26_so_is_a_command(tmp_path: Path, executor: str) -> None:
    folder = folder_of(tmp_path)
    ran = run(folder, COMMAND, executor)
    assert ran.code == 0, ran.out.read_text(errors="replace")[-2000:]
    assert ran.memory < MOST_MEMORY
    told = hashlib.sha256(b"".join([b"z" * 79 + b"\n"] * (LARGE // 80))).hexdigest() if not LONG else ""
    everything = looked(folder, "logs", "--all")
    found, errors = hashlib.sha256(), 0
    for line in lines_of(everything.out):
        if line == "err\n":
            errors += 1
        else:
            found.update(line.encode())
    assert errors == SIZE // 80
    assert LONG or found.hexdigest() == told
    assert "earlier output: dagbook logs --all" in in_notebook(folder)
    if executor == "process":
        assert_looks_are_quick(folder)


@pytest.mark.container
def test_P26_a_kernel_in_a_container_waits_until_what_it_prints_is_taken(tmp_path: Path) -> None:
    """Faster than anybody reads it: neither side gathers it, nor does IPython for its history."""
    folder = folder_of(tmp_path)
    size = SIZE if LONG else 150_000_000
    cell = f"%%pipeline_node noisy --memory 180M\nfor _ in range({size // 10**7}): print('y' * {10**7})"
    ran = run(folder, cell, "docker")
    assert ran.code == 0, ran.out.read_text(errors="replace")[-2000:]
    assert ran.memory < MOST_MEMORY
    assert sum(len(line) - 1 for line in lines_of(looked(folder, "logs", "--all").out)) == size // 10**7 * 10**7


MANY = f"""%%pipeline_node noisy
from IPython.display import display
for n in range({100_000 if LONG else 2_500}): display({{"text/plain": f"shown {{n}}"}}, raw=True)
for n in range({100 if LONG else 40}): display({{"text/plain": "large", "text/html": "h" * 1_000_000}}, raw=True)
print("end")
"""


def test_P26_displays_without_measure_are_shown_from_the_end_and_kept_from_the_beginning(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    ran = run(folder, MANY, "process")
    assert ran.code == 0, ran.out.read_text(errors="replace")[-2000:]
    assert ran.memory < MOST_MEMORY
    (journal,) = folder.glob(".dagbook/runs/*/noisy/1/outputs.jsonl")
    with journal.open() as lines:
        assert sum('"display_data"' in line for line in lines) == (100_100 if LONG else 2_540)
    (record,) = folder.glob(".dagbook/runs/*/noisy/1/notebook.ipynb")
    assert record.stat().st_size < 60_000_000
    assert "shown 0" in record.read_text()
    shown = looked(folder, "show", "--html", "page.html")
    assert (shown.code, shown.memory < MOST_MEMORY) == (0, True)


def test_P26_an_exception_whose_message_is_endless_is_told_with_its_beginning_and_its_end(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    ran = run(
        folder,
        f"%%pipeline_node noisy\nraise ValueError('begin' + 'x' * {50_000_000 if LONG else 5_000_000} + 'ends')",
        "process",
    )
    assert (ran.code, ran.memory < MOST_MEMORY) == (1, True)
    told = ran.out.read_text()
    assert "ValueError: begin" in told
    assert "xxxends" in told
    kept = [path.stat().st_size for path in (folder / ".dagbook").rglob("*") if path.is_file()]
    assert max(kept) < 1_000_000
    for words in LOOKS:
        found = looked(folder, *words.split())
        assert (found.code, found.memory < MOST_MEMORY, found.out.stat().st_size < 1_000_000) == (0, True, True), words
    assert max(path.stat().st_size for path in folder.glob("*.html")) < 2_000_000
