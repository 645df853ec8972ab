"""The options of nodes, pipelines and runs in Python: those of the magics, with the same names and the same meaning."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy
import pytest

import dagbook
from dagbook.runner.building.options import OF_MAGIC, python_name
from dagbook.runner.building.run_options import RUN_OPTIONS, asked_fields, split
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Defaults, Node
from dagbook.runner.formats.cells import parse_node, parse_pipeline
from dagbook.runner.formats.options import options_of

METHODS: Mapping[str, Any] = {
    "pipeline": dagbook.Pipeline.__init__,
    "pipeline_node": dagbook.Pipeline.node,
    "pipeline_command": dagbook.Pipeline.command,
    "pipeline_notebook": dagbook.Pipeline.notebook,
}
ACTING = {"forget", "reset"}  # of a live notebook's draft
SAID_BY_THE_METHOD = {"path"}  # its first argument


def flow(tmp_path: Path, **options: Any) -> dagbook.Pipeline:
    return dagbook.Pipeline("p", folder=tmp_path, store=tmp_path / "store", **options)


@pytest.mark.parametrize("magic", METHODS)
def test_every_option_of_a_magic_is_an_option_of_its_method_and_no_other(magic: str) -> None:
    """In the types that editors read, in the signature that notebooks read, in the docstring, and when it is called."""
    wanted = {python_name(one.name) for one in options_of(magic)} - ACTING - SAID_BY_THE_METHOD
    assert set(OF_MAGIC[magic].__annotations__) == wanted
    signature = inspect.signature(METHODS[magic])
    assert wanted <= set(signature.parameters)
    told = inspect.getdoc(METHODS[magic]) or ""
    assert not [name for name in wanted if f"\n  {name}: " not in told]


@pytest.mark.parametrize("method", [dagbook.Pipeline.run, dagbook.Pipeline.start, dagbook.Pipeline.plan])
def test_every_option_of_a_run_is_an_option_of_run_start_and_plan(method: Any) -> None:
    wanted = {python_name(one.name) for one in options_of("pipeline_run")} - {"wait", "theme", "store"}
    assert set(RUN_OPTIONS) == wanted
    assert wanted <= set(inspect.signature(method).parameters)


SAME = [  # what is typed in a magic line, and what is said in Python
    ("--after prepare 'Load it'", {"after": ["prepare", "Load it"]}),
    ("--after prepare", {"after": "prepare"}),
    ("--after a --gather a", {"after": "a", "gather": True}),
    ("--gather a b", {"gather": ["a", "b"]}),
    ("--param rate=0.1 steps=3 name=x on=True", {"params": {"rate": 0.1, "steps": 3, "name": "x", "on": True}}),
    ('--param "sizes=[1, 2]"', {"params": {"sizes": (1, numpy.int64(2))}}),
    ("--grid rate=0.1,0.01", {"grid": {"rate": numpy.array([0.1, 0.01])}}),
    ("--grid depth=1,2,3", {"grid": {"depth": range(1, 4)}}),
    ("--single", {"single": True}),
    ("--input table=a/*.csv rest?=b", {"input": {"table": "a/*.csv", "rest?": "b"}}),
    ("--input table=a/*.csv", {"input": "table=a/*.csv"}),
    ("--after a --map a:/*.png --workers 2", {"after": "a", "map": "a:/*.png", "workers": 2}),
    ("--when max:accuracy gt:a.rows:10", {"when": ["max:accuracy", "gt:a.rows:10"]}),
    ("--approve leah,yochay", {"approve": ["leah", "yochay"]}),
    ("--approve leah", {"approve": "leah"}),
    ("--notify-on failure --email a@b.c", {"notify_on": "failure", "email": ["a@b.c"]}),
    ("--image python:3.12-slim", {"image": "python:3.12-slim"}),
    ("--requirements numpy scipy", {"requirements": ["numpy", "scipy"]}),
    ("--requirements numpy", {"requirements": "numpy"}),
    ("--prerun setup.sh", {"prerun": "setup.sh"}),
    ("--kernel ir", {"kernel": "ir"}),
    ("--cpus 0.5", {"cpus": 0.5}),
    ("--memory 2g", {"memory": "2g"}),
    ("--memory 2g", {"memory": 2 * 2**30}),
    ("--gpus 0", {"gpus": 0}),
    ("--compute big,small", {"compute": ["big", "small"]}),
    ("--git https://example.org/r.git@main", {"git": "https://example.org/r.git@main"}),
    ("--env LEVEL=debug N=3", {"env": {"LEVEL": "debug", "N": 3}}),
    ("--secret TOKEN=vault:token", {"secret": "TOKEN=vault:token"}),
    ("--timeout 10m", {"timeout": "10m"}),
    ("--timeout 10m", {"timeout": 600}),
    ("--timeout 10m", {"timeout": timedelta(minutes=10)}),
    ("--retries 2", {"retries": 2}),
    ("--on-error continue", {"on_error": "continue"}),
    ("--network", {"network": True}),
    ("--no-network", {"network": False}),
    ("--no-cache", {"cache": False}),
    ("--executor process", {"executor": "process"}),
    ("--left 10 --top 0", {"left": 10, "top": 0}),
]


def without_place(node: Node) -> dict[str, Any]:
    return node.model_dump(exclude={"defined", "code_at", "source"})


@pytest.mark.parametrize(("typed", "said"), SAME, ids=[typed for typed, _ in SAME])
def test_an_option_means_in_python_what_it_means_in_a_magic(tmp_path: Path, typed: str, said: dict[str, Any]) -> None:
    made = flow(tmp_path).node("Train it", "pass", **said)
    assert without_place(made) == without_place(parse_node("pipeline_node", f'"Train it" {typed}', "pass"))


@pytest.mark.parametrize(
    ("typed", "said"), [one for one in SAME if one[0].split()[0] in {o.name for o in options_of("pipeline")}]
)
def test_a_pipeline_says_the_same_for_all_its_nodes(tmp_path: Path, typed: str, said: dict[str, Any]) -> None:
    made = flow(tmp_path, **said)
    made.node("a", "pass")
    assert made.model.defaults == parse_pipeline(typed)[1]
    assert made.model.defaults != Defaults()


def test_what_is_none_is_not_said(tmp_path: Path) -> None:
    options: dict[str, Any] = dict.fromkeys(OF_MAGIC["pipeline_node"].__annotations__)
    assert without_place(flow(tmp_path).node("a", "pass", **options)) == without_place(Node(title="a"))


def test_nodes_stand_for_their_titles(tmp_path: Path) -> None:
    made = flow(tmp_path)
    first = made.node("First one", "pass")
    assert made.node("b", "pass", after=first).after == ("First one",)
    assert made.node("c", "pass", after=[first, "b", first]).after == ("First one", "b")


WRONG: list[tuple[Mapping[str, Any], str, str]] = [
    ({"imge": "x"}, "no option 'imge' of a node", 'Did you mean "image"?'),
    ({"param": {"a": 1}}, "no option 'param' of a node", "Write params={…}."),
    ({"no_cache": True}, "no option 'no_cache' of a node", "Write cache=False."),
    ({"memory": "lots"}, "'lots' is not an amount of memory", "Write 512m"),
    ({"memory": [1]}, "memory=[1] is not what it takes", "Give a number: memory it may use"),
    ({"cpus": "many"}, "'many' is not a number of cores", "Write 0.5"),
    ({"retries": True}, "retries=True is not what it takes", "Give a number"),
    ({"network": "yes"}, "network='yes' is not what it takes", "Give True or False"),
    ({"on_error": "ignore"}, "on_error='ignore' is not what it takes", "one of stop-next, stop-all, continue"),
    ({"timeout": "soon"}, "'soon' is not a duration", "Write 30s"),
    ({"params": [("a", 1)]}, "is not what it takes", "Give names with their values"),
    ({"params": {"a": object()}}, "the value of a is of type object", "Use a bool"),
    ({"params": {"not a name": 1}}, "'not a name' cannot be a parameter", "Write --param"),
    ({"grid": {"a": 3}}, "3 is not what it takes", "Give a list of values for a"),
    ({"grid": {"a": []}}, "--grid a= holds an empty value", ""),
    ({"after": 3}, "3 is not what it takes", "Give a title, a node"),
    ({"when": "best:accuracy"}, "'best' is no objective", "Known"),
    ({"approve": ["leah", "Leah"]}, '"leah" is named twice', ""),
    ({"workers": 2}, "workers=… stands without map=…", ""),
    ({"env": {"1A": "x"}}, "'1A' cannot be an environment variable's name", ""),
    ({"image": "Not An Image"}, "is not an image reference", ""),
]


@pytest.mark.parametrize(("options", "message", "hint"), WRONG, ids=[message for _, message, _ in WRONG])
def test_a_value_that_means_nothing_is_told_at_the_line_of_the_call(
    tmp_path: Path, options: dict[str, Any], message: str, hint: str
) -> None:
    made = flow(tmp_path)
    line = inspect.currentframe().f_lineno + 2  # type: ignore[union-attr]
    with pytest.raises(PipelineError) as caught:
        made.node("Train", "pass", **options)
    (found,) = caught.value.problems
    assert message in found.message
    assert hint in found.hint
    assert (found.place.line, found.place.node) == (line, "Train")
    assert found.place.file is not None
    assert Path(found.place.file).name == "test_options.py"


def test_all_that_is_wrong_with_a_call_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        flow(tmp_path).node("a", "pass", imge="x", memory="lots")  # type: ignore[call-arg]
    assert len(caught.value.problems) == 2


def test_the_traceback_of_a_mistake_shows_the_users_line_and_none_below_it(tmp_path: Path) -> None:
    with pytest.raises(PipelineError) as caught:
        flow(tmp_path).node("a", "pass", memory="lots")
    assert [entry.name for entry in caught.traceback][1:] == ["call"]


def test_a_program_that_a_mistake_ends_shows_its_own_lines_and_what_to_do(tmp_path: Path) -> None:
    """And not the one of ours that raises; the error is named as one imports it."""
    program = tmp_path / "flow.py"
    program.write_text("import dagbook\nflow = dagbook.Pipeline()\nflow.node('a', 'pass', aftre='b')\n")
    ended = subprocess.run([sys.executable, "flow.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines() == [
        "Traceback (most recent call last):",
        f'  File "{program}", line 3, in <module>',
        "    flow.node('a', 'pass', aftre='b')",
        'dagbook.PipelineError: flow.py, line 3, node "a"',
        "  E-USAGE: there is no option 'aftre' of a node",
        '  Did you mean "after"?',
    ]


def test_words_of_a_run_are_options_or_parameters() -> None:
    """A parameter that is called like an option is given in `parameters`."""
    said, values = split({"jobs": 2, "epochs": 5, "parameters": {"node": "x"}}, {"epochs": 3, "node": "y"})
    assert (said, values) == ({"jobs": 2}, {"epochs": 5, "node": "x"})
    with pytest.raises(PipelineError, match=r"no parameter 'epoch'(.|\n)*Did you mean \"epochs\""):
        split({"epoch": 5}, {"epochs": 3})
    with pytest.raises(PipelineError, match=r"no parameter 'job'(.|\n)*Did you mean \"jobs\""):
        split({"job": 5}, {})
    with pytest.raises(PipelineError, match=r'Known: "epochs", "lr"\.$'):  # what is far from an option is meant as one
        split({"m": 5}, {"epochs": 3, "lr": 1})


def test_options_of_a_run_are_what_the_command_line_asks_for() -> None:
    asked = asked_fields({"node": "a", "from_": ["b", "c"], "force": ("d",), "cache": False, "no_wait": True})
    assert asked == {
        "nodes": ("a",),
        "start": ("b", "c"),
        "force": ("d",),
        "cache": False,
        "waits": False,
        "keep_failed": False,
    }
    with pytest.raises(PipelineError, match="on_error='never' is not known"):
        asked_fields({"on_error": "never"})
