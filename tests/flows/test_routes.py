"""How often nodes run, and on what, on real runs: grids, joins, | hyper, gather, single mode (rows 32-43)."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from tests.conftest import MakeNotebook, read_until
from tests.flows.conftest import MakeFlow
from tests.flows.flow import EXECUTORS, Ended, Flow

Started = Callable[..., "subprocess.Popen[str]"]


def carry(*titles: str) -> str:
    """A script that writes what came, and the node's own parameters, in one line to `route.txt`."""
    own = 'echo $(env | grep ^CNVRG_TAG_ | sort | sed s/CNVRG_TAG_//) >> "$DAGBOOK_OUTPUT/route.txt"'
    return "\n".join([*(f"cat /input/{title}/route.txt >> route.txt" for title in titles), own])


def command(line: str, *before: str) -> str:
    return f"%%pipeline_command {line}\n{carry(*before)}"


def routes(ended: Ended, title: str) -> list[str]:
    """What each run of the node saw, in the order of their places."""
    return [" ".join(ended.lines(run["id"], "route.txt")) for run in ended.of(title)]


def all_of(*values: str) -> list[str]:
    """The routes of a product, the last axis changing fastest."""
    found = [""]
    for axis in values:
        name, _, chosen = axis.partition("=")
        found = [f"{before} {name.upper()}={value}".strip() for before in found for value in chosen.split(",")]
    return found


VALUES = [
    pytest.param('"n=[3, 5, 12]"', [3, 5, 12], id="row 32: an inline array"),
    pytest.param("n=3,5,12", [3, 5, 12], id="row 33: commas"),
    pytest.param("n=7", [7], id="row 32: one value"),
    pytest.param("'n=a,\"b,c\"'", ["a", "b,c"], id="row 33: a comma within quotes"),
]


@pytest.mark.parametrize(("written", "values"), VALUES)
def test_rows_32_33_34_one_run_for_each_value(flow: MakeFlow, written: str, values: list[object]) -> None:
    ended = flow(command(f"train --grid {written}")).run()
    assert [run["params"] for run in ended.of("train")] == [{"n": value} for value in values]


def test_row_32_one_value_of_a_parameter_is_no_grid(flow: MakeFlow) -> None:
    ended = flow(command("train --param 'n=[3, 5, 12]'")).run()
    assert ended.states == {"train": "succeeded"}
    assert ended.runs["train"]["params"] == {"n": [3, 5, 12]}


SEEDS = [
    pytest.param(
        (command("a --grid x=1,2,3"), command("b --after a --grid y=4,5,6", "a")),
        (12, 9),
        "b",
        all_of("x=1,2,3", "y=4,5,6"),
        id="rows 34 35 36: 3 * 3 = 9",
    ),
    pytest.param(
        (
            command("a --grid x=1,2"),
            command("b --grid y=1,2,3"),
            command("c --after a b --grid z=1,2,3,4,5", "a", "b"),
        ),
        (35, 30),
        "c",
        all_of("x=1,2", "y=1,2,3", "z=1,2,3,4,5"),
        id="rows 35 37: 2 * 3 * 5 = 30",
    ),
    pytest.param(
        (
            command("a --grid x=1,2"),
            command("l --after a", "a"),
            command("r --after a", "a"),
            command("c --after l r", "l", "r"),
        ),
        (8, 2),
        "c",
        ["X=1 X=1", "X=2 X=2"],  # of each branch the same run of a
        id="rows 37 39: a diamond of 2",
    ),
    pytest.param(
        (command("a"), command("b"), command("c --after a b", "a", "b")),
        (3, 1),
        "c",
        [""],
        id="row 39: one route without a grid",
    ),
]


@pytest.mark.parametrize(("cells", "counts", "title", "seen"), SEEDS)
def test_rows_34_to_39_seed_counts(
    flow: MakeFlow, cells: tuple[str, ...], counts: tuple[int, int], title: str, seen: list[str]
) -> None:
    """As planned and as run; each run sees the files of its own route."""
    made = flow(*cells)
    planned = made.plan()
    ended = made.run()
    assert (planned["node_run_count"], planned["route_count"]) == counts
    assert len(ended.runs) == counts[0]
    assert [" ".join(one.split()) for one in routes(ended, title)] == seen


SINGLE = "env > env.txt\nif [ -e /input ]; then find /input -mindepth 1 > input.txt; else : > input.txt; fi"


