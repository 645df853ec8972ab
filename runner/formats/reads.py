"""What the body of a node takes from around it: files under /input and /data, variables, parameters.

In Python by the syntax tree, paths put together of literals among them; in anything else by what stands in the text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from .python_code import Code
from .python_walk import names_at


class What(StrEnum):
    """What is taken."""

    INPUT = "input"  # the files of a node or slot; `name` is the folder, or the title as it is given to the helper
    DATA = "data"  # a dataset
    PARAMETER = "parameter"  # of the node itself
    VARIABLE = "variable"  # of the environment


@dataclass(frozen=True, slots=True)
class Read:
    """One thing that a body takes: which, how that is spelled there, the line of the code, whether it surely is."""

    what: What
    name: str
    spelled: str
    line: int
    surely: bool = False


class _Text(NamedTuple):
    """A text that is put together of literals; `whole` is False where something unknown follows."""

    text: str
    whole: bool = True


_HINTS = re.compile(r"/input|/data|INPUT_|DATA_|DAGBOOK_|CNVRG_|\bdagbook\b|\b(?:input|data|param)\(")
_PLACE = re.compile(r"/(input|data)/([^/]+)(/|$)")
_IN_TEXT = re.compile(r"(?<![\w./$}-])/(input|data)/([A-Za-z0-9_.-]*[A-Za-z0-9_-])(?![A-Za-z0-9_.*?\[{$-])")
_VARIABLE = re.compile(r"\$\{?((?:INPUT|DATA|DAGBOOK|CNVRG)_[A-Z0-9_]+)(?=\}|[^\w}]|$)")
_GLOB = re.compile(r"[*?\[{$%]")
_OURS = ("INPUT_", "DATA_", "DAGBOOK_", "CNVRG_")

# Functions, by module, that fail at once where the path is not there. Of methods of a path only the name counts.
_READERS: dict[str, re.Pattern[str]] = {
    "": re.compile(r"open"),
    "io": re.compile(r"open"),
    "gzip": re.compile(r"open"),
    "pandas": re.compile(r"read_\w+"),
    "polars": re.compile(r"read_\w+"),
    "numpy": re.compile(r"load|loadtxt|genfromtxt|fromfile"),
    "joblib": re.compile(r"load"),
    "torch": re.compile(r"load"),
    "os": re.compile(r"listdir|scandir|stat"),
    "shutil": re.compile(r"copy|copy2|copyfile|copytree"),
}
_METHODS = re.compile(r"read_text|read_bytes|open")
_PATHS = frozenset({"Path", "PurePath", "PosixPath", "PurePosixPath"})
_SHELLS = frozenset({"system", "getoutput", "run_cell_magic"})  # what IPython makes of `!cat` and `%%bash`


def reads_in_text(text: str) -> list[Read]:
    """What a script, or code in another language than Python, takes; comments of whole lines left out."""
    found = []
    for number, line in enumerate(text.splitlines(), 2):  # line 1 is the magic's
        if line.lstrip().startswith("#") or ("/" not in line and "$" not in line):
            continue
        found += [Read(What(one[1]), one[2], one[0], number) for one in _IN_TEXT.finditer(line)]
        found += [Read(What.VARIABLE, one[1], f"${one[1]}", number) for one in _VARIABLE.finditer(line)]
    return found


@dataclass(frozen=True, slots=True)
class Meaning:
    """What names stand for: `paths` made of literals (`INPUT = Path("/input")`), `modules` that are imported, what is
    `imported` from one (as `module:name`), and all that is `defined`."""

    paths: Mapping[str, str] = field(default_factory=dict)
    modules: Mapping[str, str] = field(default_factory=dict)
    imported: Mapping[str, str] = field(default_factory=dict)
    defined: frozenset[str] = frozenset()

    def then(self, later: Meaning) -> Meaning:
        """What they stand for when the code of `later` has run, too."""

        def now(before: Mapping[str, str], after: Mapping[str, str]) -> dict[str, str]:
            return {name: to for name, to in before.items() if name not in later.defined} | dict(after)

        return Meaning(
            now(self.paths, later.paths),
            now(self.modules, later.modules),
            now(self.imported, later.imported),
            self.defined | later.defined,
        )


def meaning_of(code: Code, before: Meaning = Meaning()) -> Meaning:
    """What the names of a cell stand for that runs after code in which they stand for `before`."""
    return _Reader(code, before).meaning


def reads_in_code(code: Code, shared: Meaning = Meaning()) -> list[Read]:
    """What Python takes. `shared` is what names stand for in the shared cells that run before it."""
    if not _HINTS.search(code.text) and not shared.paths:
        return []
    return list(_Reader(code, shared).reads())


class _Reader:
    """Goes through the parts of one cell."""

    def __init__(self, code: Code, before: Meaning) -> None:
        self._code = code
        self._paths: Mapping[str, str] = {}
        modules, imported = _imports(code)
        self.meaning = before.then(Meaning(self._assigned(), modules, imported, code.names.defined))
        self._paths = self.meaning.paths

    def _assigned(self) -> dict[str, str]:
        """The names at the top level that are given once, and a path made of literals."""
        bound: dict[str, int] = {}
        for node, _ in self._code.parts:
            if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
                bound[node.id] = bound.get(node.id, 0) + 1
        found: dict[str, str] = {}
        for statement in self._code.tree.body:
            if isinstance(statement, ast.Assign) and isinstance(target := statement.targets[0], ast.Name):
                self._paths = found
                text = self._text(statement.value) if bound[target.id] == len(statement.targets) == 1 else None
                if text and text.whole and text.text.startswith(("/input", "/data")):
                    found[target.id] = text.text
        return found

    def reads(self) -> Iterator[Read]:
        """All that is taken, each place once."""
        surely: dict[ast.AST, bool] = {}
        inside: set[ast.AST] = set()
        for node, come_to in self._code.parts:
            if isinstance(node, ast.Call):
                yield from self._of_call(node, come_to)
                for path in self._paths_read(node) if come_to else ():
                    surely[path] = True
            elif isinstance(node, ast.Subscript):
                yield from self._of_variable(node, come_to)
            elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
                inside.add(node.value)  # a docstring, or a text that is only shown
            if node not in inside and isinstance(node, ast.expr) and (text := self._text(node)):
                inside.update(ast.walk(node))
                yield from _at_place(node, text, surely.get(node, False))

    def _text(self, node: ast.expr) -> _Text | None:
        """The beginning of a text or path that is made of literals; None for anything else."""
        if isinstance(node, ast.Constant):
            return _Text(node.value) if isinstance(node.value, str) and node.value.startswith("/") else None
        if isinstance(node, ast.Name):
            known = self._paths.get(node.id) if isinstance(node.ctx, ast.Load) else None
            return _Text(known) if known else None
        if isinstance(node, ast.JoinedStr):
            return self._joined_text(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Add):
            left = self._text(node.left)
            return _joined(left, [node.right], "/" if isinstance(node.op, ast.Div) else "") if left else None
        if isinstance(node, ast.Call) and node.args:
            first, *others = names_at(node.func)
            if first in _PATHS or (first == "join" and others[:1] == ["path"]):
                begun = self._text(node.args[0])
                return _joined(begun, node.args[1:], "/") if begun else None
            if first in ("str", "fspath"):
                return self._text(node.args[0])
            if first == "joinpath" and isinstance(node.func, ast.Attribute):
                begun = self._text(node.func.value)
                return _joined(begun, node.args, "/") if begun else None
        return None

    def _joined_text(self, node: ast.JoinedStr) -> _Text | None:
        text, whole = "", True
        for part in node.values:
            value: str | None = None
            if isinstance(part, ast.Constant):
                value = str(part.value)
            elif isinstance(part, ast.FormattedValue) and isinstance(part.value, ast.Name):
                value = self._paths.get(part.value.id)
            if value is None:
                whole = False
                break
            text += value
        return _Text(text, whole) if text.startswith("/") else None

    def _of_call(self, call: ast.Call, come_to: bool) -> Iterator[Read]:
        first, *others = names_at(call.func)
        helper = self._helper(first, others)
        argument = _literal(call.args[0]) if call.args else None
        if argument is not None and helper:
            given = len(call.args) > 1 or bool(call.keywords)
            if not (helper == "param" and given):
                what = What.PARAMETER if helper == "param" else What(helper)
                yield Read(what, argument, f'dagbook.{helper}("{argument}")', call.lineno, come_to)
        elif argument is not None and (first == "getenv" or (first == "get" and others[:1] == ["environ"])):
            yield from _variable(argument, call.lineno, False)
        elif first in _SHELLS:
            texts = [text for one in call.args if (text := _literal(one))]
            for read in reads_in_text("\n".join(texts)):
                yield Read(read.what, read.name, read.spelled, call.lineno)

    def _helper(self, name: str, others: Sequence[str]) -> str:
        """`input`, `data` or `param` where that is dagbook's own function of that name."""
        if others == ["dagbook"] and name in ("input", "data", "param"):
            return name
        module, _, original = self.meaning.imported.get(name, "").partition(":")
        return original if not others and module == "dagbook" and original in ("input", "data", "param") else ""

    def _of_variable(self, node: ast.Subscript, come_to: bool) -> Iterator[Read]:
        name = _literal(node.slice)
        if name is not None and isinstance(node.ctx, ast.Load) and names_at(node.value)[0] == "environ":
            yield from _variable(name, node.lineno, come_to)

    def _paths_read(self, call: ast.Call) -> Iterator[ast.expr]:
        """The paths that this call surely opens for reading."""
        first, *others = names_at(call.func)
        if isinstance(call.func, ast.Attribute) and _METHODS.fullmatch(first):
            yield from [] if first == "open" and _writes(call, 0) else [call.func.value]
        if not others:
            module, _, original = self.meaning.imported.get(first, "").partition(":")
            module, first = (module, original) if module else ("", "" if first in self.meaning.defined else first)
        else:
            module = self.meaning.modules.get(others[0], "?") if len(others) == 1 else "?"
        reader = _READERS.get(module)
        if reader and reader.fullmatch(first) and call.args and not (first == "open" and _writes(call, 1)):
            yield call.args[0]


