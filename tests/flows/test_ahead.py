"""What is started ahead of its time changes nothing but the time: each node sees what it would have seen, and what is
not needed leaves nothing."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from dagbook.runner.records.store import Store
from tests.executors.conftest import containers
from tests.faults.box import Box
from tests.faults.test_ahead import until
from tests.flows.conftest import MakeFlow
from tests.flows.flow import EXECUTORS, Ended, Flow

EACH = [pytest.param(name, marks=pytest.mark.container if name == "docker" else ()) for name in EXECUTORS]

# Waits until the test has seen that what is to be started ahead was started.
WAIT = """import os, time
while not os.path.exists('go'): time.sleep(0.01)
os.remove('go')
"""
MAKE = f"""%%pipeline_node make
{WAIT}import dagbook
dagbook.log_tag('rows', 3)
open('table.txt', 'w').write('3 rows')"""
DOUBLE = """%%pipeline_node double --after make --grid by=2,3
import os
assert os.environ['DAGBOOK_MAKE_ROWS'] == '3'
table = open(os.environ['INPUT_MAKE'] + '/table.txt').read()
open('out.txt', 'w').write(f"{table} by {by} {os.environ['DAGBOOK_TAG_BY']}")"""
TOGETHER = """%%pipeline_node together --after double --gather
import json, os
place = os.environ['INPUT_DOUBLE']
runs = json.load(open(place + '/runs.json'))
texts = [open(f"{place}/{one['folder']}/out.txt").read() for one in runs]
open('all.txt', 'w').write('\\n'.join(texts))"""
LAST = """%%pipeline_node last --after together make
import os
text = open(os.environ['INPUT_TOGETHER'] + '/all.txt').read()
open('last.txt', 'w').write(text.replace('rows', os.environ['DAGBOOK_MAKE_ROWS']))"""
TELL = """%%pipeline_command tell --after make
cat "$INPUT_MAKE/table.txt" >told.txt; echo " in $DAGBOOK_MAKE_ROWS" >>told.txt"""
NOTHING_LEFT = "runs/*/*/*/output"  # folders that were neither published nor removed


def ahead(made: Flow, ended: Ended) -> set[str]:
    """The node runs that went on with a kernel which had been started ahead."""
    with closing(Store(made.store, create=False)) as store:
        runs = store.state_of(ended.id).node_runs
    return {id for id, run in runs.items() if run.detail.get("ahead")}


@contextmanager
def released(made: Flow, first: str, last: str) -> Iterator[None]:
    """Lets the node `first` of a run go on when an attempt of `last` was made ready in that run."""

    def release() -> bool:
        outputs = [one for one in made.store.glob(f"runs/*/{first}/1/output") if (one.parents[2] / last).exists()]
        for output in outputs:
            (output / "go").touch()
        return bool(outputs)

    thread = threading.Thread(target=until, args=(release,))
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize("executor", EACH)
def test_nodes_that_were_started_ahead_see_what_they_would_have_seen(flow: MakeFlow, executor: str) -> None:
    """Files, tags and gathered runs of nodes that were not over when their container was started."""
    made = flow(MAKE, DOUBLE, TOGETHER, LAST, TELL)
    with released(made, "make", "together"):
        ended = made.run(executor=executor)
    assert ended.text("tell", "told.txt") == "3 rows in 3"
    assert ended.text("together", "all.txt") == "3 rows by 2 2\n3 rows by 3 3"
    assert ended.text("last", "last.txt") == "3 3 by 2 2\n3 3 by 3 3"
    assert {"double#1", "double#2", "together"} <= ahead(made, ended)
    assert not list(made.store.glob(NOTHING_LEFT))


@pytest.mark.parametrize("executor", EACH)
def test_the_same_content_published_before_is_shown_where_it_lies(flow: MakeFlow, executor: str) -> None:
    """An artifact of the same content is kept once; who was started ahead reads the folder it was found equal to."""
    same = "open('same.txt', 'w').write('x')"
    read = "import os; print(open(os.environ['INPUT_{0}'] + '/same.txt').read())\n" + same
    made = flow(
        f"%%pipeline_node a\n{WAIT}{same}",
        f"%%pipeline_node b --after a\n{read.format('A')}",
        f"%%pipeline_node c --after b\n{read.format('B')}",
    )
    with released(made, "a", "c"):
        ended = made.run(executor=executor)
    assert len({run["artifact"] for run in ended.runs.values()}) == 1
    assert {"b", "c"} <= ahead(made, ended)
    assert not list(made.store.glob(NOTHING_LEFT))


def test_a_second_run_in_which_the_first_node_is_cached_starts_the_others_as_ever(flow: MakeFlow) -> None:
    """What counted on the output of a node that is not run is dropped; nothing of it is left."""
    made = flow(MAKE, DOUBLE, TOGETHER, LAST)
    with released(made, "make", "together"):
        made.run()
    made.rewrite(MAKE, DOUBLE.replace("by {by}", "times {by}"), TOGETHER, LAST)
    ended = made.run()
    assert ended.states["make"] == "cached"
    assert ended.text("last", "last.txt") == "3 3 times 2 2\n3 3 times 3 3"
    assert not list(made.store.glob(NOTHING_LEFT))


def test_a_node_before_that_is_tried_again_is_read_from_the_attempt_that_succeeded(flow: MakeFlow) -> None:
    """Each attempt has an output folder of its own; what showed the first one's is dropped."""
    with closing(Box()) as box:
        box.make_fail()
        made = flow(
            "%%pipeline_node a --retries 1\nimport os, select\nopen('made.txt', 'w').write('x')\n"
            f"told = os.open('{box.path}/fails', os.O_RDONLY | os.O_NONBLOCK)\n"
            "assert not (select.select([told], [], [], 0)[0] and os.read(told, 1))",
            "%%pipeline_node b --after a\nimport os\nprint(open(os.environ['INPUT_A'] + '/made.txt').read())",
        )
        ended = made.run()
    assert ended.states == {"a": "succeeded", "b": "succeeded"}
    assert ended.runs["a"]["attempts"] == 2
    assert not ahead(made, ended) & {"b"}
    assert len(list(made.store.glob("runs/*/b/*"))) == 1


