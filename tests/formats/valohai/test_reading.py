"""Reading a valohai.yaml: what each thing becomes, and what is told of it."""

from __future__ import annotations

from typing import Any

import pytest

from dagbook.runner.core.arguments import command_of
from dagbook.runner.core.dialect import EdgeMerge, Keep, Moment, OnChildError, Reaction, SearchKind
from dagbook.runner.core.edge import Port
from dagbook.runner.core.model import Node, OnError
from dagbook.runner.core.search import executions_of
from tests.formats.valohai.files import kitchen, node, read, sound, told


def the(title: str) -> Node:
    """A node of the kitchen's first pipeline."""
    return sound(kitchen())[0].node(title)


def test_row_106_steps_and_tasks_that_no_pipeline_uses_stand_alone() -> None:
    """Each is a pipeline of one node, so that it can be run; pipelines come first, and are told from them."""
    found = [(one.name, one.origin.get("alone")) for one in sound(kitchen())]
    assert found == [
        ("daily bread", None),
        ("quick", None),
        ("sweep up", "step"),
        ("guesses", "task"),
        ("pairs", "task"),
    ]


def test_row_76_nodes_and_edges_are_counted_as_the_file_has_them() -> None:
    """What stands alone does not disturb the counts."""
    counts = [counts for _, counts in read(kitchen())[0]]
    assert [(one.nodes, one.edges) for one in counts] == [(7, 11), (1, 0), (1, 0), (1, 0), (1, 0)]
    assert counts[0].kinds["output -> input"] == 5


def test_commands_of_a_list_stay_apart() -> None:
    """And are joined when they are run."""
    script = command_of(the("collect"), the("collect").params)
    assert script.startswith("pip install -r requirements.txt && set -e\npython gather.py --amount=12")


def test_row_97_defaults_are_typed_and_flags_wait_to_be_given() -> None:
    """A number where a text is due stays as it was written; a flag's own default is kept for the way back only."""
    assert the("collect").params == {"amount": 12, "kinds": ["soup", "bread"], "rate": 0.5, "code": "012"}
    assert "--loud" not in command_of(the("collect"), the("collect").params)
    assert command_of(the("first"), the("first").params) == "python bake.py  --name='first loaf'"


def test_inputs_become_slots() -> None:
    """With their files, and what is kept of folders."""
    recipes, extras = the("collect").slots
    assert (recipes.keep_directories, len(recipes.default)) == (Keep.SUFFIX, 2)
    assert (extras.optional, extras.filename) == (True, "extras.txt")
    assert [
        str(node(inputs=f"[{{name: i, keep-directories: {word}}}]").slots[0].keep_directories)
        for word in ("true", "false", "FULL")
    ] == ["full", "none", "full"]


def test_row_86_resources_limits_and_conditions_are_taken_over() -> None:
    """The most counts, and where there is none the least; megabytes become bytes."""
    collect = the("collect")
    assert (collect.cpus, collect.memory, collect.gpus) == (2.5, 512 * 2**20, 1)
    assert (collect.timeout, collect.silence, collect.stop) == (5400, 300, "doneness >= 0.9")
    assert collect.retries == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [("90", 90), ("1h 30m 5s", 5405), ("2 days", 172_800), ("1.5h", 5400), ("1w", 604_800), ("0", None), ("''", None)],
)
def test_row_94_time_limits_have_units_and_0_is_none(said: str, seconds: float | None) -> None:
    """Written as one number or several."""
    assert node(time_limit=said).timeout == seconds


def test_variables_with_a_value_are_set() -> None:
    """One that must be given and has none is told."""
    assert the("collect").env == {"TASTE": "salty"}
    assert "wants the environment variable SEASON" in told(kitchen())


def test_row_84_an_override_is_put_over_the_step() -> None:
    """A default that it does not repeat is gone; the type, and how it is passed, stay the step's."""
    first = the("first")
    assert first.image == "python:3.13-slim"
    assert first.params == {"name": "first loaf", "fan": True}
    assert [str(one.type) for one in first.arguments] == ["integer", "string", "flag", "float"]
    assert [(slot.name, slot.default, slot.optional) for slot in first.slots] == [
        ("dough", (), False),
        ("spices", (), True),
    ]
    assert the("second").params == {"heat": 180, "name": "loaf"}


def test_failures_retries_and_merging_are_taken_over() -> None:
    """Without a word everything stops."""
    assert [the(title).on_error for title in ("first", "second", "judge")] == [
        OnError.STOP_ALL,
        OnError.CONTINUE,
        OnError.STOP_NEXT,
    ]
    assert (the("first").edge_merge, the("second").edge_merge) == (EdgeMerge.APPEND, None)


def test_actions_are_taken_over_when_their_words_are_known() -> None:
    """An approval among them."""
    (stop,) = the("collect").actions
    assert (stop.when, stop.test, stop.then) == ((Moment.COMPLETE,), ("metadata.count < 3",), (Reaction.STOP,))
    assert the("many").actions[0].then == (Reaction.APPROVAL,)
    assert "ring-the-bell) has no effect here" in told(kitchen())