def _imports(code: Code) -> tuple[dict[str, str], dict[str, str]]:
    """By name the modules that are imported, and what is imported from one, as `module:name`."""
    modules: dict[str, str] = {}
    names: dict[str, str] = {}
    for node, _ in code.parts:
        if isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}:{alias.name}" for alias in node.names}
    return modules, names


def _literal(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _joined(begun: _Text, parts: Sequence[ast.expr], between: str) -> _Text:
    text = begun.text
    if not begun.whole:
        return begun
    for part in parts:
        more = _literal(part)
        if more is None or (between and more.startswith("/")):
            return _Text(text + between, False)
        text = f"{text.rstrip('/')}/{more}" if between else text + more
    return _Text(text)


def _writes(call: ast.Call, position: int) -> bool:
    """Whether a call of `open` is for writing, or may be."""
    modes = [*call.args[position : position + 1], *(word.value for word in call.keywords if word.arg == "mode")]
    return any((text := _literal(mode)) is None or bool(set(text) & set("wax+")) for mode in modes)


def _at_place(node: ast.expr, text: _Text, surely: bool) -> Iterator[Read]:
    found = _PLACE.match(text.text)
    if found is None or _GLOB.search(found[2]) or not (found[3] or text.whole):
        return
    yield Read(What(found[1]), found[2], f"/{found[1]}/{found[2]}", node.lineno, surely)


def _variable(name: str, line: int, surely: bool) -> Iterator[Read]:
    if name.startswith(_OURS):
        yield Read(What.VARIABLE, name, name, line, surely)
