"""Commands of other systems' nodes: how their parameters come into them."""

from __future__ import annotations

import shlex
import subprocess
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.arguments import argument_for, command_of, commands_of
from dagbook.runner.core.dialect import Argument, ArgumentType, Dialect, Several
from dagbook.runner.core.model import Kind, Node

FLAG = ArgumentType.FLAG


def valohai(*commands: str, arguments: tuple[Argument, ...] = (), **fields: Any) -> Node:
    """A node of Valohai's with these commands."""
    lines = tuple(command.count("\n") + 1 for command in commands)
    said: dict[str, Any] = {"title": "n", "kind": Kind.COMMAND, "dialect": Dialect.VALOHAI, "arguments": arguments}
    return Node(source="\n".join(commands), command_lines=lines, **said, **fields)


@pytest.mark.parametrize(
    ("argument", "value", "told"),
    [
        (Argument(name="a"), "x", "--a=x"),
        (Argument(name="a"), "two words", "'--a=two words'"),
        (Argument(name="a"), "", "--a="),
        (Argument(name="a"), 0, "--a=0"),
        (Argument(name="a"), None, ""),
        (Argument(name="a", pass_as="-a {v}"), "x y", "-a 'x y'"),
        (Argument(name="a", pass_as="{name}:{value}"), 1.5, "a:1.5"),
        (Argument(name="a", pass_as="--{other}={v}"), 1, "'--{other}=1'"),
        (Argument(name="a", pass_as="{v.__class__}"), 1, "'{v.__class__}'"),
        (Argument(name="a", type=FLAG), True, "--a"),
        (Argument(name="a", type=FLAG), False, ""),
        (Argument(name="a", type=FLAG), "false", ""),
        (Argument(name="a", type=FLAG), "true", "--a"),
        (Argument(name="a", type=FLAG, pass_true_as="--yes", pass_false_as="--no"), True, "--yes"),
        (Argument(name="a", type=FLAG, pass_true_as="--yes", pass_false_as="--no"), False, "--no"),
        (Argument(name="a", type=FLAG, pass_true_as="--yes"), False, ""),
        (Argument(name="a", multiple=Several.REPEAT), ["x", "y"], "--a=x --a=y"),
        (Argument(name="a", multiple=Several.REPEAT, pass_as="-a {v}"), ["x", "y"], "-a x -a y"),
        (Argument(name="a", multiple=Several.SEPARATE), ["x", "y"], "--a=x,y"),
        (Argument(name="a", multiple=Several.SEPARATE, separator=" "), [1, 2], "'--a=1 2'"),
        (Argument(name="a", multiple=Several.SEPARATE), [], ""),
        (Argument(name="a", multiple=Several.REPEAT), [], ""),
    ],
)
def test_row_97_a_parameter_becomes_an_argument(argument: Argument, value: Any, told: str) -> None:
    """Each type and each way to pass it; white space in a value cuts nothing, and None is left out."""
    assert command_of(valohai("run {parameters}", arguments=(argument,)), {"a": value}) == f"run {told}".strip()


def test_row_88_an_input_folder_may_be_a_value() -> None:
    """`/valohai/inputs/<slot>/` goes into the command as it is."""
    node = valohai("python p.py {params}", arguments=(Argument(name="model-dir"), Argument(name="n")))
    told = command_of(node, {"n": 3, "model-dir": "/valohai/inputs/model/"})
    assert told == "python p.py --model-dir=/valohai/inputs/model/ --n=3"


def test_placeholders_name_one_argument_or_its_value() -> None:
    """`{parameter:x}` is the whole argument, `{parameter-value:x}` the value; nothing where it has none."""
    node = valohai(
        "a {parameter:x} {parameter-value:x} [{parameter-value:y}]", arguments=(Argument(name="x"), Argument(name="y"))
    )
    assert command_of(node, {"x": "1 2"}) == "a '--x=1 2' '1 2' []"


@pytest.mark.parametrize("text", ["echo ${HOME}", "awk '{print $1}' f", "{parameter:nobody}", "{}", "{source-path}"])
def test_unknown_placeholders_are_left_untouched(text: str) -> None:
    """What is no placeholder of Valohai's belongs to the shell."""
    assert command_of(valohai(text), {}) == text


