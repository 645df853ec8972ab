"""A function as the code of a node: its own text, and a call with the node's parameters below it.

What a node runs is text, in another process and perhaps on another machine. So a function can be a node when its text
says all that it needs: no variables of a function around it, no object that it belongs to.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
import types
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import PipelineError, nearest, problem
from ..core.spot import Spot
from ..core.values import Value, check_value
from ..formats.python_code import Names
from ..handles.callers import spot_of

_FUTURE = "from __future__ import annotations\n"  # what annotations name need not be there in the node
_INSIDE = "if True:  # it was defined inside of something\n"
REQUIRED: Any = object()  # the default of an argument that has none


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a function. `default` is REQUIRED for one that has none; `by_name` is False for `a` in `a, /`."""

    name: str
    default: Any
    by_name: bool = True

    @property
    def plain_default(self) -> bool:
        """Whether the default can be the value of a parameter; any other is left to the function."""
        try:
            check_value(self.name, self.default)
        except PipelineError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class FunctionCode:
    """The text of a function, its arguments, where its first line stands; `open_ended` is True when it has **kwargs."""

    name: str
    source: str
    arguments: tuple[Argument, ...]
    spot: Spot
    open_ended: bool = False
    awaited: bool = False
    decorators: frozenset[str] = frozenset()  # the names that they begin with

    def called_with(self, names: Collection[str]) -> str:
        """The code of a node: the function, and its call with these of its arguments."""
        known = [one for one in self.arguments if one.name in names]
        more = [name for name in names if name not in {one.name for one in self.arguments}]
        words = [f"{one.name}={one.name}" if one.by_name else one.name for one in known]
        call = f"{self.name}({', '.join([*words, *(f'{name}={name}' for name in more)])})"
        awaited = f"await {call}" if self.awaited else call
        return f"{self.source}\n\nimport dagbook\n\ndagbook.returned({awaited})"


def code_of(function: Callable[..., Any]) -> FunctionCode:
    """The text of a function. Raises PipelineError (E-FUNCTION) for one whose text does not say all that it needs."""
    plain = _plain(function)
    try:
        lines, first = inspect.getsourcelines(plain)
    except (OSError, TypeError):
        what = f"the text of {plain.__name__} is not known"
        hint = "Define it in a file or in a notebook's cell, or give the code as a text."
        raise _unfit(what, hint) from None
    text = textwrap.dedent("".join(lines)).rstrip("\n") + "\n"
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a text of several lines in it begins farther to the left
        text, first = _INSIDE + "".join(lines).rstrip("\n") + "\n", first - 1
        tree = _parsed(text, plain)
    found = next((one for one in ast.walk(tree) if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)), None)
    if found is None or found.name != plain.__name__:
        what = f"the file of {plain.__name__} has changed since it was read: another text stands there"
        raise _unfit(what, "Start the program again; in a notebook run the cell again.")
    if _has_annotations(found):
        text, first = _FUTURE + text, first - 1
    arguments, open_ended = _arguments(plain)
    decorators = frozenset(name for one in found.decorator_list if (name := _root(one)))
    spot = spot_of(plain.__code__.co_filename, first)
    awaited = inspect.iscoroutinefunction(plain)
    return FunctionCode(plain.__name__, text, arguments, spot, open_ended, awaited, decorators)


def _plain(function: Callable[..., Any]) -> types.FunctionType:
    """The function itself. Raises PipelineError (E-FUNCTION) for what is called like one and is none."""
    name = getattr(function, "__qualname__", None) or type(function).__name__
    if isinstance(function, types.MethodType):
        what = f"{name} is a method, which needs the object that it belongs to"
        raise _unfit(what, "Write a function that makes what it needs.")
    found = inspect.unwrap(function)
    if not isinstance(found, types.FunctionType):
        kind = "a class" if isinstance(function, type) else f"of the type {type(function).__name__}"
        raise _unfit(f"{name} is {kind}, and no function written in Python", "Write a function that calls it.")
    if found.__name__ == "<lambda>":
        raise _unfit("a lambda has no name", "Write a function (def), or give the code as a text.")
    if found.__closure__:
        names = ", ".join(found.__code__.co_freevars)
        wrapped = " Of a decorator, that is the function inside of it: let it use functools.wraps."
        what = f"{name} takes {names} from the function around it, which is not there in the node"
        raise _unfit(what, f"Hand it over as an argument.{wrapped if found is function else ''}")
    around = found.__qualname__.rpartition(".")[0]
    if around and not around.endswith("<locals>"):
        raise _unfit(f"{name} is a method of {around}", "Write a function that makes what it needs.")
    if inspect.isgeneratorfunction(found) or inspect.isasyncgenfunction(found):
        raise _unfit(f"{name} is a generator: a call does nothing", "Take `yield` away, and do the work at once.")
    return found