@pytest.mark.parametrize(
    ("grid", "count"), [("", 6), (" --grid z=1,2,3,4,5", 10)], ids=["rows 41 43: 2 + 3 + 1", "rows 41 43: 2 + 3 + 5"]
)
def test_rows_41_42_43_a_single_node_runs_once_per_own_permutation_without_files(
    flow: MakeFlow, grid: str, count: int
) -> None:
    """Row 135: as routes and as node runs; it starts after all runs of its parents."""
    made = flow(
        command("a --grid x=1,2"),
        command("b --grid y=1,2,3"),
        f"%%pipeline_command c --after a b --single{grid}\n{SINGLE}",
    )
    planned = made.plan()
    assert (planned["node_run_count"], planned["route_count"]) == (count, count)
    ended = made.run()
    assert len(ended.runs) == count
    for run in ended.of("c"):
        assert ended.text(run["id"], "input.txt") == ""
        seen = ended.environment(run["id"])
        assert not [name for name in seen if name.startswith(("INPUT_", "CNVRG_A_", "CNVRG_B_"))]


def test_row_41_a_single_node_refuses_conditions_and_references_to_parents_with_several_runs(flow: MakeFlow) -> None:
    parent = "%%pipeline_command a --grid x=1,2\necho cnvrg_tag_t: 1"
    said = flow(parent, "%%pipeline_command c --after a --single --when gt:t:0\n:").refused()
    assert "E-SINGLE" in said
    said = flow(parent, '%%pipeline_command c --after a --single --param "p={{ a.t }}"\n:').refused()
    assert "E-REF-MANY" in said
    assert "cell 3" in said


# routes that come while the flow runs


def choosing(tag: str) -> str:
    return f"%%pipeline_command choose\necho 'cnvrg_tag_route: {tag}'"


NEXT = '%%pipeline_command next --after choose --param "r={{ choose.route | hyper }}"\n' + carry()
AFTER = command("after --after next --grid y=1,2", "next")
HYPER = [
    pytest.param("1,2,3", [1, 2, 3], id="row 40: three"),
    pytest.param("7", [7], id="P-8: one item"),
    pytest.param("a,a", ["a", "a"], id="P-8: duplicates are kept"),
    pytest.param('"x,y", z', ["x,y", "z"], id="P-8: commas in quotes"),
]


@pytest.mark.parametrize(("tag", "values"), HYPER)
def test_rows_38_40_one_run_for_each_value_in_a_tag(flow: MakeFlow, tag: str, values: list[object]) -> None:
    """Planning says that only the run tells how many; what comes after is multiplied by its own grid."""
    made = flow(choosing(tag), NEXT, AFTER)
    planned = made.plan()
    assert (planned["node_run_count"], planned["unknown"]) == (1, ["next", "after"])
    assert [(step["node"], step["state"]) for step in planned["steps"]] == [
        ("choose", "run"),
        ("next", "wait"),
        ("after", "wait"),
    ]
    ended = made.run()
    assert [run["params"]["r"] for run in ended.of("next")] == values
    assert len(ended.of("after")) == 2 * len(values)


@pytest.mark.parametrize("tag", ["", " , "], ids=["empty", "commas alone"])
def test_P8_an_empty_tag_gives_no_run_and_is_told(flow: MakeFlow, tag: str) -> None:
    """The node is skipped, what comes after it too, and the flow succeeds."""
    made = flow(choosing(tag), NEXT, AFTER)
    ended = made.run()
    assert ended.states == {"choose": "succeeded", "next": "skipped", "after": "skipped"}
    assert "there is no value for r: the tag is empty" in ended.runs["next"]["reason"]
    assert '"next" was skipped' in ended.runs["after"]["reason"]


MANY = "%%pipeline_node choose\nimport dagbook\ndagbook.log_tag('route', list(range({})))"


def test_P8_more_values_than_are_allowed_fail_the_node_before_any_of_it_runs(flow: MakeFlow) -> None:
    made = flow(MANY.format(100_000), NEXT, AFTER)
    ended = made.run(code=1)
    assert ended.states == {
        "choose": "succeeded",
        "next#1": "failed",
        "after#1.1": "upstream_failed",
        "after#1.2": "upstream_failed",
    }
    failed = ended.runs["next#1"]
    assert failed["attempts"] == 0
    assert "10,000" in failed["reason"]
    assert "E-GRID-SIZE" in failed["reason"]
    assert not list(made.store.glob("runs/*/next*"))


