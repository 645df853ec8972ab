"""Python as it stands in a cell: translated from IPython's syntax, parsed, and asked which names it uses."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from ..core.errors import PipelineError, Place, problem
from .python_walk import walked

# What IPython and the interpreter give to every cell.
_GIVEN = frozenset(dir(builtins)) | {
    "__name__", "__doc__", "__builtins__", "__annotations__", "__loader__", "__package__", "__spec__", "__file__",
    "__debug__", "__class__", "get_ipython", "display", "exit", "quit", "open", "In", "Out", "_", "__", "___",
    "_i", "_ii", "_iii", "_ih", "_oh", "_dh", "_exit_code",
}  # fmt: skip
_NUMBERED = re.compile(r"_i?\d+")
# These bring names that cannot be seen in the text.
_BRINGING_MAGICS = ("run", "pylab", "store", "load", "load_ext", "cython", "R", "macro", "reload_ext")
# What compile raises: with NUL characters a ValueError, and where too much stands within each other one of the others.
_NO_CODE = (SyntaxError, ValueError, RecursionError, MemoryError)
_BRINGING_CALLS = ("exec", "globals", "locals", "vars", "eval", "execfile", "setattr")


@dataclass(frozen=True)
class Code:
    """A cell's Python: its tree, its text after translation. Line 1 is the magic line, as in the user's cell."""

    text: str
    tree: ast.Module

    @cached_property
    def parts(self) -> list[tuple[ast.AST, bool]]:
        """Every part of the tree, and whether it is surely come to; see `walked`."""
        return walked(self.tree)

    @cached_property
    def names(self) -> Names:
        """The names that it defines and reads; see `names_of`."""
        return names_of(self)

    @property
    def is_empty(self) -> bool:
        """True when there is nothing to run: blank lines and comments."""
        return not self.tree.body


def read_code(body: str, place: Place = Place()) -> Code:  # noqa: B008  (Place is immutable)
    """The Python of the lines below a magic line. `!ls`, `%time`, `x?` and `await` are as good as in any cell.

    Raises PipelineError (E-SYNTAX) with the line within the cell and the line itself, marked.
    """
    text = "#\n" + body  # in place of the magic line, so that the numbers of lines match the cell
    first: Exception
    try:
        return Code(text, _parsed(text))
    except _NO_CODE as error:
        first = error
    try:
        translated = _translated(text)
    except Exception:  # whatever IPython's translation trips over is a fault of the text
        translated = text
    try:
        return Code(translated, _parsed(translated))
    except _NO_CODE as error:
        fault = error if "get_ipython()" in translated else first
        raise _syntax_error(fault, text, translated, place) from None


def _translated(text: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    return TransformerManager().transform_cell(text)  # type: ignore[no-untyped-call]


def _parsed(text: str) -> ast.Module:
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\d" and the like are the user's business
        tree = compile(text, "<cell>", "exec", flags | ast.PyCF_ONLY_AST, dont_inherit=True)
        try:
            compile(tree, "<cell>", "exec", flags, dont_inherit=True)  # finds `return` outside of a function, too
        except RecursionError:  # of a tree; the same as text may be well, such as a sum of a thousand terms
            compile(text, "<cell>", "exec", flags, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    return tree


def line_at(place: Place, line: int) -> int:
    """The line within the user's cell, for line `line` of code whose first one stands at `place` (line 1 if unsaid)."""
    return (1 if place.line is None else place.line) + line - 1


def _syntax_error(error: Exception, text: str, translated: str, place: Place) -> PipelineError:
    if not isinstance(error, SyntaxError):
        deep = isinstance(error, RecursionError | MemoryError)
        what = "more stands within each other here than Python can read" if deep else str(error)
        return PipelineError(problem("E-SYNTAX", place, what=what, source=""))
    line = error.lineno or 1
    lines, others = text.splitlines(), translated.splitlines()
    shown = lines[line - 1] if line <= len(lines) else ""
    same = line <= len(others) and shown == others[line - 1]
    excerpt = f"    {shown.strip()}"
    if error.offset and same:
        column = max(0, error.offset - 1 - (len(shown) - len(shown.lstrip())))
        width = (error.end_offset or 0) - error.offset if error.end_lineno == line else 1
        excerpt += f"\n    {' ' * min(column, len(shown))}{'^' * max(1, min(width, len(shown)))}"
    at = replace(place, line=line_at(place, line))
    return PipelineError(problem("E-SYNTAX", at, what=f"this is not Python: {error.msg}", source=excerpt))


@dataclass(frozen=True, slots=True)
class Names:
    """What names some code defines at its top level and which it reads from there.

    `open_ended` is True when it may define names that cannot be seen: star imports, exec, %run.
    """

    defined: frozenset[str] = frozenset()
    used: frozenset[str] = frozenset()
    open_ended: bool = False


def names_of(code: Code) -> Names:
    """The names of a cell. Scopes are those of Python itself (symtable), so comprehensions, lambdas, class bodies,
    `global` and `del` count as they do when the code runs."""
    defined: set[str] = set()
    used: set[str] = set()
    _walk_scopes(symtable.symtable(code.text, "<cell>", "exec"), defined, used)
    open_ended = False
    for node, _ in code.parts:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            open_ended = True
        elif isinstance(node, ast.Call):
            open_ended |= isinstance(node.func, ast.Name) and node.func.id in _BRINGING_CALLS
            magic, words = _magic_call(node)
            open_ended |= magic in _BRINGING_MAGICS
            defined.update(words)
    return Names(frozenset(defined), frozenset(used), open_ended)


def _walk_scopes(top: symtable.SymbolTable, defined: set[str], used: set[str]) -> None:
    to_do = [top]
    while to_do:
        table = to_do.pop()
        to_do += table.get_children()
        for symbol in table.get_symbols():
            if table is not top and not symbol.is_global():
                continue
            bound = symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()
            if bound and (table is top or symbol.is_declared_global()):
                defined.add(symbol.get_name())
            if symbol.is_referenced():
                used.add(symbol.get_name())


def _magic_call(node: ast.Call) -> tuple[str, list[str]]:
    """The magic that a translated call stands for, and the words in its line, which it may define (`%time x = 1`)."""
    function = node.func
    if not (isinstance(function, ast.Attribute) and function.attr in ("run_line_magic", "run_cell_magic")):
        return "", []
    texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
    return (texts[0] if texts else ""), re.findall(r"[A-Za-z_]\w*", " ".join(texts[1:]))


def free_names(code: Code, shared: Iterable[Names] = (), given: Iterable[str] = ()) -> dict[str, int]:
    """Names that `code` reads and nobody defines, with the line within the cell where each first stands.

    `shared` are the names of the cells that run before it, `given` its parameters. Empty when something in sight may
    define names unseen.
    """
    own = code.names
    before = list(shared)
    if own.open_ended or any(names.open_ended for names in before):
        return {}
    known = own.defined.union(_GIVEN, given, *(names.defined for names in before))
    free = {name for name in own.used - known if not _NUMBERED.fullmatch(name)}
    lines: dict[str, int] = {}
    for node, _ in code.parts:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in free:
            lines[node.id] = min(node.lineno, lines.get(node.id, node.lineno))
    return dict(sorted(((name, lines.get(name, 1)) for name in free), key=lambda item: (item[1], item[0])))
