"""The cell that gives a node its parameters: assignments of literals and nothing else, which are the values again."""

from __future__ import annotations

import ast
import math
import tempfile
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from IPython.core.inputtransformer2 import TransformerManager
from papermill.iorw import load_notebook_node  # type: ignore[import-untyped]
from papermill.parameterize import parameterize_notebook  # type: ignore[import-untyped]

from dagbook.runner.core.model import Kind, Node, Pipeline
from dagbook.runner.core.values import Value, check_name, check_value
from dagbook.runner.formats.node_notebook import node_notebook
from dagbook.runner.formats.notebook_file import text_of
from tests.faults.box import LONG
from tests.fuzz.targets import same

RUNS, AT_ONCE = (2000, 50) if LONG else (20, 50)  # values in all: 100,000 or 1000
EVIL = [
    '"',
    "'",
    "\\",
    "\n",
    "\r",
    "\t",
    "\x1b",
    "\x0c",
    "\x85",
    "\x7f",
    "\u2028",
    "é",
    "😀",
    "`",
    "#",
    "?",
    ";",
    "=",
]
EVIL += [
    "$(id)",
    "{x}",
    "%%bash\n",
    "\n!touch x\n",
    '"""',
    "\\N{BULLET}",
    "\\x00",
    "__import__('os')",
    "C:\\new",
    "b''",
]
TEXTS = st.text(max_size=12) | st.lists(st.sampled_from(EVIL), max_size=6).map("".join)
NUMBERS = st.integers() | st.sampled_from([2**80, -(10**300), 10**4000]) | st.floats()
PLAIN = st.none() | st.booleans() | NUMBERS | TEXTS.filter(lambda text: "\0" not in text)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=4), max_leaves=6)


def injected(values: dict[str, Value]) -> str:
    """The source of the cell that papermill puts into the node's notebook."""
    for name, value in values.items():
        check_value(check_name(name), value)
    node = Node(title="a", kind=Kind.CELL, source="print(1)\n", params=values)
    notebook = node_notebook(Pipeline(name="p", nodes=(node,)), node)
    with tempfile.NamedTemporaryFile("w", suffix=".ipynb") as file:
        file.write(text_of(notebook))
        file.flush()
        read = load_notebook_node(file.name)  # as papermill reads it
    made = parameterize_notebook(read, values, kernel_name="python3", language="python")
    (cell,) = [cell for cell in made.cells if "injected-parameters" in cell.metadata.tags]
    return str(cell.source)


def literal(tree: ast.expr) -> Any:
    """The value of a literal, or of `float('nan')`; anything else fails."""
    match tree:
        case ast.Call(
            func=ast.Name(id="float"), args=[ast.Constant(value="nan" | "inf" | "-inf" as word)], keywords=[]
        ):
            return float(word)
        case ast.List(elts=items):
            return [literal(item) for item in items]
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as number)):
            return -number
        case ast.Constant(value=value) if value is None or isinstance(value, bool | int | float | str):
            return value
    raise AssertionError(ast.dump(tree))


@given(st.lists(VALUES, min_size=AT_ONCE, max_size=AT_ONCE))
@settings(max_examples=RUNS)
def test_P_1_T17_what_is_injected_is_literals_and_they_are_the_values(values: list[Value]) -> None:
    given_ = {f"x{number}": value for number, value in enumerate(values)}
    source = injected(given_)
    tree = ast.parse(source)
    found = {}
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                found[name] = literal(value)
            case _:
                raise AssertionError(ast.dump(statement))
    assert same(found, given_)
    translated = ast.parse(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]
    assert ast.dump(translated) == ast.dump(tree), "IPython reads something else in it"


def test_P_3_a_megabyte_of_text_comes_through() -> None:
    text = "".join(EVIL) * 10_000
    (statement,) = ast.parse(injected({"x": text})).body
    assert isinstance(statement, ast.Assign)
    assert literal(statement.value) == text


def test_P_4_nan_is_nan_and_infinities_keep_their_sign() -> None:
    statements = ast.parse(injected({"a": math.nan, "b": [math.inf, -math.inf]})).body
    values = [literal(one.value) for one in statements if isinstance(one, ast.Assign)]
    assert math.isnan(values[0])
    assert values[1] == [math.inf, -math.inf]
