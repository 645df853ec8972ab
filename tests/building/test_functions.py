"""Functions as nodes: what their text says, where their arguments come from, which functions cannot be nodes."""

from __future__ import annotations

import functools
import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.building.functions import REQUIRED, Argument, FunctionCode, code_of, settle
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.spot import Spot
from dagbook.runner.formats.python_code import names_of, read_code


def plain(rate, epochs=3, *, name="a", other=object):  # type: ignore[no-untyped-def]
    """A docstring
    that begins farther to the left."""
    return rate * epochs  # the end


def annotated(path: Path, again: int = 1) -> Path:
    return path


async def waiting(seconds, /):  # type: ignore[no-untyped-def]
    return seconds


def open_ended(**options):  # type: ignore[no-untyped-def]
    return options


def same_name(same_name):  # type: ignore[no-untyped-def]
    return same_name


def generator():  # type: ignore[no-untyped-def]
    yield 1


class Holder:
    def method(self):  # type: ignore[no-untyped-def]
        return self


def closure() -> Callable[[], int]:
    seen = 3

    def inside() -> int:
        return seen

    return inside


def unwrapped(function: Callable[[], int]) -> Callable[[], int]:
    def around() -> int:
        return function()

    return around


def wrapped(function: Any) -> Any:
    @functools.wraps(function)
    def around(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return around


@unwrapped
def decorated_badly() -> int:
    return 1


@wrapped
def decorated(rate):  # type: ignore[no-untyped-def]
    return rate


def source_of(function: Callable[..., Any], given: tuple[str, ...] = ()) -> str:
    return settle(code_of(function), given, {}).source


def ran(source: str, **names: Any) -> Any:
    """What the code of a node hands over, with these parameters, in a fresh interpreter's names."""
    found: list[Any] = []
    told = source.replace("import dagbook\n", "").replace("dagbook.returned(", "_found.append(")
    exec(compile(told, "<node>", "exec"), {"_found": found, **names})
    return found[0]


def test_the_code_of_a_node_is_the_function_and_its_call() -> None:
    """Nothing of this file is there, and a default that can be no parameter is left to the function."""
    found = settle(code_of(plain), ["rate"], {})
    assert found.params == {"epochs": 3, "name": "a"}
    assert found.source.endswith("dagbook.returned(plain(rate=rate, epochs=epochs, name=name))")
    assert ran(found.source, rate=2, epochs=5, name="b") == 10


def test_lines_of_the_code_are_those_of_the_file() -> None:
    """Also where the text had to be put into something, or a line above it."""
    for function in (plain, annotated):
        code = code_of(function)
        here = Path(__file__).read_text().splitlines()
        line = next(n for n, text in enumerate(code.source.splitlines(), code.spot.line) if text.startswith("def "))
        assert here[line - 1].startswith(f"def {function.__name__}(")
        assert Path(code.spot.file).resolve() == Path(__file__).resolve()


def test_annotations_need_not_be_there_in_the_node() -> None:
    assert ran(source_of(annotated, ("path",)), path="x", again=2) == "x"


def test_a_function_inside_of_another_one_is_taken_out() -> None:
    def inside(rate=2):  # type: ignore[no-untyped-def]
        text = """
far left"""
        return text * rate

    assert ran(source_of(inside), rate=2) == "\nfar left\nfar left"


def test_positional_arguments_and_coroutines_are_called_as_they_must_be() -> None:
    code = code_of(waiting)
    assert code.called_with(["seconds"]).endswith("dagbook.returned(await waiting(seconds))")


def test_a_function_with_keywords_takes_any_parameter() -> None:
    assert ran(source_of(open_ended, ("a", "b")), a=1, b=2) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda rate: rate, "a lambda has no name"),
        (len, "len is of the type builtin_function_or_method, and no function written in Python"),
        (Holder, "Holder is a class"),
        (functools.partial(plain, 1), "partial is of the type partial"),
        (Holder().method, "Holder.method is a method, which needs the object"),
        (Holder.method, "is a method of Holder"),
        (closure(), "takes seen from the function around it"),
        (decorated_badly, "takes function from the function around it, which is not there in the node"),
        (generator, "generator is a generator: a call does nothing"),
        (same_name, "same_name has an argument of its own name"),
    ],
)
def test_a_function_whose_text_does_not_say_all_that_it_needs_is_refused(function: Any, said: str) -> None:
    with pytest.raises(PipelineError, match="E-FUNCTION") as caught:
        code_of(function)
    assert said in caught.value.problems[0].message
    assert caught.value.problems[0].hint


def test_a_function_without_a_text_is_refused() -> None:
    names: dict[str, Any] = {}
    exec("def made(): return 1", names)
    with pytest.raises(PipelineError, match="the text of made is not known"):
        code_of(names["made"])


def test_a_decorator_must_be_in_the_shared_code() -> None:
    with pytest.raises(PipelineError, match="decorated with @wrapped, and nothing in the node defines wrapped"):
        settle(code_of(decorated), ["rate"], {})
    shared = [names_of(read_code(inspect.getsource(wrapped)))]
    assert settle(code_of(decorated), ["rate"], {}, shared).source.startswith("@wrapped\ndef decorated(")


def test_an_argument_without_a_value_and_a_parameter_that_is_none_are_told() -> None:
    with pytest.raises(PipelineError, match="plain has no value for its argument 'rate'"):
        settle(code_of(plain), [], {})
    with pytest.raises(PipelineError, match=r"no parameter 'raet'(.|\n)*Did you mean \"rate\""):
        settle(code_of(plain), ["raet"], {})


NAMES = st.lists(st.sampled_from("abcdefg"), unique=True)


@given(NAMES, NAMES, NAMES, NAMES)
def test_each_argument_has_one_value_the_most_particular_there_is(
    arguments: list[str], own: list[str], ofpipeline: list[str], defaults: list[str]
) -> None:
    """The node's own word, else the pipeline's parameter, else the default; without any it is an error."""
    made = tuple(Argument(name, 1 if name in defaults else REQUIRED) for name in arguments)
    code = FunctionCode("f", "def f(): pass\n", made, Spot(file="f.py", line=1))
    known = [name for name in own if name in arguments]
    missing = [n for n in arguments if n not in own and n not in ofpipeline and n not in defaults]
    if missing or len(known) < len(own):
        with pytest.raises(PipelineError):
            settle(code, own, dict.fromkeys(ofpipeline, 2))
        return
    found = settle(code, own, dict.fromkeys(ofpipeline, 2))
    assert set(found.uses) == {n for n in arguments if n not in own and n in ofpipeline}
    assert dict(found.params) == {n: 1 for n in arguments if n not in own and n not in ofpipeline}
    assert all(f"{name}={name}" in found.source for name in arguments)


def test_the_same_function_is_the_same_code_in_every_process() -> None:
    """Nothing of a line, an id or a hash seed is in it, so that its results are found again."""
    program = (
        "import sys; sys.path.insert(0, '.');"
        "from tests.building.test_functions import source_of, plain; print(source_of(plain, ('rate',)), end='')"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env={"PYTHONHASHSEED": seed, "PATH": "/usr/bin:/bin"},
        ).stdout
        for seed in ("1", "2")
    }
    assert found == {source_of(plain, ("rate",))}
