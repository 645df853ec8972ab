"""Secrets that stand where everybody can read them: in the cells of a notebook, on a magic line, on a command line.

What is found is told by name or kind; the value is never shown.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..core.dialect import as_variable
from ..core.errors import Place, Problem, problem
from ..core.masking import secret_in
from ..core.model import Node
from ..core.templates import has_reference
from ..core.values import Value
from .python_code import Code, line_at

_NAMED = re.compile(
    r"(?:password|passwd|passphrase|secret|api_?key|access_?key|secret_?key|private_?key|(token))$", re.IGNORECASE
)
_QUICK = re.compile(r"(?i:pass|secret|key|token)|://|gh[opsur]_|glpat-|hf_|sk-|xox|AKIA|ASIA|AIza|eyJ|Bearer|BEGIN")
_TEMPLATE = re.compile(r"[\s{}<>$%`]|\.\.\.|\*\*")
_NO_SECRET = re.compile(
    r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+"  # the name of a variable
    r"|[./~].*|.*\.(?:json|ya?ml|toml|ini|cfg|env|txt|pem|key)"  # a path
    r"|(?i:x+|your.*|my.*|change.?me|placeholder|none|null|true|false|todo|dummy|test|secret|password|example.*)"
)
_TOKEN = re.compile(r"(?=.*\d)[A-Za-z0-9_.=+/-]{12,}")  # others are words of a tokenizer: pad_token="[PAD]"
_ADDRESS = re.compile(r"://[^/\s:@]*:([^/\s@]+)@")
_SHORTEST = 4
_SHORTEST_KEY = 100  # characters of a private key in PEM
_SHELL = re.compile(r"""(?m)^\s*(?:export\s+)?([A-Za-z_]\w*)=(?:"([^"\n]*)"|'([^'\n]*)'|([^\s"';&|]+))""")
_LIKE_A_KEY = "a text of the kind that services hand out as keys"


def is_secret(name: str, value: Value) -> bool:
    """Whether `value` is most likely a secret that was written out under that name."""
    if not isinstance(value, str) or has_reference(value):
        return False
    if _is_handed_out(value):
        return True
    named = _NAMED.search(name)
    if named is None or len(value) < _SHORTEST or _TEMPLATE.search(value) or _NO_SECRET.fullmatch(value):
        return False
    return named[1] is None or _TOKEN.fullmatch(value) is not None


def _is_handed_out(text: str) -> bool:
    """Whether there is a key of a known kind in it, or an address with a password, that is no example or template."""
    found = secret_in(text)
    if address := _ADDRESS.search(found):
        return not (_TEMPLATE.search(address[1]) or _NO_SECRET.fullmatch(address[1]))
    if found.startswith("-----BEGIN"):
        return "\n" in text.strip() and len(text) > _SHORTEST_KEY
    word = found.removeprefix("Bearer").strip()
    return any(character.isdigit() for character in word) and not _TEMPLATE.search(word)


def may_hold_secrets(text: str) -> bool:
    """Whether it is worth looking closer."""
    return _QUICK.search(text) is not None


def given_secrets(given: Mapping[str, Value]) -> list[Problem]:
    """W-SECRET-GIVEN for parameters given on the command line that look like secrets."""
    return [
        problem("W-SECRET-GIVEN", name=name, variable=as_variable(name))
        for name, value in given.items()
        if is_secret(name.rpartition(".")[2], value)
    ]


def secrets_of_line(node: Node) -> Iterator[Problem]:
    """W-SECRET-TEXT for values of parameters and variables of a node."""
    values = [*node.params.items(), *((name, one) for name, axis in node.grid.items() for one in axis)]
    for name in dict.fromkeys(name for name, value in [*values, *node.env.items()] if is_secret(name, value)):
        yield _told(name, node.place)


def secrets_in_script(text: str, place: Place) -> Iterator[Problem]:
    """W-SECRET-TEXT for a script, or code in another language than Python."""
    for number, line in enumerate(text.splitlines(), 2) if may_hold_secrets(text) else ():
        at = replace(place, line=line_at(place, number))
        found = _SHELL.match(line)
        if found and is_secret(found[1], found[2] or found[3] or found[4] or ""):
            yield _told(found[1], at)
        elif _is_handed_out(line):
            yield _told(_LIKE_A_KEY, at)


def secrets_in_code(code: Code, place: Place) -> Iterator[Problem]:
    """W-SECRET-TEXT for Python: a name, key or argument that is given a literal, and literals that look like one."""
    if not may_hold_secrets(code.text):
        return
    told: set[ast.expr] = set()
    for node, _ in code.parts:
        for name, value in _given(node):
            if isinstance(value, ast.Constant) and value not in told and is_secret(name, _text(value)):
                told.add(value)
                yield _told(name, replace(place, line=line_at(place, value.lineno)))
        if isinstance(node, ast.Constant) and node not in told and _is_handed_out(_text(node)):
            told.add(node)
            yield _told(_LIKE_A_KEY, replace(place, line=line_at(place, node.lineno)))


def _text(value: ast.Constant) -> str:
    return value.value if isinstance(value.value, str) else ""


def _given(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """The names that a part of the code gives a value to, with that value."""
    if isinstance(node, ast.Assign):
        yield from ((_name(target), node.value) for target in node.targets)
    elif isinstance(node, ast.AnnAssign) and node.value:
        yield _name(node.target), node.value
    elif isinstance(node, ast.keyword):
        yield node.arg or "", node.value
    elif isinstance(node, ast.Dict):
        yield from (
            (_text(key), value)
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        )


def _name(target: ast.expr) -> str:
    if isinstance(target, ast.Subscript):
        return _text(target.slice) if isinstance(target.slice, ast.Constant) else ""
    return target.attr if isinstance(target, ast.Attribute) else getattr(target, "id", "")


def _told(name: str, place: Place) -> Problem:
    return problem("W-SECRET-TEXT", place, what=name)
