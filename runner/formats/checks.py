"""What is wrong with the code of a node, found before it runs: syntax, questions to nobody, names of other places.

A cell tag `raises-exception` means nothing to a node: code that raises fails it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..core.errors import PipelineError, Place, Problem, problem
from ..core.model import WITHOUT_WORK, Defaults, Kind, Node
from ..core.usual_imports import USUAL_IMPORTS
from ..core.values import half_character
from .notebook_file import language_of_kernel
from .other_languages import other_language
from .plain_secrets import may_hold_secrets, secrets_in_code, secrets_in_script, secrets_of_line
from .python_code import Code, Names, free_names, line_at, read_code
from .python_walk import names_at
from .read_findings import Surroundings
from .reads import reads_in_code, reads_in_text

_ASKING = {"input": "input", "raw_input": "input", "getpass": "getpass"}
_WRITING = ("to_", "save", "write", "dump", "mkdir", "touch", "rename", "log_", "export")
_JOINING = frozenset({"join", "Path", "PurePath", "PosixPath", "PurePosixPath"})
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
            found.append(read_code(body).names)
        except PipelineError:
            found.append(Names(open_ended=True))
    return found


def check_shared(body: str, place: Place) -> list[Problem]:
    """Findings in a %%pipeline_shared cell: E-SYNTAX, W-SECRET-TEXT, E-STDIN for what asks as soon as it runs."""
    try:
        code = read_code(body, place)
    except PipelineError as error:
        return list(error.problems)
    return [*_asking(code, Names(), place, top_level_only=True), *secrets_in_code(code, place)]


def check_node(
    node: Node,
    shared: Sequence[Names] = (),
    defaults: Defaults = Defaults(),  # noqa: B008  (immutable)
    project: Path | None = None,
    parameters: Mapping[str, object] | None = None,
    around: Surroundings | None = None,
) -> list[Problem]:
    """Findings in the body of a cell or command node.

    E-SYNTAX, E-STDIN, W-FREE-NAME, W-EMPTY-BODY, W-CODE-PATH (only when `project`, the folder shown at /code, is
    given), and what it takes and does not find `around` it (E-NO-INPUT and the like; not looked at without).
    `shared` comes from `shared_names`; `parameters` are the pipeline's, to be offered where one is used without being
    taken.
    """
    context = _Context(shared, defaults, project, parameters or {}, around)
    found = [*secrets_of_line(node), *_body_findings(node, context)]
    if node.defined and not node.code_at:  # where its lines stand in that program is not known
        found = [replace(one, place=node.place) for one in found]
    return found


def check_reads(node: Node, defaults: Defaults, around: Surroundings) -> list[Problem]:
    """What the body of a cell or command node takes and does not find around it: E-NO-INPUT and the like."""
    if _has_no_body(node):
        return []
    if not is_python(node, defaults):
        return list(around.findings(node, reads_in_text(node.source), _above(node)))
    try:
        code = read_code(node.source)
    except PipelineError:  # told when it was defined
        return []
    return list(around.findings(node, reads_in_code(code, around.shared), _above(node)))


@dataclass(frozen=True, slots=True)
class _Context:
    """What is known of the pipeline that a body belongs to; see `check_node`."""

    shared: Sequence[Names]
    defaults: Defaults
    project: Path | None
    parameters: Mapping[str, object]
    around: Surroundings | None


def _has_no_body(node: Node) -> bool:
    return node.kind in (Kind.NOTEBOOK, *WITHOUT_WORK) or bool(node.transform or node.unresolved)


def _body_findings(node: Node, context: _Context) -> list[Problem]:
    place, around = _above(node), context.around
    if _has_no_body(node):
        return []
    if not node.source.strip():
        return [problem("W-EMPTY-BODY", place)]
    if not is_python(node, context.defaults):
        if half := half_character(node.source):
            what = f"this holds half of a character ({half}), which no file can hold"
            return [problem("E-SYNTAX", place, what=what, source="")]
        reads = around.findings(node, reads_in_text(node.source), place) if around else ()
        return [*reads, *secrets_in_script(node.source, place)]
    try:
        code = read_code(node.source, place)
    except PipelineError as error:
        meant = other_language(node.source)
        return [replace(one, hint=f"{meant}\n{one.hint}") if meant else one for one in error.problems]
    if code.is_empty:
        return [problem("W-EMPTY-BODY", place)]
    known = Names(frozenset().union(*(names.defined for names in context.shared)))
    found = [*_asking(code, known, place), *_free(node, code, context, place), *secrets_in_code(code, place)]
    if around:
        found += around.findings(node, reads_in_code(code, around.shared), place)
    return found + (list(_project_paths(code, context.project, place)) if context.project else [])


def _above(node: Node) -> Place:
    """The line above the first one of the node's code: in a cell its magic."""
    if node.code_at:
        return Place(file=node.code_at.file, line=node.code_at.line - 1, node=node.title)
    return replace(node.place, line=1)


