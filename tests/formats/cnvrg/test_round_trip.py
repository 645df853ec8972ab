"""A cnvrg file that was read and written is the same pipeline; and no file at all makes the reader fail."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagbook.runner.core.dialect import Argument, Dialect, Serving, Setup
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Kind, Node, Pipeline
from dagbook.runner.formats.cnvrg import read_cnvrg, write_cnvrg
from dagbook.runner.formats.documents import documents_of
from dagbook.runner.formats.imported import Ledger
from dagbook.runner.formats.native import native_pipeline, write_native

from .reading import BLUEPRINT, FLOW, NOW, flow, read, sound, task, write

FILES = {
    "flow": FLOW,
    "blueprint": BLUEPRINT,
    "branch": flow(task("a", "git_branch: weekly"), task("b", "git_branch: master"), task("c", "git_branch: deadbeef")),
    "commit": flow(task("a", "git_commit: deadbeef"), task("b", "git_commit: v1.4", "git_branch: deadbeef")),
    "unknown keys": flow(task("a", "shape: {sides: [3, 4.5, null]}", "note: 'no'"), top=("colour: 012", "off: yes")),
    "no places": flow(task("a", "top: 1.5", "left: -2"), task("b", "top: '3'")),
    "replicas": flow("- {title: d, type: deploy, endpoint_id: e, computes: [m], file_name: f, function_name: g,"
                     " min_replica: 0, max_replica: 0, env_setup: r_endpoint, requirements: {cpu: 1}, command: x}"),
    "both endpoints": FLOW.replace("endpoint_title", "endpoint_id: old\n  endpoint_title"),
    "folders": flow(task("a", "mount_folders: ['10.0.0.7:/data']", "prerun: false", "restart_if_stuck: false")),
    "recurring": flow(task("a"), top=('recurring: "30 * * * *"',)),
    "lists as values": flow(task("a", "params: [{key: k, value: [[1, 2]]}, {key: l, value: [[], [3]]}]")),
    "the words of another YAML": flow(task("no", "params: [{key: on, value: [yes, 1:30, 2031-01-31, '1_0', ~, '~']}]")),
    "the type of a parameter": BLUEPRINT.replace("type: discrete", "type: float"),
    "braces": flow(task("t"), task("u", "params: [{key: k, value: ['{{ t.a }}', '{ { t.b } }']}]"),
                   relations=(("t", "u"),)),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_what_was_read_and_written_is_read_as_the_same(name: str) -> None:
    before = sound(FILES[name])
    assert sound(write(before)) == before


@pytest.mark.parametrize("name", FILES)
def test_what_was_written_twice_is_the_same_text_and_names_the_same_things(name: str) -> None:
    text = write(sound(FILES[name]))
    assert write(sound(text)) == text
    (_, first), (_, second) = read(FILES[name]), read(text)
    first_codes, second_codes = ([one.problem.code for one in records] for records in (first, second))
    assert all(second_codes.count(code) <= first_codes.count(code) for code in second_codes)


def test_writing_an_imported_file_leaves_nothing_out() -> None:
    for text in (FLOW, BLUEPRINT):
        ledger = Ledger("f")
        write_cnvrg([sound(text)], ledger)
        assert ledger.records == []


@pytest.mark.parametrize("name", FILES)
def test_dagbooks_own_format_keeps_all_of_it(name: str) -> None:
    before = sound(FILES[name])
    assert native_pipeline(write_native([before]), "f") == before


def test_the_dialect_stays() -> None:
    assert write(sound(FLOW)).startswith("flow: Weekly demand\n")
    text = write(sound(BLUEPRINT))
    assert text.startswith("title: Sort the Mail\n")
    assert "command: python3 fetch.py" in text
    assert "input:" not in text


def test_row_9_a_branch_that_is_called_like_a_commit_stays_a_branch() -> None:
    lines = [line.strip() for line in write(sound(FILES["branch"])).splitlines()]
    branches = ["git_branch: weekly", "git_branch: master", "git_branch: deadbeef"]
    assert [line for line in lines if "git_" in line] == branches


def test_several_documents_stay_several() -> None:
    found, _ = read(f"{FLOW}---\n{BLUEPRINT}")
    pipelines = [pipeline for pipeline, _ in found]
    assert len(pipelines) == 2
    again, _ = read(write_cnvrg(pipelines, Ledger("f")))
    assert [pipeline for pipeline, _ in again] == pipelines


CHANGES: list[tuple[str, dict[str, Any], str]] = [
    ("Trees", {"params": {"seed": 8}, "grid": {}}, "value: 8"),
    ("Trees", {"title": "Wood"}, "title: Wood"),
    ("Trees", {"source": "python3 wood.py"}, "input: python3 wood.py"),
    ("Trees", {"single": True}, "single_mode: true"),
    ("Trees", {"git": ".@main"}, "git_branch: main"),
    ("Trees", {"git": ".@abcdef0"}, "git_commit: abcdef0"),
    ("Trees", {"retries": 1}, "restart_if_stuck: true"),
    ("Trees", {"setup": Setup(output="wood")}, "output_dir: wood"),
    ("Trees", {"top": 77}, "top: 77"),
    ("Clean the Data", {"git": ".@1234567"}, "git_commit: '1234567'"),
    ("Choose", {"approve": ("mia",)}, "value: mia"),
    ("Choose", {"when": (Condition(objective=Objective.EQ, tag="t", target="x"),)}, "objective: eq"),
    ("Sales", {"dataset": "sales@0000"}, "data_commit: '0000'"),
    ("Serve", {"serving": Serving(updates="other", file="f", function="g")}, "endpoint_id: other"),
]


@pytest.mark.parametrize(("title", "update", "line"), CHANGES)
def test_a_changed_node_changes_the_file(title: str, update: dict[str, Any], line: str) -> None:
    before = sound(FLOW)
    renamed = {title: update.get("title", title)}
    nodes = [
        node.model_copy(
            update={
                **(update if node.title == title else {}),
                "after": tuple(renamed.get(one, one) for one in node.after),
                **({"when": ()} if node.title == "Choose" and "title" in update else {}),
            }
        )
        for node in before.nodes
    ]
    changed = before.model_copy(update={"nodes": tuple(nodes)})
    text = write(changed)
    assert text.count(line) == write(before).count(line) + 1


TEXTS = st.one_of(
    st.text(max_size=12).filter(lambda text: "\0" not in text and text.isprintable()),
    st.sampled_from(
        ["no", "1:30", "012", "1e3", ".5e3", "5.", "1_000", "0o17", "+.inf", "=", "<<", "- a", "a: b", "#c"]
    ),
    st.sampled_from(
        ["two\nlines\n", " led", "trailed ", "{{ a.b }}", "!x", "&a", "*b", "?", "null", "~", "2031-01-31"]
    ),
)
SCALARS = st.one_of(st.booleans(), st.integers(), st.floats(allow_nan=False), TEXTS.filter(bool))
PARAMS = st.dictionaries(st.from_regex(r"[a-z][a-z0-9-]{0,6}", fullmatch=True), SCALARS | st.none(), max_size=3)
GRIDS = st.dictionaries(
    st.from_regex(r"[A-Z][a-z_]{0,6}", fullmatch=True), st.lists(SCALARS, min_size=2, max_size=4), max_size=2
)
CONDITIONS = st.builds(
    lambda objective, tag, target: Condition(
        objective=objective, tag=tag, target=None if objective in (Objective.MAX, Objective.MIN) else target
    ),
    st.sampled_from([Objective.GT, Objective.LT, Objective.MAX, Objective.MIN]),
    st.from_regex(r"[a-z][a-z ]{0,5}[a-z]", fullmatch=True),
    st.integers() | st.floats(allow_nan=False, allow_infinity=False),
)


@st.composite
def nodes(draw: st.DrawFn, number: int) -> Node:
    params, grid = draw(PARAMS), draw(GRIDS)
    return Node(
        title=f"Task {number}",
        kind=Kind.COMMAND,
        dialect=Dialect.CNVRG,
        source=draw(TEXTS.filter(lambda text: bool(text.strip()))),
        after=tuple(f"Task {one}" for one in range(number) if draw(st.booleans())),
        params=params,
        grid=grid,
        arguments=tuple(Argument(name=name) for name in draw(st.permutations([*params, *grid]))),
        compute=tuple(draw(st.lists(st.sampled_from(["small", "no", "12"]), max_size=2, unique=True))) or None,
        image=draw(st.sampled_from([None, "python:3.12", "3.10"])),
        git=draw(st.sampled_from([None, ".@main", ".@1234567", ".@no"])),
        retries=draw(st.sampled_from([None, 0, 1])),
        single=draw(st.booleans()),
        when=tuple(draw(st.lists(CONDITIONS, max_size=2, unique=True))) if number else (),
        approve=tuple(draw(st.lists(st.sampled_from(["ines", "no", "7"]), max_size=2, unique=True))),
        setup=draw(
            st.builds(Setup, requirements=st.booleans(), prerun=st.booleans(), output=st.none() | st.just("on"))
        ),
        top=draw(st.none() | st.integers(0, 100)),
    )


@st.composite
def pipelines(draw: st.DrawFn) -> Pipeline:
    many = draw(st.integers(1, 3))
    return Pipeline(
        name=draw(st.sampled_from(["F", "no", "12", "a: b"])), nodes=tuple(draw(nodes(n)) for n in range(many))
    )


@given(pipelines())
@settings(max_examples=40)
def test_any_pipeline_of_cnvrgs_tasks_is_read_as_it_was_written(pipeline: Pipeline) -> None:
    assert sound(write(pipeline)) == pipeline


ODD: list[Any] = [
    None,
    True,
    "",
    "text",
    0,
    -1,
    1.5,
    [],
    {},
    [None],
    [[]],
    {"a": 1},
    [{"key": None}],
    "{{ a.b",
    "\0",
    "x" * 3000,
    10**50,
]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(one for key, part in inner for one in _paths(part, (*path, key)))]


def _mutated(document: Any, chance: random.Random) -> Any:
    """The document with one to three values taken out, exchanged or put under another key."""
    document = json.loads(json.dumps(document))
    for _ in range(chance.randint(1, 3)):
        path = chance.choice([one for one in _paths(document) if one] or [()])
        here = document
        for step in path[:-1]:
            here = here[step]
        what = chance.random()
        if not path:
            return chance.choice(ODD)
        if what < 0.3:
            del here[path[-1]]
        elif what < 0.4 and isinstance(here, dict):
            here[chance.choice(["titel", "params", "conditions", "type", "from", "x"])] = here.pop(path[-1])
        else:
            here[path[-1]] = json.loads(json.dumps(chance.choice(ODD)))
    return document


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("text", [FLOW, BLUEPRINT], ids=["flow", "blueprint"])
def test_no_change_of_a_file_makes_the_reader_fail(text: str, seed: int) -> None:
    chance = random.Random(seed)
    document = json.loads(json.dumps(documents_of(text, "f")[0].plain()))
    for _ in range(12):
        changed = json.dumps(_mutated(document, chance))
        ledger = Ledger("f")
        try:
            documents = documents_of(changed, "f")
        except PipelineError:
            continue
        found = read_cnvrg(documents, ledger, csv_grid=chance.random() < 0.5, now=NOW)
        assert all(one.problem.place.line for one in ledger.records)
        if ledger.failed:
            continue
        ((pipeline, counts),) = found
        assert counts.nodes == len(pipeline.nodes)
        assert sound(write(pipeline)) == pipeline, changed
