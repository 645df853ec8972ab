"""What nodes log: lines and displays in every way in which they may come, on each executor (rows 26-31)."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.model import Kind
from dagbook.runner.executors.contract import Job, LoggedImage, Output
from dagbook.runner.executors.tags import Entry, Sort, TagLines, displayed

from .conftest import Bench, record

DOT = (  # a PNG of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)
PNG = f"import base64; png = base64.b64decode({DOT!r})\n"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
IPYKERNEL = (sys.executable, "-c", "from ipykernel.kernelapp import launch_new_instance as run; run()")


def entries(*pieces: str) -> list[tuple[str, Any]]:
    """Names and values of the tags in a text that comes in these pieces."""
    lines = TagLines()
    found = [entry for piece in pieces for entry in lines.feed(piece)]
    return [(one.name, one.value) for one in [*found, *lines.settle(last=True)]]


def images(bench: Bench) -> dict[str, list[tuple[float, bytes]]]:
    """The images reported: name -> steps and the bytes kept."""
    found: dict[str, list[tuple[float, bytes]]] = {}
    for one in bench.reports:
        if isinstance(one, LoggedImage):
            found.setdefault(one.name, []).append((one.step, one.file.read_bytes()))
    return found


def tags(bench: Bench) -> dict[str, Any]:
    """The tags and metrics reported; the last value of each name."""
    return {name: value for name, value, _ in bench.logged()}


def foreign(bench: Bench, *arguments: str, **given: Any) -> Any:
    """The runtime of a kernel that dagbook starts as its kernelspec says, not in its own way."""
    launch = (*IPYKERNEL, "-f", "{connection_file}", *arguments)
    return replace(bench.runtime(Kind.CELL), **{"launch": launch, **given})


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("cnvrg_tag_a: 1\ndagbook_tag_b: x y \n", [("a", 1), ("b", "x y")], id="row 30"),
        pytest.param("cnvrg_tag_model accuracy: 0.9\n", [("model accuracy", 0.9)], id="row 28: spaces in a name"),
        pytest.param("dagbook_tag_a: True\r\ndagbook_tag_b: None\r\n", [("a", True), ("b", None)], id="CRLF"),
        pytest.param("\r 10%\r 90%\rdagbook_tag_a: 1\n", [("a", 1)], id="after a progress bar"),
        pytest.param("dagbook_tag_a: 1\r 10%\r 90%\n", [("a", 1)], id="before a progress bar"),
        pytest.param("\x1b[1;32mdagbook_tag_a: \x1b[0m1\x1b[K\n", [("a", 1)], id="colours"),
        pytest.param("\x1b]0;title\x07dagbook_tag_a: 1\n", [("a", 1)], id="a window's title"),
        pytest.param("  dagbook_tag_a:1", [("a", 1)], id="indented, without a line end"),
        pytest.param("dagbook_tag_url: http://x:1/\n", [("url", "http://x:1/")], id="colons in the value"),
        pytest.param("dagbook_tag_a:\n", [("a", "")], id="empty value"),
        pytest.param("dagbook_tag_a: nan\n", [("a", math.nan)], id="nan"),
        pytest.param("a dagbook_tag_a: 1\ndagbook_tag_: 1\ndagbook_tag_a 1\n", [], id="no tags"),
        pytest.param(f"dagbook_tag_{'a' * 201}: 1\n", [], id="a name too long"),
        pytest.param(f"dagbook_tag_a: {'1' * 70_000}\ndagbook_tag_b: 2\n", [("b", 2)], id="a line too long"),
        pytest.param(f"dagbook_tag_a: b{' ' * 60_000}b\n", [("a", f"b{' ' * 60_000}b")], id="a line almost too long"),
        pytest.param("dagbook_tag_a\0b: \ufffd\n", [("a\0b", "\ufffd")], id="odd characters"),
    ],
)
def test_lines_that_log(text: str, found: list[tuple[str, Any]]) -> None:
    """Rows 28, 30. Whole, and letter by letter, they say the same."""
    assert repr(entries(text)) == repr(found)
    if len(text) < 1000:
        assert repr(entries(*text)) == repr(found)


@given(
    st.lists(st.sampled_from(["dagbook_tag_a: 1", "cnvrg_tag_b c: x", "\n", "\r", "5%", " ", "\x1b[0m", "z"])),
    st.data(),
)
def test_a_text_says_the_same_in_whatever_pieces_it_comes(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = data.draw(st.lists(st.integers(0, len(text)), max_size=6).map(sorted))
    assert entries(*(text[a:b] for a, b in pairwise([0, *cuts, len(text)]))) == entries(text)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("cnvrg_linechart_loss value: 0.5", [("loss", 0.5, None)]),
        ("cnvrg_linechart_loss value: 1e-5 x: 3", [("loss", 1e-5, 3.0)]),
        ("cnvrg_linechart_train loss value:'2' group: 'a b' key: 4", [("train loss a b", 2, 4.0)]),
        ("cnvrg_linechart_loss y: 7 x: 1", [("loss", 7, 1.0)]),
        ("cnvrg_linechart_loss value: high", []),
        ("cnvrg_linechart_loss", []),
        ("cnvrg_linechart_loss: 3", []),
    ],
)
def test_a_line_chart_of_cnvrg_is_a_metric(line: str, found: list[tuple[str, Any, float | None]]) -> None:
    assert [(one.name, one.value, one.step) for one in TagLines().feed(line + "\n")] == found


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ('{"step": 3, "loss": 0.5}', [("step", 3, 3.0), ("loss", 0.5, 3.0)]),
        (
            '  {"kind": "a", "flag": true, "list": [1, 2]}  ',
            [("kind", "a", None), ("flag", True, None), ("list", [1, 2], None)],
        ),
        ('{"broken": ', []),
        ('[{"a": 1}]', []),
        ('x {"a": 1}', []),
    ],
)
def test_a_json_object_on_a_line_is_metadata_where_that_is_asked_for(
    line: str, found: list[tuple[str, Any, float | None]]
) -> None:
    assert [(one.name, one.value, one.step) for one in TagLines(json_objects=True).feed(line + "\n")] == found
    assert list(TagLines().feed(line + "\n")) == []


def test_a_line_that_grows_after_it_was_looked_at_counts_with_all_of_it() -> None:
    """A cell's end may come between two pieces of what its subprocess printed."""
    lines = TagLines()
    assert list(lines.feed("dagbook_tag_a: 0.1")) == []
    assert list(lines.settle(last=False)) == [Entry(Sort.TAG, "a", 0.1)]
    assert list(lines.settle(last=True)) == []
    assert list(lines.feed("25\n")) == [Entry(Sort.TAG, "a", 0.125)]
    assert list(lines.feed("dagbook_metric_a: 0.1")) == []
    assert list(lines.settle(last=False)) == []  # a point too many could not be taken back
    assert list(lines.feed("25\n")) == [Entry(Sort.METRIC, "a", 0.125)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("dagbook_metric_loss@3: 0.5", Entry(Sort.METRIC, "loss", 0.5, 3.0)),
        ("dagbook_metric_p@k@-1e2: 1", Entry(Sort.METRIC, "p@k", 1, -100.0)),
        ("dagbook_metric_p@k: 1", Entry(Sort.METRIC, "p@k", 1, None)),
        ("dagbook_metric_p@inf: 1", Entry(Sort.METRIC, "p@inf", 1, None)),
        ("dagbook_image_curve@2: plots/a.png", Entry(Sort.IMAGE, "curve", "plots/a.png", 2.0)),
        ("dagbook_tag_p@3: 1", Entry(Sort.TAG, "p@3", 1, None)),
    ],
)
def test_metrics_and_images_in_lines_may_name_their_step(line: str, found: Entry) -> None:
    assert list(TagLines().feed(f"{line}\n")) == [found]


