"""The command that a node of another system runs: its text with the parameters put in, as that system puts them.

Rules: docs/formats.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from shlex import quote

from .dialect import Argument, ArgumentType, Dialect, Several
from .model import Node
from .values import Value, shown

_PLACEHOLDER = re.compile(r"\{(.+?)\}")
_IN_ARGUMENT = re.compile(r"\{(name|value|v)\}")
_ALL = ("parameters", "params")
_FALSE = frozenset({"", "0", "false", "no", "off", "none"})
SOURCE_PATH = "source-path"


def command_of(node: Node, params: Mapping[str, Value]) -> str:
    """The script that the node runs with these parameters. What has None as its value is left out."""
    if node.dialect is Dialect.VALOHAI:
        return _valohai(node, params)
    if node.dialect is Dialect.CNVRG:
        return " ".join([node.source, *map(_cnvrg, params.items())]) if params else node.source
    return node.source


def commands_of(node: Node) -> tuple[str, ...]:
    """The commands of which the node's source is made; one that was written anew is cut into lines, or not at all."""
    counts, lines = node.command_lines, node.source.split("\n")
    if len(counts) > 1 and set(counts) == {1}:
        return tuple(lines)
    if not counts or sum(counts) != len(lines):
        return (node.source,)
    starts = [sum(counts[:number]) for number in range(len(counts))]
    return tuple("\n".join(lines[start : start + count]) for start, count in zip(starts, counts, strict=True))


def arguments_of(node: Node, params: Mapping[str, Value]) -> tuple[Argument, ...]:
    """The node's arguments, and one for each parameter that it did not announce, of the type of its value."""
    announced = {argument.name for argument in node.arguments}
    return (*node.arguments, *(argument_for(name, params[name]) for name in params if name not in announced))


def argument_for(name: str, value: Value) -> Argument:
    """The argument that a parameter is when nothing is said of it but its value."""
    several = Several.REPEAT if isinstance(value, list) else None
    return Argument(name=name, type=_type_of(value), multiple=several)


def _type_of(value: Value) -> ArgumentType:
    if isinstance(value, list):
        types = {_type_of(one) for one in value}
        if types == {ArgumentType.INTEGER, ArgumentType.FLOAT}:
            return ArgumentType.FLOAT
        return types.pop() if len(types) == 1 and types != {ArgumentType.FLAG} else ArgumentType.STRING
    if isinstance(value, bool):
        return ArgumentType.FLAG
    if isinstance(value, int):
        return ArgumentType.INTEGER
    return ArgumentType.FLOAT if isinstance(value, float) else ArgumentType.STRING


def _valohai(node: Node, params: Mapping[str, Value]) -> str:
    arguments = {argument.name: argument for argument in arguments_of(node, params)}

    def text_for(found: re.Match[str]) -> str:
        word, colon, name = found[1].partition(":")
        if found[1] in _ALL:
            return " ".join(quote(bit) for one in arguments.values() for bit in words_for(one, params.get(one.name)))
        if found[1] == SOURCE_PATH and (path := _source_path(node)):
            return quote(path)
        if word == "parameter" and colon and name in arguments:
            return " ".join(map(quote, words_for(arguments[name], params.get(name))))
        if word == "parameter-value" and colon and name in arguments:
            return _value_text(arguments[name], params.get(name))
        return found[0]  # ${HOME}, an awk program: none of ours

    return _joined([_PLACEHOLDER.sub(text_for, command).strip() for command in commands_of(node)])


def _source_path(node: Node) -> str | None:
    """The file that {source-path} stands for, if the step names one."""
    kept = node.origin.get(Dialect.VALOHAI)
    path = kept.get(SOURCE_PATH) if isinstance(kept, dict) else None
    return path if isinstance(path, str) else None


def words_for(argument: Argument, value: Value) -> list[str]:
    """The words, not quoted yet, that give a value to an argument; none for None and for an empty list."""
    template = _template(argument, value)
    if template is None:
        return []
    bits = template.split()  # before the values come in, so that white space in them cuts nothing
    return [_filled(bit, argument.name, atom) for atom in _atoms(argument, value) for bit in bits]


def _template(argument: Argument, value: Value) -> str | None:
    if value is None:
        return None
    if argument.type is not ArgumentType.FLAG:
        return argument.pass_as or "--{name}={value}"
    given = _is_true(value)
    if argument.pass_true_as or argument.pass_false_as:
        return argument.pass_true_as if given else argument.pass_false_as
    return (argument.pass_as or "--{name}") if given else None


def _is_true(value: Value) -> bool:
    """Whether a flag is given; a text, as it comes from a command line, may spell that it is not."""
    return value.strip().lower() not in _FALSE if isinstance(value, str) else bool(value)


def _atoms(argument: Argument, value: Value) -> Iterator[str]:
    if not isinstance(value, list):
        yield str(value)
    elif argument.multiple is Several.SEPARATE:
        if value:  # else there would be a bare `--name=`
            yield argument.separator.join(map(str, value))
    else:
        yield from map(str, value)


def _filled(bit: str, name: str, value: str) -> str:
    return _IN_ARGUMENT.sub(lambda found: name if found[1] == "name" else value, bit)


def _value_text(argument: Argument, value: Value) -> str:
    if value is None:
        return ""
    return quote(argument.separator.join(map(str, value)) if isinstance(value, list) else str(value))


def _joined(commands: Sequence[str]) -> str:
    """The commands as one script that ends at the first failure; a shebang stays the first line."""
    shebang, first = "", commands[0] if commands else ""
    if first.startswith("#!"):
        shebang, _, first = first.partition("\n")
        shebang += "\n"
    told = [command for command in (first, *commands[1:]) if command.strip()]
    return shebang + (" && ".join(map(_closed, told)) if len(told) > 1 else "".join(told))


def _closed(command: str) -> str:
    """The command such that ` && ` can follow it: not within its comment or here-document, not after `;` or `&`."""
    risky = "#" in command or "<<" in command or command.endswith((";", "&", "\\"))
    return f"{{ {command}\n}}" if risky else command


def _cnvrg(parameter: tuple[str, Value]) -> str:
    """`--key='value'`, `--key=number`, a bare `--key` for true and for nothing, `--key=false`."""
    key, value = parameter
    if value is None or value is True:
        return f"--{key}"
    if value is False:
        return f"--{key}=false"
    if isinstance(value, int | float):
        return f"--{key}={value}"
    inside = (",".join(map(shown, value)) if isinstance(value, list) else value).replace("'", "'\"'\"'")
    return f"--{key}='{inside}'"