def _free(node: Node, code: Code, context: _Context, place: Place) -> list[Problem]:
    own = context.around.parameters(node) if context.around else (*node.params, *node.uses, *node.grid)
    free = free_names(code, context.shared, own)
    if not free:
        return []
    names = list(free)
    shown = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
    offered = [name for name in names if name in context.parameters]
    hint = "Define it in the node, in a %%pipeline_shared cell, or read it from /input."
    imports = [f"import {line}" for name in names if (line := USUAL_IMPORTS.get(name))]
    if meant := other_language(node.source):
        hint = meant
    elif node.defined:
        hint = "Import or define it in the node's own code, or give that code to the pipeline: Pipeline(shared=...)."
    elif imports:
        hint = f"Write it in this cell, or in a %%pipeline_shared one: {'; '.join(imports)}"
    elif offered:
        hint = f"Take the pipeline's parameter: --param {' '.join(offered)}"
    verb = "is defined" if len(names) == 1 else "are defined"
    at = replace(place, line=line_at(place, free[names[0]]))
    return [problem("W-FREE-NAME", at, names=shown, verb=verb, hint=hint)]


def check_code(code: Code, place: Place) -> list[Problem]:
    """Findings in one cell of a notebook node: E-STDIN, W-SECRET-TEXT."""
    return [*_asking(code, Names(), place), *secrets_in_code(code, place)]


def check_plain(source: str, place: Place) -> list[Problem]:
    """W-SECRET-TEXT in a cell that defines nothing; whatever else is wrong with it is the notebook's own business."""
    if not may_hold_secrets(source):
        return []
    try:
        return list(secrets_in_code(read_code(source, replace(place, line=0)), replace(place, line=0)))
    except PipelineError:
        return []


def _asking(code: Code, known: Names, place: Place, top_level_only: bool = False) -> list[Problem]:
    if not any(name in code.text for name in _ASKING):
        return []
    own = code.names.defined | known.defined
    imported = _imported_getpass(code)
    found = []
    for node in _calls(code, top_level_only):
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
        for node, _ in code.parts
        if isinstance(node, ast.ImportFrom) and node.module == "getpass"
        for alias in node.names
        if alias.name == "getpass"
    }


def _calls(code: Code, top_level_only: bool) -> Iterator[ast.Call]:
    inside = _inside(code, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) if top_level_only else set()
    yield from (node for node, _ in code.parts if isinstance(node, ast.Call) and node not in inside)


def _inside(code: Code, kinds: tuple[type[ast.AST], ...]) -> set[ast.AST]:
    """All that stands inside of parts of these kinds."""
    return {part for node, _ in code.parts if isinstance(node, kinds) for part in ast.walk(node)}


def _project_paths(code: Code, project: Path, place: Place) -> Iterator[Problem]:
    """Text literals that name a file, but not those in f-strings, below another folder, or handed to a call that
    writes."""
    texts = [(node, node.value) for node, _ in code.parts if isinstance(node, ast.Constant)]
    naming = [(node, text) for node, text in texts if isinstance(text, str) and _names_a_file(text, project)]
    if not naming:
        return
    other = _inside(code, (ast.JoinedStr,)) | _below_another(code)
    other |= {part for call in _calls(code, False) if _writes(call) for part in ast.walk(call)}
    told: set[str] = set()
    for node, literal in naming:
        if literal not in told and node not in other:
            told.add(literal)
            at = replace(place, line=line_at(place, node.lineno))
            better = "/code/" + literal.removeprefix("./")
            yield problem("W-CODE-PATH", at, literal=literal, better=better)


def _below_another(code: Code) -> set[ast.AST]:
    """The texts that name something in a folder that comes before them: `folder / "x.csv"`, `join(folder, "x.csv")`."""
    found: set[ast.AST] = set()
    for node, _ in code.parts:
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Add):
            found.add(node.right)
        elif isinstance(node, ast.Call):
            name, *_ = names_at(node.func)
            found.update(node.args if name == "joinpath" else node.args[1:] if name in _JOINING else ())
    return found


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