OURS = "application/vnd.dagbook.logged+json"
SCRAP, PANDAS = "application/scrapbook.scrap.json+json", "application/scrapbook.scrap.pandas+json"
RECORD = "application/papermill.record+json"


@pytest.mark.parametrize(
    "data",
    [
        {OURS: "x"}, {OURS: {}}, {OURS: {"name": 1, "value": 1}}, {OURS: {"name": " ", "value": 1}},
        {OURS: {"name": "a", "value": {"float": "x"}}}, {OURS: {"name": "a", "value": {"b": 1}}},
        {OURS: {"name": "a", "value": {"float": [1]}}}, {OURS: {"name": "a", "value": json.loads("[" * 99 + "]" * 99)}},
        {SCRAP: {"name": "a", "data": [1]}}, {SCRAP: {"name": "a", "data": {}}}, {SCRAP: {"name": "a", "data": "[1]"}},
        {RECORD: {"a": [1]}}, {PANDAS: {"name": "a", "data": "x"}},
    ],
)  # fmt: skip
def test_displays_that_are_not_well_made_log_nothing(data: dict[str, Any]) -> None:
    assert list(displayed(data)) == []


EVERY_WAY = """
import ctypes, dagbook, multiprocessing, os, subprocess, sys, threading
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
print('cnvrg_tag_print: 1')
sys.stdout.write('dagbook_tag_pieces'); sys.stdout.flush(); print(': 2')
subprocess.run(['echo', 'dagbook_tag_run: 3'])
os.system('echo dagbook_tag_system: 4')
os.write(1, b'dagbook_tag_write: 5\\n')
ctypes.CDLL(None).puts(b'dagbook_tag_c: 6')
def say(name): print(f'dagbook_tag_{name}: 7', flush=True)
fork = multiprocessing.get_context('fork')
for worker in (fork.Process(target=say, args=('forked',)), threading.Thread(target=say, args=('thread',))):
    worker.start(); worker.join()
with ProcessPoolExecutor(1, mp_context=fork) as pool: pool.submit(say, 'pool').result()
with ThreadPoolExecutor(1) as pool: pool.submit(say, 'threads').result()
spawned = "import os; print('dagbook_tag_spawned: 7', flush=True)"
subprocess.run([sys.executable, '-c', spawned])
os.system('echo dagbook_tag_error: 1 >&2'); print('dagbook_tag_error: 1', file=sys.stderr)
done = threading.Event()
def late():
    done.wait(); print('dagbook_tag_late: 8'); os.system('echo dagbook_tag_later: 9'); dagbook.log_tag('helper', 12)
threading.Thread(target=late).start()
import atexit; atexit.register(print, 'dagbook_tag_last: 10', end='')
"""


