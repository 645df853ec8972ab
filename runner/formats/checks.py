"""What is wrong with the code of a node, found before it runs: syntax, questions to nobody, names of other places.

A cell tag `raises-exception` means nothing to a node: code that raises fails it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ..core.errors import PipelineError, Place, Problem, problem
from ..core.model import Defaults, Kind, Node
from .notebook_file import language_of_kernel
from .python_code import Code, Names, free_names, line_at, names_of, read_code

_ASKING = {"input": "input", "raw_input": "input", "getpass": "getpass"}
_WRITING = ("to_", "save", "write", "dump", "mkdir", "touch", "rename", "log_", "export")
_LONGEST_PATH = 255


def is_python(node: Node, defaults: Defaults) -> bool:
    """True when the node's body is Python as far as the name of its kernel tells."""
    kernel = node.kernel or defaults.kernel or "python3"
    return node.kind is Kind.CELL and language_of_kernel(kernel) == "python"


def shared_names(shared: Iterable[str]) -> list[Names]:
    """The names that shared cells define; cells that are not Python count as defining anything."""
    found = []
    for body in shared:
        try:
            found.append(names_of(read_code(body)))
        except PipelineError:
            found.append(Names(open_ended=True))
    return found


def check_shared(body: str, place: Place) -> list[Problem]:
    """Findings in a %%pipeline_shared cell: E-SYNTAX, and E-STDIN for what asks as soon as the cell runs."""
    try:
        code = read_code(body, place)
    except PipelineError as error:
        return list(error.problems)
    return _asking(code, Names(), place, top_level_only=True)


def check_node(
    node: Node,
    shared: Sequence[Names] = (),
    defaults: Defaults = Defaults(),  # noqa: B008  (immutable)
    project: Path | None = None,
    parameters: Mapping[str, object] | None = None,
) -> list[Problem]:
    """Findings in the body of a cell or command node.

    E-SYNTAX, E-STDIN, W-FREE-NAME, W-EMPTY-BODY, W-CODE-PATH (only when `project`, the folder shown at /code, is
    given). `shared` comes from `shared_names`; `parameters` are the pipeline's, to be offered where one is used
    without being taken. Bodies in another language than Python are only looked at for being empty.
    """
    found = _body_findings(node, shared, defaults, project, parameters or {})
    if node.defined and not node.code_at:  # where its lines stand in that program is not known
        found = [replace(one, place=node.place) for one in found]
    return found


def _body_findings(
    node: Node, shared: Sequence[Names], defaults: Defaults, project: Path | None, parameters: Mapping[str, object]
) -> list[Problem]:
    place = _above(node)
    if node.kind in (Kind.NOTEBOOK, Kind.DATA, Kind.DEPLOY) or node.transform or node.unresolved:
        return []
    if not node.source.strip():
        return [problem("W-EMPTY-BODY", place)]
    if not is_python(node, defaults):
        return []
    try:
        code = read_code(node.source, place)
    except PipelineError as error:
        return list(error.problems)
    if code.is_empty:
        return [problem("W-EMPTY-BODY", place)]
    known = Names(frozenset().union(*(names.defined for names in shared)))
    found = _asking(code, known, place)
    found += _free(node, code, shared, place, parameters)
    return found + (list(_project_paths(code, project, place)) if project else [])


def _above(node: Node) -> Place:
    """The line above the first one of the node's code: in a cell its magic."""
    if node.code_at:
        return Place(file=node.code_at.file, line=node.code_at.line - 1, node=node.title)
    return replace(node.place, line=1)


def _free(
    node: Node, code: Code, shared: Sequence[Names], place: Place, parameters: Mapping[str, object]
) -> list[Problem]:
    free = free_names(code, shared, (*node.params, *node.uses, *node.grid))
    if not free:
        return []
    names = list(free)
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    offered = [name for name in names if name in parameters]
    hint = "Define it in the node, in a %%pipeline_shared cell, or read it from /input."
    if node.defined:
        hint = "Import or define it in the node's own code, or give that code to the pipeline: Pipeline(shared=...)."
    elif offered:
        hint = f"Take the pipeline's parameter: --param {' '.join(offered)}"
    verb = "is defined" if len(names) == 1 else "are defined"
    at = replace(place, line=line_at(place, free[names[0]]))
    return [problem("W-FREE-NAME", at, names=shown, verb=verb, hint=hint)]


def check_code(code: Code, place: Place) -> list[Problem]:
    """E-STDIN findings in one cell of a notebook node."""
    return _asking(code, Names(), place)


def _asking(code: Code, known: Names, place: Place, top_level_only: bool = False) -> list[Problem]:
    own = names_of(code).defined | known.defined
    imported = _imported_getpass(code)
    found = []
    for node in _calls(code.tree, top_level_only):
        function = node.func
        call = ""
        if isinstance(function, ast.Name) and function.id in imported:
            call = "getpass"
        elif isinstance(function, ast.Name) and function.id in _ASKING and function.id not in own:
            call = _ASKING[function.id]
        elif isinstance(function, ast.Attribute) and function.attr == "getpass":
            call = "getpass.getpass"
        if call:
            found.append(problem("E-STDIN", replace(place, line=line_at(place, node.lineno)), call=call))
    return found


def _imported_getpass(code: Code) -> set[str]:
    return {
        alias.asname or alias.name
        for node in ast.walk(code.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "getpass"
        for alias in node.names
        if alias.name == "getpass"
    }


def _calls(tree: ast.AST, top_level_only: bool) -> Iterator[ast.Call]:
    later = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    for node in ast.iter_child_nodes(tree):
        if top_level_only and isinstance(node, later):
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from _calls(node, top_level_only)


def _project_paths(code: Code, project: Path, place: Place) -> Iterator[Problem]:
    told: set[str] = set()
    for node in _read_literals(code.tree):
        literal = str(node.value)
        if literal not in told and _names_a_file(literal, project):
            told.add(literal)
            at = replace(place, line=line_at(place, node.lineno))
            better = "/code/" + literal.removeprefix("./")
            yield problem("W-CODE-PATH", at, literal=literal, better=better)


def _read_literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Text literals, but not those in f-strings, nor those handed to a call that writes."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Call) and _writes(node)):
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node
        yield from _read_literals(node)


def _writes(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    values = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode")]
    modes = [v.value for v in values if isinstance(v, ast.Constant) and isinstance(v.value, str)]
    if name == "open" and any(set(mode) & set("wax+") for mode in modes):
        return True
    return name.startswith(_WRITING)


def _names_a_file(literal: str, project: Path) -> bool:
    if len(literal) > _LONGEST_PATH or not ({".", "/"} & set(literal)) or literal.startswith(("/", "~")):
        return False
    if any(character in literal for character in "\n\0*?"):
        return False
    try:
        return (project / literal).is_file()
    except (OSError, ValueError):
        return False