def _parsed(text: str, function: types.FunctionType) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        what = f"the text of {function.__name__} cannot be taken out of where it stands"
        raise _unfit(what, "Let `def` begin a line of its own, or give the code as a text.") from None


def _arguments(function: types.FunctionType) -> tuple[tuple[Argument, ...], bool]:
    found, open_ended = [], False
    for one in inspect.signature(function).parameters.values():
        if one.kind is inspect.Parameter.VAR_KEYWORD:
            open_ended = True
        elif one.kind is not inspect.Parameter.VAR_POSITIONAL:
            default = REQUIRED if one.default is inspect.Parameter.empty else _value(one.default)
            found.append(Argument(one.name, default, one.kind is not inspect.Parameter.POSITIONAL_ONLY))
    if function.__name__ in {one.name for one in found}:
        what = f"{function.__name__} has an argument of its own name, which would take its place in the node"
        raise _unfit(what, "Rename the argument.")
    return tuple(found), open_ended


def _value(value: Any) -> Any:
    """A default as a parameter's value: numbers of NumPy are numbers, a tuple is a list."""
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    return value


def _has_annotations(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    every = (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)
    around = (function.args.vararg, function.args.kwarg)
    return function.returns is not None or any(one is not None and one.annotation for one in (*every, *around))


def _root(decorator: ast.expr) -> str | None:
    """The name that a decorator begins with: `torch` of `@torch.no_grad()`."""
    while isinstance(decorator, ast.Call | ast.Attribute):
        decorator = decorator.func if isinstance(decorator, ast.Call) else decorator.value
    return decorator.id if isinstance(decorator, ast.Name) else None


@dataclass(frozen=True, slots=True)
class Settled:
    """How a node calls its function: the code, the parameters that it gets besides its own, those of the pipeline."""

    source: str
    params: Mapping[str, Value]
    uses: tuple[str, ...]


def settle(
    code: FunctionCode, given: Collection[str], pipeline: Mapping[str, Value], shared: Sequence[Names] = ()
) -> Settled:
    """Where the value of each argument comes from: the node (`given`), else the pipeline's parameter of that name,
    else its default.

    `shared` are the names that the pipeline's shared code defines. Raises PipelineError: E-FUNCTION for an argument
    without a value and a decorator that nobody defines, E-PARAM-UNKNOWN for a parameter that is no argument.
    """
    known = [one.name for one in code.arguments]
    if not code.open_ended:
        for name in given:
            if name not in known:
                raise PipelineError(problem("E-PARAM-UNKNOWN", name=name, nearest=nearest(name, known)))
    _check_decorators(code, shared)
    params: dict[str, Value] = {}
    uses, handed = [], [name for name in given if name not in known]
    for one in code.arguments:
        if one.name in given:
            handed.append(one.name)
        elif one.name in pipeline:
            uses.append(one.name)
            handed.append(one.name)
        elif one.default is REQUIRED:
            what = f"{code.name} has no value for its argument {one.name!r}"
            hint = f"Give one: params={{{one.name!r}: …}}, a grid, a default, or a parameter of the pipeline."
            raise _unfit(what, hint)
        elif one.plain_default:
            params[one.name] = one.default
            handed.append(one.name)
    return Settled(code.called_with(handed), params, tuple(uses))


def _check_decorators(code: FunctionCode, shared: Sequence[Names]) -> None:
    """A decorator runs when the node begins, so what it is called must be there by then. Raises PipelineError."""
    if any(names.open_ended for names in shared):
        return
    there = frozenset(dir(builtins)).union(*(names.defined for names in shared))
    for name in sorted(code.decorators - there):
        what = f"{code.name} is decorated with @{name}, and nothing in the node defines {name}"
        raise _unfit(what, "Take the decorator away, or import it in the code that nodes share: Pipeline(shared=…).")


def _unfit(what: str, hint: str) -> PipelineError:
    return PipelineError(problem("E-FUNCTION", what=what, hint=hint))