def test_row_30_every_way_to_print_a_line_makes_a_tag(bench: Bench) -> None:
    """Python, subprocesses, C, workers, threads, after the cell's end, at exit; stderr does not count.

    Not "once": a forked worker prints again what ipykernel had buffered when it was forked.
    """
    outcome = bench.run(bench.job(EVERY_WAY, "print('dagbook_tag_next: 11')\ndone.set()"))
    assert outcome.ok, outcome.reason
    expected = {
        "print": 1, "pieces": 2, "run": 3, "system": 4, "write": 5, "c": 6, "forked": 7, "thread": 7, "pool": 7,
        "threads": 7, "spawned": 7, "late": 8, "later": 9, "helper": 12, "last": 10,
        "next": 11,
    }  # fmt: skip
    assert tags(bench) == expected


def test_a_kernel_that_does_not_capture_its_stdout_is_read_there(plain: Bench) -> None:
    """Row 30, for kernels that leave what subprocesses print to the process's own stdout; stderr does not count."""
    cell = (
        "import os, subprocess; print('dagbook_tag_captured: 1')\n"
        "subprocess.run(['echo', 'dagbook_tag_past: 2']); os.write(1, b'dagbook_metric_m@0: 3\\n\\xff\\n')\n"
        "os.write(2, b'dagbook_tag_error: 1\\n')"
    )
    runtime = foreign(plain, "--IPKernelApp.capture_fd_output=False")
    assert plain.run(plain.job(cell, "os.write(1, b'dagbook_tag_end: 4')", runtime=runtime)).ok
    assert sorted(plain.logged()) == [("captured", 1, None), ("end", 4, None), ("m", 3, 0.0), ("past", 2, None)]


def test_a_line_that_comes_by_message_and_by_stdout_counts_once(plain: Bench) -> None:
    """ipykernel, started by another kernelspec, copies what it captures to the process's stdout."""
    cell = "import os\nfor step in range(5): os.write(1, b'dagbook_metric_m: 1\\ndagbook_tag_t: 2\\n')"
    job = plain.job(cell, "os.write(1, b'dagbook_tag_t: 3\\n')", runtime=foreign(plain))
    assert plain.run(job).ok
    assert [step for name, _, step in plain.logged() if name == "m"] == [0, 1, 2, 3, 4]
    assert tags(plain) == {"m": 1, "t": 3}
    assert len(plain.logged()) == 11


SHELL = """
import os, subprocess
from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel
class Shell(Kernel):
    implementation = implementation_version = banner = 'shell'
    language_info = {'name': 'sh', 'mimetype': 'text/x-sh', 'file_extension': '.sh'}
    def do_execute(self, code, silent, *args, **kwargs):
        subprocess.run(['sh', '-c', code])
        return {'status': 'ok', 'execution_count': self.execution_count, 'payload': [], 'user_expressions': {}}
    def do_shutdown(self, restart):
        os.write(1, b'dagbook_tag_leaving: 2')
        return {'status': 'ok', 'restart': restart}
IPKernelApp.launch_instance(kernel_class=Shell)
"""