@pytest.mark.parametrize("executor", EACH)
def test_what_was_started_ahead_of_a_failure_is_gone(flow: MakeFlow, executor: str) -> None:
    made = flow(
        "%%pipeline_node bad\nraise ValueError('no')",
        "%%pipeline_node one --after bad\nprint(1)",
        "%%pipeline_node two --after one\nprint(1)",
    )
    ended = made.run(code=1, executor=executor)
    assert ended.states == {"bad": "failed", "one": "upstream_failed", "two": "upstream_failed"}
    assert not list(made.store.glob("runs/*/one")), "no folder of an attempt that never was"
    if executor == "docker":
        with closing(Store(made.store, create=False)) as store:
            assert containers(f"dagbook={store.id}") == []


def test_none_is_started_ahead_when_the_setting_says_so(flow: MakeFlow) -> None:
    made = flow(MAKE.replace(WAIT, ""), DOUBLE)
    assert ahead(made, made.run(env={"DAGBOOK_AHEAD": "0"})) == set()


@pytest.mark.parametrize("executor", EACH)
def test_what_counted_on_a_node_that_turns_out_cached_is_read_from_what_ran(flow: MakeFlow, executor: str) -> None:
    """x runs again and leaves the same, so a is cached; b has changed, and c must read what b leaves now."""
    cells = [
        f"%%pipeline_node x\n{WAIT}open('x.txt', 'w').write('x')",
        "%%pipeline_node a --after x\nopen('a.txt', 'w').write('a')",
        "%%pipeline_node b --after a\nopen('b.txt', 'w').write('first')",
        "%%pipeline_node c --after b\nimport os, shutil\nshutil.copy(os.environ['INPUT_B'] + '/b.txt', 'c.txt')",
    ]
    made = flow(*cells)
    with released(made, "x", "c"):
        assert made.run(executor=executor).text("c", "c.txt") == "first"
    made.rewrite(cells[0] + "\n# again", cells[1], cells[2].replace("first", "second"), cells[3])
    with released(made, "x", "c"):
        ended = made.run(executor=executor)
    assert ended.states == {"x": "succeeded", "a": "cached", "b": "succeeded", "c": "succeeded"}
    assert ended.text("c", "c.txt") == "second"
    assert not list(made.store.glob(NOTHING_LEFT))


def test_with_on_error_continue_who_follows_a_failure_reads_what_there_is(flow: MakeFlow) -> None:
    """Nothing is started ahead for a node whose parent has failed, and the node after it reads its files."""
    made = flow(
        "%%pipeline_node bad\n1 / 0",
        "%%pipeline_node other\nopen('o', 'w')",
        "%%pipeline_node g --after bad other\nopen('g.txt', 'w').write('g')",
        "%%pipeline_node h --after g\nimport os; open('h.txt', 'w').write(str(os.listdir(os.environ['INPUT_G'])))",
    )
    ended = made.run("--on-error", "continue", "--jobs", "1", code=1)
    assert ended.states == {"bad": "failed", "other": "succeeded", "g": "succeeded", "h": "succeeded"}
    assert ended.text("h", "h.txt") == "['g.txt']"


def test_a_node_that_is_not_to_run_is_not_started_ahead(flow: MakeFlow) -> None:
    """Its earlier result is used: there is not even a place where it would run."""
    made = flow(*(f"%%pipeline_node {name}{after}\nopen('{name}', 'w')" for name, after in AFTER))
    made.run()
    ended = made.run("--node", "a", "--node", "c", "--no-cache")
    assert ended.states == {"a": "succeeded", "b": "cached", "c": "succeeded"}


AFTER = (("a", ""), ("b", " --after a"), ("c", " --after b"))