def test_a_task_is_a_search() -> None:
    """Its words in any case, its values typed, both ends counted."""
    search = the("many").search
    assert search is not None
    assert (search.kind, search.at_once) == (SearchKind.GRID, 2)
    assert search.on_child_error is OnChildError.CONTINUE_AND_COMPLETE
    assert len(executions_of(search, {})) == 9
    judge = the("judge").search
    assert judge is not None
    assert executions_of(judge, {"a": 1}) == [{"a": 1}]


def test_other_searches_are_kept_or_drawn() -> None:
    """Sets as they are; a Bayesian one is told."""
    pipelines = {one.name: one.nodes[0].search for one in sound(kitchen())}
    guesses, pairs = pipelines["guesses"], pipelines["pairs"]
    assert guesses is not None
    assert pairs is not None
    assert (guesses.count, guesses.target_metric, guesses.target_value) == (6, "crust", 0.8)
    assert executions_of(pairs, {}) == [{"heat": 150, "name": "flat"}, {"heat": 210, "name": "round"}]
    assert "here they are drawn at random" in told(kitchen())


def test_rows_78_to_81_edges_of_each_kind() -> None:
    """From outputs, inputs, parameters and metadata; to inputs, parameters and a deployment's files; and order."""
    edges = {(one.source, one.target, one.source_port, one.target_port): one for one in sound(kitchen())[0].edges}
    assert edges["collect", "first", Port.INPUT, Port.INPUT].source_key == "recipes*"
    assert edges["first", "second", Port.PARAMETER, Port.PARAMETER].target_key == "heat"
    assert edges["collect", "second", Port.METADATA, Port.PARAMETER].source_key == "names"
    assert edges["first", "serve", Port.OUTPUT, Port.FILE].target_key == "oven-door.model"
    assert edges["many", "judge", Port.OUTPUT, Port.INPUT].source_key == "dir/*.txt"
    assert edges["judge", "elsewhere", Port.DEPENDENCY, Port.DEPENDENCY].target_key == "done"
    assert edges["collect", "first", Port.INPUT, Port.INPUT].optional


def test_row_y19_plurals_are_read_and_told() -> None:
    """`outputs` means output."""
    assert "an edge says outputs, and the type is called output" in told(kitchen())
    many = [one for one in sound(kitchen())[0].edges if one.target == "many"]
    assert many[0].source_port is Port.OUTPUT


def test_parameters_of_the_pipeline_are_given_to_nodes() -> None:
    """One without a default has that of what it gives."""
    pipeline = sound(kitchen())[0]
    assert pipeline.parameters == {"heat everywhere": 190, "how-many": 12}
    assert pipeline.targets == {
        "heat everywhere": (("first", "heat"), ("many", "heat")),
        "how-many": (("collect", "amount"),),
    }
    assert pipeline.parameters_of(pipeline.node("many"))["heat"] == 190


def test_a_step_of_another_commit_is_kept_and_cannot_run() -> None:
    """The rest can."""
    assert "commit 1f2e3d4c" in the("elsewhere").unresolved[0]
    assert the("elsewhere").slots[0].name == "herbs"
    assert not the("second").unresolved


def test_what_has_no_effect_is_told_once_for_each_step() -> None:
    """All keys in one note; what a folder of the machine would be is another."""
    found = [line for line in told(kitchen()).splitlines() if 'of the step "gather" has no effect' in line]
    assert len(found) == 1
    for key in ("environment", "runtime-config-preset", "cache-volumes", "upload-store", "environment-variable-groups"):
        assert key in found[0]
    assert told(kitchen()).count("W-NOT-HERE: a mount") == 1


def test_legacy_and_single_targets() -> None:
    """`value` is an older word for default, `target` one target; a flag's text is true or false."""
    step = "- step: {name: s, image: i, command: c, parameters: [{name: f, type: flag}]}\n"
    said = "parameters: [{name: p, value: 'true', target: n.parameter.f}]"
    (pipeline,) = sound(
        f"{step}- blueprint: {{name: x, nodes: [{{name: n, type: execution, step: s}}], edges: [], {said}}}"
    )
    assert (pipeline.parameters, pipeline.targets) == ({"p": True}, {"p": (("n", "f"),)})


def test_a_step_whose_name_is_no_title_stands_alone_under_another() -> None:
    """And comes back under its own."""
    (pipeline,) = sound("- step: {name: 'a/b: c', image: i, command: c}")
    assert (pipeline.name, pipeline.nodes[0].title) == ("a/b: c", "a-b- c")
    (other,) = sound("- step: {name: 'один', image: i, command: c}")
    assert other.nodes[0].title == "step"


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("{name: p, type: integer, default: '7'}", 7),
        ("{name: p, type: float, default: 7}", 7),
        ("{name: p, type: float, default: 1e-3}", 0.001),
        ("{name: p, type: integer, default: ''}", ""),
        ("{name: p, default: no}", "no"),
        ("{name: p, default: 1.10}", "1.10"),
        ("{name: p, multiple: repeat, default: x}", ["x"]),
        ("{name: p, multiple: none, default: x}", "x"),
        ("{name: p, multiple: repeat, type: integer, default: [1, 2]}", [1, 2]),
    ],
)
def test_row_97_values_are_typed(said: str, value: Any) -> None:
    """As the step says."""
    assert node(parameters=f"[{said}]").params == {"p": value}