def test_a_kernel_of_another_language_is_read_until_its_process_is_gone(plain: Bench) -> None:
    """Row 2, row 30: all that it runs prints past it."""
    launch = (sys.executable, "-c", SHELL, "-f", "{connection_file}", "--IPKernelApp.capture_fd_output=False")
    runtime = replace(plain.runtime(Kind.CELL), launch=launch, language="sh")
    outcome = plain.run(plain.job("echo dagbook_tag_a: 1; echo dagbook_tag_b: 1 >&2", runtime=runtime))
    assert outcome.ok, outcome.reason
    assert plain.logged() == [("a", 1, None), ("leaving", 2, None)]


def test_a_command_logs_by_its_stdout_alone(bench: Bench) -> None:
    """Row 30: bytes that are no UTF-8 and long lines do no harm; both streams are in the log."""
    script = (
        "printf 'dagbook_tag_a: \\377\\n'; printf 'cnvrg_tag_b: 1\\r\\n'\n"
        "head -c 200000 /dev/zero | tr '\\0' x; echo; echo dagbook_metric_loss: 0.5; echo dagbook_metric_loss: 0.25\n"
        "echo dagbook_metric_loss@9: 0.125; echo dagbook_tag_error: 1 >&2; printf 'dagbook_tag_last: 2'"
    )
    job = bench.job(script=script)
    assert bench.run(job).ok
    assert bench.logged() == [
        ("a", "\ufffd", None), ("b", 1, None), ("loss", 0.5, 0.0), ("loss", 0.25, 1.0), ("loss", 0.125, 9.0),
        ("last", 2, None),
    ]  # fmt: skip
    assert bench.text("stderr") == "dagbook_tag_error: 1\n"
    assert "dagbook_tag_error" in str(record(job).cells[0].outputs)


SCRAPS = """
from IPython.display import publish_display_data as show
def glue(name, data, encoder='json'):
    content = {'name': name, 'data': data, 'encoder': encoder, 'version': 1}
    meta = {'scrapbook': {'name': name, 'data': True, 'display': False}}
    show({f'application/scrapbook.scrap.{encoder}+json': content}, metadata=meta)
glue('number', 3.5); glue('none', None); glue('true', True); glue('old', '7'); glue('word', 'seven', 'text')
glue('digits', '7', 'text'); glue('rows', [1, 2]); glue('table', {'a': 1}); glue('frame', 'AAAA', 'pandas')
show({'application/papermill.record+json': {'recorded': 1, 'list': [1]}})
def mark(name): return {'scrapbook': {'name': name, 'data': False, 'display': True}}
show({'image/png': base64.b64encode(png).decode(), 'text/plain': 'x'}, metadata=mark('plot'))
show({'text/html': '<b>x</b>'}, metadata=mark('html'))
"""


def test_single_scraps_and_papermills_records_are_tags(plain: Bench) -> None:
    """Row 31, for notebooks written for scrapbook or for papermill's record: scalars are tags, images are kept."""
    job = plain.job(PNG + SCRAPS)
    outcome = plain.run(job)
    assert outcome.ok, outcome.reason
    expected = {"number": 3.5, "none": None, "true": True, "old": 7, "word": "seven", "digits": "7", "recorded": 1}
    assert tags(plain) == expected
    assert list(images(plain)) == ["plot"]
    shown = [one.message.get("data") for one in plain.reports if isinstance(one, Output)]
    assert [sorted(data) for data in shown if data] == [[PANDAS], ["image/png", "text/plain"], ["text/html"]]


WIDGET = """
from comm import create_comm
state = {'_model_name': 'OutputModel', '_model_module': '@jupyter-widgets/output', 'outputs': [], 'msg_id': ''}
widget = create_comm(target_name='jupyter.widget', data={'state': state}, metadata={'version': '2.0.0'})
parent = get_ipython().kernel.get_parent()['header']['msg_id']
widget.send({'method': 'update', 'state': {'msg_id': parent}})
print('dagbook_tag_printed: 1'); dagbook.log_tag('helper', 2)
widget.send({'method': 'update', 'state': {'msg_id': ''}})
"""


def test_what_is_captured_from_a_cell_is_logged_all_the_same(plain: Bench) -> None:
    """%%capture, a redirected stdout and an Output widget take a cell's output, not its tags."""
    job = plain.job(
        "%%capture out\nimport dagbook, contextlib, io\ndagbook.log_tag('captured', 1)",
        "with contextlib.redirect_stdout(io.StringIO()): dagbook.log_metric('redirected', 2)",
        WIDGET,
    )
    outcome = plain.run(job)
    assert outcome.ok, outcome.reason
    assert tags(plain) == {"captured": 1, "redirected": 2, "printed": 1, "helper": 2}


