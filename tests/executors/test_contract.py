"""What every executor does, on each of them: in Docker, in bubblewrap, as a plain process."""

from __future__ import annotations

import math
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from dagbook.runner.core.model import Kind
from dagbook.runner.executors.contract import CellStarted, Output, Started

from .conftest import Bench, record


def test_reports_come_in_the_order_in_which_things_happen(bench: Bench) -> None:
    """Started, then each cell's start and its outputs; the record holds the same."""
    job = bench.job("print('one')\n1 + 1", "import sys; print('two', file=sys.stderr)")
    outcome = bench.run(job)
    assert outcome.ok, outcome.reason
    assert 0 < outcome.started_after < 60
    shape = [(type(one).__name__, getattr(one, "index", None)) for one in bench.reports]
    assert shape == [
        ("Started", None), ("CellStarted", 0), ("Output", 0), ("Output", 0), ("CellStarted", 1), ("Output", 1),
    ]  # fmt: skip
    assert bench.reports[0] == Started()
    assert bench.reports[1] == CellStarted(0, 2)
    first, second = record(job).cells
    assert [out.output_type for out in first.outputs] == ["stream", "execute_result"]
    assert second.outputs[0].text == "two\n"
    assert record(job).metadata.language_info.name == "python"


def test_parameters_are_injected_and_do_not_shift_positions(bench: Bench) -> None:
    """papermill puts a cell after the one tagged `parameters`; reports speak of the notebook as it was given."""
    values = {"lr": 0.1, "name": 'a"b\n{c}', "deep": [1, [None, True]], "odd": float("inf")}
    job = bench.job("lr = 5", "print(repr((lr, name, deep, odd)))\n1/0", tags={0: "parameters"}, parameters=values)
    outcome = bench.run(job)
    assert repr((0.1, 'a"b\n{c}', [1, [None, True]], math.inf)) in bench.text()
    assert outcome.failure
    assert outcome.failure.cell == 1
    assert [one for one in bench.reports if isinstance(one, CellStarted)] == [CellStarted(0, 2), CellStarted(1, 2)]


def test_a_failing_cell_ends_the_node_with_its_traceback(bench: Bench) -> None:
    """The reason is one line, the failure has the kernel's traceback, the record the outputs so far."""
    job = bench.job("print('fine')", "raise ValueError('bad thing\\nmore')", "print('never')")
    outcome = bench.run(job)
    assert not outcome.ok
    assert outcome.reason == "ValueError: bad thing"
    assert not outcome.lost
    assert outcome.failure
    assert (outcome.failure.name, outcome.failure.message, outcome.failure.cell) == ("ValueError", "bad thing\nmore", 1)
    assert any("ValueError" in line for line in outcome.failure.traceback)
    texts = [out.get("text") for cell in record(job).cells for out in cell.get("outputs", [])]
    assert "fine\n" in texts
    assert "never" not in bench.text()


def test_a_cell_that_may_raise_does_not_end_the_node(bench: Bench) -> None:
    """The tag raises-exception keeps the meaning it has in Jupyter, which papermill alone would not give it."""
    job = bench.job("1/0", "print('goes on')", tags={0: "raises-exception"})
    outcome = bench.run(job)
    assert outcome.ok, outcome.reason
    assert bench.text() == "goes on\n"
    assert len(record(job).cells) == 2


@pytest.mark.parametrize(
    ("cell", "code"),
    [
        ("import os; os._exit(0)", 0),
        ("import os; os._exit(3)", 3),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit(4)", 4),
        ("quit()", 0),
        ("exit()", 0),
    ],
)
def test_leaving_in_a_cell_is_never_a_success(bench: Bench, cell: str, code: int) -> None:
    """F17. Cells were not run: the node failed, and it says where the kernel left."""
    outcome = bench.run(bench.job("1", cell, "open('unreached', 'w')"))
    assert not outcome.ok
    assert outcome.reason.startswith(f"the kernel exited (code {code}) in cell 2")


