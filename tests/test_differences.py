"""What differs between runs, with snapshots and artifacts in a real store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.comparison import Told
from dagbook.runner.comparison_text import MOST_DIFF_LINES, lines
from dagbook.runner.core.lifecycle import Changed, Created, Fact, RunState, State, so_far
from dagbook.runner.core.values import Value
from dagbook.runner.differences import SHARED, Differences, differences
from dagbook.runner.records.artifacts import publish, remove_tree
from dagbook.runner.records.code import snapshot
from dagbook.runner.records.held_files import Files
from dagbook.runner.records.store import RunRow, Store

ON_ONE = {"reference": "python:3.12", "digest": "sha256:" + "1" * 64}
ON_TWO = {"reference": "python:3.12", "digest": "sha256:" + "2" * 64}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def node(title: str, source: str = "1", **options: Any) -> dict[str, Any]:
    return {"title": title, "source": source, "cell": 1, "cell_id": title, "grid": {}, **options}


def told(run: str, *nodes: Mapping[str, Any], facts: tuple[Fact, ...] = (), shared: str = "", **record: Any) -> Told:
    """A run with this record; `parameters` are the pipeline's."""
    pipeline = {"nodes": list(nodes), "shared": [shared] if shared else [], "parameters": record.pop("parameters", {})}
    row = RunRow(run, "demo", RunState.SUCCEEDED, "", 0.0, 10.0, {}, {"pipeline": pipeline, **record})
    return Told(row, so_far(facts))


def left(
    store: Store,
    id: str,
    files: Mapping[str, str],
    route: Mapping[str, Mapping[str, Value]] | None = None,
    parents: Mapping[str, str] | None = None,
) -> tuple[Fact, ...]:
    """The facts of a node run that published these files."""
    output = store.folder / "output"
    output.mkdir()
    for name, content in files.items():
        (output / name).write_text(content)
    digest = publish(output, store.artifacts).digest
    title = id.partition("#")[0]
    states = (State.QUEUED, State.STARTING, State.RUNNING)
    changes = [Changed(id, state, 1) for state in states]
    created = Created(id, title, (), {}, route or {}, parents or {})
    return (created, *changes, Changed(id, State.SUCCEEDED, 1, detail={"artifact": digest}))


def text(found: Differences) -> str:
    return "\n".join(line.text for line in lines(found))


def test_runs_of_the_same_say_that_nothing_differs(store: Store) -> None:
    """The place of a cell in the notebook is no difference."""
    first = told("aaaa", node("a"), facts=left(store, "a", {"f": "1"}), dagbook="1", parameters={"x": {"float": "nan"}})
    again = told(
        "bbbb", node("a", cell=7, cell_id="z"), facts=left(store, "a", {"f": "1"}), dagbook="1",
        parameters={"x": {"float": "nan"}},
    )  # fmt: skip
    found = differences(store, [first, again])
    assert not found
    assert "Nothing differs" in text(found)


def test_row_67_parameters_and_options_of_nodes_that_differ_are_told(store: Store) -> None:
    first = told("aaaa", node("a", grid={"lr": [1]}, image="x"), node("old"), parameters={"n": 1, "same": 2})
    second = told("bbbb", node("a", grid={"lr": [1, 2]}, image="x"), parameters={"n": 5, "same": 2, "new": "t"})
    found = differences(store, [first, second])
    assert found.parameters == {"n": (1, 5), "new": (None, "t")}
    assert found.nodes == {"a": {"grid": ({"lr": [1]}, {"lr": [1, 2]})}, "old": {"defined": (True, False)}}
    assert "n    1 → 5" in text(found)
    assert "new  – → t" in text(found)


def test_row_67_code_that_differs_is_told_as_a_diff_of_a_readable_length(store: Store) -> None:
    long = "\n".join(f"line {number}" for number in range(100))
    first = told("aaaa", node("a", "x = 1\ny = 2"), node("b"), node("c", "1"), shared="import math")
    second = told("bbbb", node("a", "x = 1\ny = 3"), node("b"), node("c", long), shared="import re")
    found = differences(store, [first, second])
    assert list(found.code) == [SHARED, "a", "c"]
    assert found.code["a"][0] == ()
    assert [line for line in found.code["a"][1] if line[:1] in "+-"] == ["--- aaaa", "+++ bbbb", "-y = 2", "+y = 3"]
    whole = len(found.code["c"][1])
    assert f"… {whole - MOST_DIFF_LINES} more lines" in text(found)
    assert "line 20" in text(found)
    assert "line 60" not in text(found)