IMAGES = """
import dagbook, multiprocessing, pathlib
svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'
dagbook.log_image('Curve [1]', png); dagbook.log_image('Curve [1]', png, step=7.5); dagbook.log_image('curve 1', png)
pathlib.Path('drawing.svg').write_bytes(svg); dagbook.log_image('drawing', 'drawing.svg')
child = multiprocessing.get_context('fork').Process(target=dagbook.log_image, args=('forked', png, 3))
child.start(); child.join()
"""


def test_row_31_images_are_shown_and_kept_beside_the_record(bench: Bench) -> None:
    """In a cell's output as any other; in a file each; also from a forked worker, in an image without dagbook."""
    job = bench.job(PNG + IMAGES)
    outcome = bench.run(job)
    assert outcome.ok, outcome.reason
    assert outcome.warnings == ()
    found = images(bench)
    png = found["forked"][0][1]
    assert png.startswith(b"\x89PNG")
    assert found == {
        "Curve [1]": [(0.0, png), (7.5, png)], "curve 1": [(0.0, png)], "drawing": [(0.0, SVG)], "forked": [(3.0, png)],
    }  # fmt: skip
    kept = sorted(path.name for path in (job.record.parent / "images").iterdir())
    assert kept == ["curve_1-1.png", "curve_1-2.png", "curve_1-3.png", "drawing-1.svg", "forked-1.png"]
    displays = [out for out in record(job).cells[0].outputs if out.output_type == "display_data"]
    assert displays[1].metadata["dagbook"] == {"image": "Curve [1]", "step": 7.5}
    assert [sorted(out.data) for out in displays[2:]] == [["image/png", "text/plain"], ["image/svg+xml", "text/plain"]]
    assert [path.name for path in job.output.iterdir()] == ["drawing.svg"]


def _command(bench: Bench, program: str) -> Job:
    return bench.job(script=f"#!/usr/bin/env python3\n{PNG}{program}")


def test_row_31_commands_log_images_by_the_helper_and_by_a_line(bench: Bench) -> None:
    """The helper leaves a file for the run; a line names one of the output, relative or from /output on."""
    program = (
        "import dagbook, os\ndagbook.log_image('helper', png); dagbook.log_metric('loss', 0.5, 4)\n"
        "os.mkdir('plots'); open('plots/a.png', 'wb').write(png)\n"
        "print('dagbook_image_line@2: plots/a.png'); print(f'dagbook_image_line: {dagbook.output()}/plots/a.png')"
    )
    job = _command(bench, program)
    outcome = bench.run(job)
    assert outcome.ok, outcome.reason
    assert outcome.warnings == ()
    png = (job.output / "plots" / "a.png").read_bytes()
    assert images(bench) == {"helper": [(0.0, png)], "line": [(2.0, png), (1.0, png)]}
    assert bench.logged() == [("loss", 0.5, 4.0)]
    assert [path.name for path in job.output.iterdir()] == ["plots"]


def test_a_line_cannot_name_a_file_that_is_not_the_nodes_own(plain: Bench) -> None:
    """Neither by a path, nor by a link; what is no image, or too large, is told and not kept."""
    secret = plain.folder / "secret"
    secret.mkdir()
    (secret / "x.svg").write_bytes(SVG)
    program = (
        f"import os\nos.symlink({str(secret)!r}, 'folder'); os.symlink({str(secret / 'x.svg')!r}, 'file.svg')\n"
        "open('text.png', 'w').write('text'); os.mkfifo('pipe.png'); os.truncate(os.open('big.png', 66), 2**27)\n"
        f"paths = ['folder/x.svg', 'file.svg', '../secret/x.svg', {str(secret / 'x.svg')!r}, 'text.png', 'pipe.png',\n"
        "    'big.png', 'none.png', '.', 'nul\\0']\n"
        "for number, path in enumerate(paths): print(f'dagbook_image_{number}: {path}', flush=True)"
    )
    outcome = plain.run(_command(plain, program))
    assert outcome.ok, outcome.reason
    assert images(plain) == {}
    assert [re.findall(r"image '(\d)' was not kept", line) for line in outcome.warnings] == [
        [str(n)] for n in range(10)
    ]
    assert "larger than 64 MiB" in outcome.warnings[6]
    assert "No such file" in outcome.warnings[7]