def test_the_source_path_comes_from_the_step() -> None:
    """`{source-path}` is the file that the step names, quoted."""
    assert command_of(valohai("x {source-path}", origin={"valohai": {"source-path": "a b.py"}}), {}) == "x 'a b.py'"


def test_commands_are_joined_so_that_the_first_failure_ends_them() -> None:
    """Items of a list come one after the other with &&; a shebang stays a line of its own, blank ones fall away."""
    assert (
        command_of(valohai("pip install -r r.txt", "  ", " python t.py "), {}) == "pip install -r r.txt && python t.py"
    )
    assert command_of(valohai("#!/bin/bash\nset -e", "a", "b"), {}) == "#!/bin/bash\nset -e && a && b"
    assert command_of(valohai("#!/bin/bash", "a", "b"), {}) == "#!/bin/bash\na && b"


@pytest.mark.parametrize("first", ["echo a # note", "cat <<X\na\nX", "echo a;", "echo a &", "echo a | cat"])
def test_a_comment_or_document_does_not_swallow_the_next_command(first: str) -> None:
    """Whatever a command ends with, the next one is run."""
    script = command_of(valohai(first, "wait; echo b"), {})
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["a", "b"]


def test_a_failing_command_ends_the_script() -> None:
    """What follows a failure is not run, and the script fails."""
    done = subprocess.run(["sh", "-c", command_of(valohai("false # x", "echo b"), {})], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")


@given(st.lists(st.text(alphabet="ab \n{}#", min_size=1), min_size=1, max_size=5))
def test_the_commands_come_back_from_the_source(commands: list[str]) -> None:
    """However many lines each has."""
    assert commands_of(valohai(*commands)) == tuple(commands)


def test_a_source_written_anew_is_still_cut_sensibly() -> None:
    """Where each command was a line, each line is a command; else it is one script."""
    node = valohai("a", "b").model_copy(update={"source": "a\nb\nc"})
    assert commands_of(node) == ("a", "b", "c")
    node = valohai("a\nb", "c").model_copy(update={"source": "a\nb\nc\nd"})
    assert commands_of(node) == ("a\nb\nc\nd",)


@given(st.dictionaries(st.from_regex(r"[a-z][a-z-]{0,5}", fullmatch=True), st.text(st.characters(codec="ascii"))))
def test_any_text_reaches_the_program_as_it_is(params: dict[str, str]) -> None:
    """Quoting keeps whatever a value holds, and parameters that no step announced are passed too."""
    told = command_of(valohai("p {parameters}"), dict(params.items()))
    assert shlex.split(told)[1:] == [f"--{name}={value}" for name, value in params.items()]


@pytest.mark.parametrize(
    ("value", "type"),
    [(True, FLAG), (1, ArgumentType.INTEGER), (0.5, ArgumentType.FLOAT), ("x", ArgumentType.STRING)],
)
def test_row_97_a_value_tells_its_type(value: Any, type: ArgumentType) -> None:
    """Values of a call are typed, and so are lists of them."""
    assert argument_for("a", value).type is type
    assert argument_for("a", ["x", value]).multiple is Several.REPEAT


def test_cnvrg_gets_texts_in_quotes_and_truth_as_a_bare_name() -> None:
    """--key='value', --key=number, --key, --key=false."""
    node = Node(title="n", kind=Kind.COMMAND, dialect=Dialect.CNVRG, source="python t.py")
    params: dict[str, Any] = {"data": "it's", "n": 3, "rate": 0.5, "on": True, "none": None, "off": False}
    told = command_of(node, params)
    assert told == "python t.py --data='it'\"'\"'s' --n=3 --rate=0.5 --on --none --off=false"
    assert shlex.split(told)[2] == "--data=it's"
    assert command_of(node, {}) == "python t.py"


def test_other_nodes_run_their_source() -> None:
    """Dagbook's own and Pachyderm's commands are not built from parameters."""
    assert command_of(Node(title="n", kind=Kind.COMMAND, source="a {parameters}"), {"x": 1}) == "a {parameters}"