def test_code_is_held_to_the_first_run_that_has_the_node(store: Store) -> None:
    runs = [told("aaaa", node("z")), told("bbbb", node("a", "x")), told("cccc", node("a", "y")), told("dddd")]
    found = differences(store, runs).code["a"]
    assert [bool(diff) for diff in found] == [False, False, True, False]
    assert found[2][0] == "--- bbbb"


def test_row_67_images_git_and_version_that_differ_are_told(store: Store) -> None:
    first = told("aaaa", node("a"), images={"a": ON_ONE}, git={"commit": "c" * 40, "dirty": False}, dagbook="1.0")
    second = told("bbbb", node("a"), images={"a": ON_TWO}, git={"commit": "d" * 40, "dirty": True}, dagbook="1.1")
    third = told("cccc", node("a"), images={"a": ON_ONE}, git=None, dagbook="1.0")
    found = differences(store, [first, second, third])
    assert found.images == {"a": (ON_ONE, ON_TWO, ON_ONE)}
    assert "a  python:3.12 (111111111111) → python:3.12 (222222222222) → python:3.12 (111111111111)" in text(found)
    assert f"git commit  {'c' * 12} → {'d' * 12} with changes → –" in text(found)
    assert "dagbook     1.0 → 1.1 → 1.0" in text(found)


def test_row_67_project_files_that_differ_are_named(store: Store, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    for name in ("same.py", "changed.py", "gone.py", "tool.sh"):
        (project / name).write_text("one")
    first = snapshot(project, store.code).digest
    (project / "changed.py").write_text("two")
    (project / "gone.py").unlink()
    (project / "new.py").write_text("three")
    (project / "tool.sh").chmod(0o755)
    second = snapshot(project, store.code).digest
    found = differences(store, [told("aaaa", node("a"), code=first), told("bbbb", node("a"), code=second)])
    assert found.project == (first, second)
    assert found.project_files[1] == Files(("new.py",), ("gone.py",), ("changed.py", "tool.sh"))
    assert "changed: changed.py, tool.sh" in text(found)
    remove_tree(store.code / second)
    lost = differences(store, [told("aaaa", node("a"), code=first), told("bbbb", node("a"), code=second)])
    assert lost.project_files[1] is None
    assert "its files are not in the store any more" in text(lost)


def test_row_67_artifacts_are_matched_by_route_and_their_files_compared(store: Store) -> None:
    """The second run's grid has its values the other way round, so that places in it mean other routes."""
    slow, fast = ({"train": {"lr": lr}} for lr in (0.1, 1.0))
    first = (*left(store, "train#1", {"m": "slow", "log": "1"}, slow), *left(store, "train#2", {"m": "fast"}, fast))
    second = (*left(store, "train#1", {"m": "fast"}, fast), *left(store, "train#2", {"m": "other", "x": ""}, slow))
    (found,) = differences(store, [told("aaaa", facts=first), told("bbbb", facts=second)]).artifacts
    assert (found.node, found.route, found.ids) == ("train", "lr=0.1", ("train#1", "train#2"))
    assert found.files[1] == Files(("x",), ("log",), ("m",))


def test_of_chosen_nodes_only_they_and_their_inputs_are_told(store: Store) -> None:
    def run(id: str, content: str) -> Told:
        facts = (
            *left(store, "data", {"d": content}),
            *left(store, "other", {"o": content}),
            *left(store, "fit", {"m": content}, parents={"data": "data"}),
        )
        nodes = [node(title, content) for title in ("data", "other", "fit")]
        return told(id, *nodes, facts=facts, parameters={"x": content})

    found = differences(store, [run("aaaa", "1"), run("bbbb", "2")], frozenset({"fit"}))
    assert [one.node for one in found.artifacts] == ["data", "fit"]
    assert list(found.code) == ["fit"]


def test_a_damaged_manifest_is_told_as_files_that_are_gone(store: Store) -> None:
    first, second = left(store, "a", {"f": "1"}), left(store, "a", {"f": "2"})
    for manifest in store.artifacts.rglob("*.json"):
        manifest.write_text("[{}]")
    found = differences(store, [told("aaaa", facts=first), told("bbbb", facts=second)])
    assert found.artifacts[0].files == (None, None)
    assert "not in the store any more" in text(found)