def test_row_38_a_slow_route_keeps_only_its_own_children_waiting(make_notebook: MakeNotebook, started: Started) -> None:
    """The run of x=2 waits for a word from outside; what follows from x=1 and x=3 is done meanwhile."""
    slow = "if [ $CNVRG_TAG_X = 2 ]; then mkfifo gate; read word < gate; rm gate; fi"
    notebook = make_notebook(
        f"%%pipeline_command a --grid x=1,2,3\n{slow}\necho $CNVRG_TAG_X > x.txt",
        "%%pipeline_command b --after a\ncp /input/a/x.txt .",
        "%%pipeline_command c --after b\n:",
    )
    child = started("run", notebook, *EXECUTORS["process"], "--jobs", "2")
    seen = ""
    while not all(f"✓ c [x={x}] succeeded" in seen for x in (1, 3)):
        seen += read_until(child, "✓ c [x=")
    assert "b [x=2]" not in seen
    [gate] = (notebook.parent / ".dagbook" / "runs").glob("*/a.2/1/output/gate")
    gate.write_text("go\n")
    read_until(child, "▶ b [x=2] running")
    assert child.wait(60) == 0


def test_row_39_a_node_waits_for_all_of_its_parents(flow: MakeFlow) -> None:
    """The slower parent waits until the other is done; the node reads what both left."""
    ended = flow(
        "%%pipeline_command quick\necho 1 > n.txt",
        "%%pipeline_command longer --after quick\necho 2 > n.txt",
        "%%pipeline_command both --after quick longer\ncat /input/*/n.txt > all.txt",
    ).run()
    assert ended.lines("both", "all.txt") == ["2", "1"]


# gather

SCORED = "echo cnvrg_tag_score: ${CNVRG_TAG_LR}0\necho $CNVRG_TAG_LR > m.txt"


def test_rows_35_39_a_gathering_node_gets_all_runs_at_once(flow: MakeFlow) -> None:
    """Listed in runs.json with parameters, tags and folder; its routes are closed."""
    made = flow(
        f"%%pipeline_command train --grid lr=1,2,3\n{SCORED}",
        "%%pipeline_command best --gather train\ncat /input/train/*/m.txt > all.txt\ncp /input/train/runs.json .",
        "%%pipeline_command after --after best\n:",
    )
    ended = made.run()
    assert list(ended.runs) == ["train#1", "train#2", "train#3", "best", "after"]
    assert ended.lines("best", "all.txt") == ["1", "2", "3"]
    listed = json.loads(ended.text("best", "runs.json"))
    assert [(one["folder"], one["id"], one["params"], one["tags"]["score"]) for one in listed] == [
        (str(n), f"train#{n}", {"lr": n}, 10 * n) for n in (1, 2, 3)
    ]


def test_row_35_gathering_one_parent_keeps_the_routes_of_another(flow: MakeFlow) -> None:
    """Per run of the ungathered parent; only runs of its own route are gathered."""
    ended = flow(
        command("data --grid d=1,2"),
        command("train --after data --grid lr=1,2,3", "data"),
        "%%pipeline_command best --after data train --gather train\n"
        "cat /input/data/route.txt /input/train/*/route.txt > all.txt",
    ).run()
    assert list(ended.states)[-2:] == ["best#1", "best#2"]
    assert ended.lines("best#2", "all.txt") == ["D=2", "D=2", "LR=1", "D=2", "LR=2", "D=2", "LR=3"]


# too many

HUGE = command("train " + " ".join(f"--grid p{n}=0,1,2,3,4,5,6,7,8,9" for n in range(6)))


@pytest.mark.parametrize("verb", ["run", "plan"])
def test_P6_a_million_node_runs_are_refused_and_nothing_is_stored(flow: MakeFlow, verb: str) -> None:
    made = flow(HUGE)
    said = made.say(verb, made.file, *EXECUTORS["process"])
    assert said.code == 2
    assert "E-GRID-SIZE: 1,000,000 node runs are planned and 10,000 are allowed" in said.err
    assert '"train" 1,000,000 times' in said.err
    assert "--max-runs 1000000" in said.err
    assert not made.store.exists()


def test_P6_the_limit_is_what_max_runs_says(flow: MakeFlow) -> None:
    made: Flow = flow(command("train --grid x=1,2,3"))
    assert "E-GRID-SIZE" in made.refused("--max-runs", "2")
    assert len(made.run("--max-runs", "3").runs) == 3


@pytest.mark.container
def test_rows_35_40_41_routes_in_containers(flow: MakeFlow) -> None:
    """A join, values in a tag, a single node and a gathering one, each in a container of its own."""
    single = f"%%pipeline_command alone --after a next --single\n{SINGLE}"
    gathers = "%%pipeline_command all --gather next\ncat /input/next/*/route.txt > all.txt"
    cells = (
        command("a --grid x=1,2"),
        choosing("8,9"),
        NEXT,
        command("c --after a next", "a", "next"),
        single,
        gathers,
    )
    ended = flow(*cells).run(executor="docker")
    assert routes(ended, "c") == all_of("x=1,2", "r=8,9")
    assert ended.text("alone", "input.txt") == ""
    assert ended.lines("all", "all.txt") == ["R=8", "R=9"]