def test_F16_a_kernel_that_never_answers_is_given_up_with_what_it_said(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("handshake", "outcomes"):
        monkeypatch.setattr(f"dagbook.runner.executors.{module}.START_SECONDS", 1.0)
    launch = ("sh", "-c", "echo importing for ever >&2; exec sleep 600")
    outcome = bench.run(bench.job("1", runtime=replace(bench.runtime(Kind.CELL), launch=launch)))
    assert not outcome.ok
    assert outcome.reason == "the kernel did not answer within 1 s:\nimporting for ever"
    assert not outcome.lost


def test_asking_is_an_error_that_says_so(bench: Bench) -> None:
    """input() must not hang: nobody sits at a node."""
    outcome = bench.run(bench.job("input('who? ')"))
    assert not outcome.ok
    assert "nodes cannot ask" in outcome.reason


def test_what_a_kernel_leaves_behind_arrives(bench: Bench) -> None:
    """Exit handlers, files that nobody closed (also in a cycle), threads, buffered C output, a pool's last task."""
    cell = """
import atexit, ctypes, threading, time, concurrent.futures
unclosed = open('unclosed', 'w'); unclosed.write('data')
class Cycle: pass
cycle = Cycle(); cycle.me = cycle; cycle.file = open('cycle', 'w'); cycle.file.write('data')
atexit.register(lambda: print('bye'))
atexit.register(lambda: open('handler', 'w').write('data'))
def later(name):
    time.sleep(0.2); open(name, 'w').write('data')
threading.Thread(target=later, args=('thread',)).start()
concurrent.futures.ThreadPoolExecutor().submit(later, 'pool')
ctypes.CDLL(None).printf(b'from C\\n')
"""
    job = bench.job(cell)
    outcome = bench.run(job)
    assert outcome.ok, outcome.reason
    assert {p.name: p.read_text() for p in job.output.iterdir()} == dict.fromkeys(
        ["unclosed", "cycle", "handler", "thread", "pool"], "data"
    )
    assert "bye\n" in bench.text()
    assert "from C\n" in bench.text()
    assert "bye" in "".join(out.get("text", "") for out in record(job).cells[0].outputs)


def test_a_thread_that_does_not_end_is_told_and_left(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server thread that a notebook leaves running does not hold the node up for ever."""
    monkeypatch.setattr("dagbook.runner.executors.kernel.THREADS_SECONDS", 0.5)
    cell = "import threading; threading.Thread(target=threading.Event().wait, name='srv').start()"
    outcome = bench.run(bench.job(cell))
    assert outcome.ok, outcome.reason
    assert "'srv' was still running" in bench.text("stderr")


def test_tags_by_helper_and_by_line(bench: Bench) -> None:
    """Logged as they come: by the helper, by stdout of the kernel, of a subprocess, of a forked child."""
    job = bench.job(
        "import dagbook, subprocess, sys, multiprocessing\n"
        "dagbook.log_tag('accuracy', 0.5); dagbook.log_metric('loss', 2)\n"
        "dagbook.log_metric('loss', float('nan'), step=7)\n"
        "dagbook.log_param('names', ['a', 'b'])",
        "print('cnvrg_tag_model: forest'); print('dagbook_tag_half', end=''); print(': 12', end='')",
        "subprocess.run(['sh', '-c', 'echo dagbook_tag_sub: 1.5'])",
        "subprocess.run([sys.executable, '-c', 'import dagbook; dagbook.log_tag(\"child\", True)'])",
        "child = multiprocessing.get_context('fork').Process(target=dagbook.log_tag, args=('forked', 3))\n"
        "child.start(); child.join()",
        "print('not a tag: dagbook_tag_x: 1')",
    )
    outcome = bench.run(job)
    assert outcome.ok, outcome.reason
    logged = {(name, repr(value), step) for name, value, step in bench.logged()}
    assert logged == {
        ("accuracy", "0.5", None), ("loss", "2", 0.0), ("loss", "nan", 7.0), ("names", "['a', 'b']", None),
        ("model", "'forest'", None), ("half", "12", None), ("sub", "1.5", None), ("child", "True", None),
        ("forked", "3", None),
    }  # fmt: skip
    assert "application/vnd.dagbook.logged+json" in str(record(job).cells[0].outputs)


def test_helpers_find_inputs_output_and_parameters(bench: Bench) -> None:
    """dagbook.input takes a title as typed; an unknown one is answered with those there are."""
    cell = """
import dagbook
print((dagbook.input('Before This') / 'table').read_text(), dagbook.param('rate') + 1, dagbook.param('no', 'default'))
(dagbook.output() / 'made').write_text('x')
try: dagbook.input('other')
except LookupError as error: print(error)
"""
    mount = bench.input("before_this", table="rows")
    job = bench.job(cell, mounts=(mount,), environment={"DAGBOOK_TAG_RATE": "0.5"})
    assert bench.run(job).ok
    assert "rows 1.5 default" in bench.text()
    assert "before_this" in bench.text().splitlines()[1]
    assert (job.output / "made").exists()


def test_the_working_directory_is_the_output(bench: Bench) -> None:
    """A relative path is an artifact."""
    job = bench.job("open('made.txt', 'w').write('x')")
    assert bench.run(job).ok
    assert [path.name for path in job.output.iterdir()] == ["made.txt"]


def test_a_project_cannot_break_the_kernel(bench: Bench) -> None:
    """A random.py in the project is not what ipykernel imports; the project's own modules are importable."""
    source = bench.folder / "code"
    source.mkdir()
    for name in ("random", "queue", "typing"):
        (source / f"{name}.py").write_text("raise RuntimeError('shadowed')")
    (source / "ours.py").write_text("answer = 42")
    from dagbook.runner.executors.contract import Mount

    job = bench.job("import ours; print(ours.answer)", mounts=(Mount(source, "/code", variable="PYTHONPATH"),))
    outcome = bench.run(job)
    assert outcome.ok, outcome.reason
    assert bench.text() == "42\n"


def test_displays_can_be_updated_and_cleared(bench: Bench) -> None:
    """Updates name their display; a clear is told; the record shows the last state."""
    job = bench.job(
        "from IPython.display import display, clear_output\n"
        "print('a'); print('b', flush=True); handle = display('first', display_id='d1')",
        "handle.update('second')\nprint('gone'); clear_output(); print('stays')",
    )
    assert bench.run(job).ok
    messages = [one.message for one in bench.reports if isinstance(one, Output)]
    shown = next(one for one in messages if one["output_type"] == "display_data")
    assert shown["transient"] == {"display_id": "d1"}
    update = next(one for one in messages if one["output_type"] == "update")
    assert (update["display_id"], update["data"]["text/plain"]) == ("d1", "'second'")
    assert {"output_type": "clear", "wait": False} in messages
    first, second = record(job).cells
    assert first.outputs[-1]["data"]["text/plain"] == "'second'"
    assert [out.text for out in second.outputs] == ["stays\n"]


def test_a_long_flood_of_output_arrives_whole(bench: Bench) -> None:
    """More than any queue holds, in one cell."""
    job = bench.job("for i in range(200_000): print(i)")
    assert bench.run(job).ok
    assert bench.text().splitlines() == [str(i) for i in range(200_000)]
    assert len(record(job).cells[0].outputs) == 1


def test_P5_a_crash_tells_where_the_users_code_was(bench: Bench) -> None:
    """C code that ends the process raises nothing: of the calls those that are the user's are told."""
    job = bench.job("def inner():\n    ctypes.string_at(0)", "import ctypes\ninner()")
    outcome = bench.run(job)
    assert outcome.reason == "the kernel was killed by signal 11 (SIGSEGV) in cell 2"
    assert outcome.failure
    first, words, *calls = outcome.failure.traceback
    assert first == "Fatal Python error: Segmentation fault"
    assert words == "Innermost call first:"
    assert calls[-2:] == ["  File <cell>, line 2 in inner", "  File <cell>, line 2 in <module>"]
    assert "IPython" not in "".join(calls)


@pytest.mark.fault
def test_a_killed_kernel_is_noticed_with_cause_and_record(bench: Bench) -> None:
    """F13, P5. Killed from within: what it had printed before is kept."""
    job = bench.job("print('before', flush=True)", "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "1")
    outcome = bench.run(job, seconds=30)
    assert not outcome.ok
    assert outcome.reason == "the kernel was killed by signal 9 (SIGKILL) in cell 2"
    assert outcome.exit_code == 128 + signal.SIGKILL
    assert not outcome.lost
    assert outcome.failure
    assert outcome.failure.cell == 1
    assert record(job).cells[0].outputs[0].text == "before\n"


def test_daemons_die_with_the_node(bench: Bench, tmp_path: Path) -> None:
    """F18. A process that a node left running, holding its output open, neither delays the end nor survives it."""
    job = bench.job(
        "import subprocess\n"
        "subprocess.Popen(['sh', '-c', 'nohup sleep 4242 & echo $! > pid; wait'])\n"
        "import time, os\nwhile not os.path.exists('pid') or not open('pid').read(): time.sleep(0.01)"
    )
    outcome = bench.run(job, seconds=30)
    assert outcome.ok, outcome.reason
    running = [p for p in Path("/proc").glob("[0-9]*/cmdline") if _reads(p) == b"sleep\x004242\x00"]
    assert running == []


def _reads(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_a_command_node_keeps_its_log(bench: Bench) -> None:
    """Both streams are reported live and are the record; tags count; -e stops at the first failing line."""
    job = bench.job(script="echo hello; echo dagbook_tag_rows: 7; echo made > file\nfalse\necho never")
    outcome = bench.run(job)
    assert not outcome.ok
    assert outcome.reason == "the command exited (code 1)"
    assert bench.logged() == [("rows", 7, None)]
    assert (job.output / "file").read_text() == "made\n"
    assert "never" not in bench.text()
    [cell] = record(job).cells
    assert cell.outputs[0].text.startswith("hello\n")


def test_a_command_may_bring_its_interpreter(bench: Bench) -> None:
    """A first line #! is honoured."""
    outcome = bench.run(bench.job(script="#!/usr/bin/env python3\nimport dagbook\ndagbook.log_tag('by', 'python')\n"))
    assert outcome.ok, outcome.reason
    assert bench.logged() == [("by", "python", None)]


def test_paths_with_braces_are_taken_as_they_are(bench: Bench) -> None:
    """papermill would fill in {names} in paths."""
    bench.folder = bench.folder / "a {b} c"
    outcome = bench.run(bench.job("1"))
    assert outcome.ok, outcome.reason


def test_inputs_cannot_be_changed(enclosed: Bench) -> None:
    """Write, mode, removal, renaming, a hard link: all refused."""
    cell = """
import os
refused = []
for attempt in (
    lambda: open('/input/before/file', 'w'), lambda: os.chmod('/input/before/file', 0o777),
    lambda: os.unlink('/input/before/file'), lambda: os.rename('/input/before/file', '/input/before/other'),
    lambda: open('/input/before/new', 'w'), lambda: os.link('/input/before/file', '/output/link'),
    lambda: os.rmdir('/input/before'),
):
    try: attempt()
    except OSError: refused.append(True)
print(len(refused), open('/input/before/file').read())
"""
    mount = enclosed.input(file="kept")
    assert enclosed.run(enclosed.job(cell, mounts=(mount,))).ok
    assert enclosed.text() == "7 kept\n"
    assert (mount.source / "file").read_text() == "kept"
    assert [path.name for path in mount.source.iterdir()] == ["file"]


def test_the_network_is_closed(enclosed: Bench) -> None:
    """No way out, and no other host's ports; loopback of its own works."""
    cell = """
import socket
for address in (('192.0.2.1', 80), ('8.8.8.8', 53)):
    try: socket.create_connection(address, 2); print('open')
    except OSError as error: print(error.errno)
listener = socket.create_server(('127.0.0.1', 0)); socket.create_connection(listener.getsockname()); print('own')
print([line.split(':')[0].strip() for line in open('/proc/net/dev').readlines()[2:]])
"""
    assert enclosed.run(enclosed.job(cell)).ok
    assert enclosed.text() == "101\n101\nown\n['lo']\n"


def test_many_at_once(bench: Bench) -> None:
    """Node runs do not get into each other's way."""
    import asyncio

    jobs = [bench.job(f"print({number}); open('n', 'w').write('{number}')") for number in range(4)]

    async def all_of_them() -> list[bool]:
        return [one.ok for one in await asyncio.gather(*(bench.executor.run(job, bench.report) for job in jobs))]

    for _ in range(2):  # the pool of connections to the engine grows to what is used at once
        asyncio.run(all_of_them())
    open_before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        for job in jobs:
            job.record.unlink()
        assert asyncio.run(all_of_them()) == [True] * 4
    assert [(job.output / "n").read_text() for job in jobs] == [str(number) for number in range(4)]
    assert len(os.listdir("/proc/self/fd")) < open_before + 3 * 4  # connections to the engine; nothing per node run
