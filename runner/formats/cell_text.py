"""From a node or an edge to the text of the cell that defines it: the inverse of `cells`.

What is written is read back before it is handed out, so a cell never says something else than what was meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ..core.dialect import Secret
from ..core.edge import Edge, Port
from ..core.errors import PipelineError, problem
from ..core.model import WHERE, Defaults, Node
from ..core.values import Value, grid_values, shown
from .cells import KINDS, parse_edge, parse_node, parse_pipeline
from .flow_words import ALL_FILES
from .magic_table import MAGICS
from .options import option_names

_MAGIC_OF = {kind: magic for magic, kind in KINDS.items()}
_BARE = re.compile(r"[\w@%+=:,./#~^*-]+")  # words of these need no quotes, in a shell's eyes and in ours
_SIZES = (("t", 2**40), ("g", 2**30), ("m", 2**20), ("k", 2**10))
_TIMES = (("d", 86400), ("h", 3600), ("m", 60))


def cell_text(node: Node) -> str:
    """The cell that defines `node`: `%%pipeline_node "Train model" --after prepare` and the code below it.

    Options stand in the order of the reference, what is as by default is left out. Raises PipelineError (E-CELL-TEXT)
    for a node that no magic line can say: a text parameter that would be read as a number, a line break in a value.
    """
    line = magic_line(node)
    magic = MAGICS[_MAGIC_OF[node.kind]]
    return f"{magic.spelled} {line}\n{node.source}" if magic.cell else f"{magic.spelled} {line}"


def magic_line(node: Node) -> str:
    """What stands behind the magic's name in the cell of `node`. Raises PipelineError (E-CELL-TEXT)."""
    if node.kind not in _MAGIC_OF:
        why = f"there is no magic for a node of the kind {node.kind}"
        raise PipelineError(problem("E-CELL-TEXT", what=f'"{node.title}"', why=why, hint="Write it as YAML."))
    magic = _MAGIC_OF[node.kind]
    line = " ".join([quoted(node.title), *(word for name in option_names(magic) for word in _option_words(name, node))])
    _check(f'"{node.title}"', line, lambda: _said(parse_node(magic, line, node.source)), _said(node))
    return line


def _option_words(name: str, node: Node) -> list[str]:
    """An option with its values, as far as the node says something there."""
    if name == "--gather" and node.gather == node.after != ():
        return [name]  # alone: all of them
    if spell := _SPELLED.get(name):
        values = list(spell(node))
        return [name, *map(quoted, values)] if values else []
    return [name] if name in _SWITCHES and _SWITCHES[name](node) else []


def defaults_line(defaults: Defaults) -> list[str]:
    """The options of `%pipeline` that give these defaults. Raises PipelineError (E-CELL-TEXT)."""
    said = Node(title="defaults", **{name: getattr(defaults, name) for name in defaults.model_fields_set})
    words = [word for name in option_names("pipeline") for word in _option_words(name, said)]
    said_back = defaults.model_dump(mode="json")
    _check("the pipeline's defaults", " ".join(words), lambda: _read_defaults(words), said_back)
    return words


def _read_defaults(words: list[str]) -> dict[str, Any]:
    return parse_pipeline(" ".join(words))[1].model_dump(mode="json")


def edge_text(edge: Edge) -> str:
    """The line that draws `edge`: `%pipeline_edge prepare.output.*.csv "Train model".input.table`.

    Raises PipelineError (E-CELL-TEXT).
    """
    ends = (
        f"{edge.source}.{edge.source_port}.{edge.source_key}",
        f"{edge.target}.{edge.target_port}.{edge.target_key}",
    )
    line = " ".join([*map(quoted, ends), *(["--optional"] if edge.optional else [])])
    _check(f"the edge {edge}", line, lambda: parse_edge(line).model_dump(), edge.model_dump())
    return f"%pipeline_edge {line}"


def quoted(word: str) -> str:
    """`word` as it stands in a magic line: as it is, or in the quotes that change nothing in it."""
    if _BARE.fullmatch(word) and not word.startswith("--"):
        return word
    if "'" not in word and ('"' in word or "\\" in word):
        return f"'{word}'"
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _check(what: str, line: str, read: Callable[[], dict[str, Any]], meant: dict[str, Any]) -> None:
    """Raise PipelineError (E-CELL-TEXT) unless the line is one line and reading it gives what was meant."""
    why, hint = "", "Change the value, or set it in the node's code."
    if len(line.splitlines()) > 1:
        why = "a value holds a line break, and a magic is one line"
    else:
        try:
            found = read()
        except PipelineError as error:
            why, hint = error.problems[0].message.splitlines()[0], error.problems[0].hint or hint
        else:
            lost = [name for name in meant if repr(found[name]) != repr(meant[name])]  # 1, 1.0 and True differ
            why = f"{', '.join(lost)} would be read back differently" if lost else ""
    if why:
        raise PipelineError(problem("E-CELL-TEXT", what=what, why=why, hint=hint))


def _said(node: Node) -> dict[str, Any]:
    """All that the text of a cell can say of a node, conditions as they are spelled."""
    said = node.model_dump(mode="json", exclude=set(WHERE))
    return {**said, "when": [condition.written for condition in node.when]}


def _one(value: object) -> list[str]:
    return [] if value is None else [str(value)]


def param_words(node: Node) -> Iterable[str]:
    """The values of `--param`: names taken from the pipeline, then the node's own."""
    yield from node.uses
    for name, value in node.params.items():
        yield f"{name}={shown(value)}"


def grid_words(node: Node) -> Iterable[str]:
    """The values of `--grid`."""
    for name, values in node.grid.items():
        yield f"{name}={_grid_text(name, values)}"


def _grid_text(name: str, values: list[Value]) -> str:
    """`0.1,0.01` where that is read back as these values, else a list as Python writes it."""
    plain = ",".join(map(shown, values))
    try:
        same = repr(grid_values(name, plain)) == repr(values)
    except PipelineError:
        same = False
    return plain if same else repr(values)


def _input_words(node: Node) -> Iterable[str]:
    for edge in node.edges:
        if (edge.source_port, edge.target_port) == (Port.OUTPUT, Port.INPUT):
            glob = "" if edge.source_key == ALL_FILES else f"/{edge.source_key}"
            yield f"{edge.target_key}{'?' if edge.optional else ''}={edge.source}{glob}"


def _secret_word(secret: Secret) -> str:
    return f"{secret.variable}={secret}" if secret.variable else str(secret)


def _map_words(node: Node) -> Iterable[str]:
    if node.datums:
        yield f"{node.datums.input.repo}:{node.datums.input.glob}"


def _amount(value: float | None, units: tuple[tuple[str, int], ...]) -> list[str]:
    """`value` in the largest unit that it is a whole number of."""
    if value is None:
        return []
    for letter, size in units:
        if value >= size and value % size == 0:
            return [f"{int(value // size)}{letter}"]
    return [str(int(value) if float(value).is_integer() else value)]


_SPELLED: dict[str, Callable[[Node], Iterable[str]]] = {
    "--after": lambda node: node.after,
    "--path": lambda node: _one(node.path),
    "--url": lambda node: _one(node.url),
    "--artifact": lambda node: node.artifacts,
    "--pin": lambda node: _one(node.pin),
    "--param": param_words,
    "--grid": grid_words,
    "--input": _input_words,
    "--map": lambda node: _map_words(node),
    "--workers": lambda node: [str(node.datums.workers)] if node.datums and node.datums.workers > 1 else [],
    "--when": lambda node: (condition.written for condition in node.when),
    "--approve": lambda node: [",".join(node.approve)] if node.approve else [],
    "--notify-on": lambda node: [",".join(node.notify.events)] if node.notify and node.notify.events else [],
    "--email": lambda node: [",".join(node.notify.emails)] if node.notify and node.notify.emails else [],
    "--image": lambda node: _one(node.image),
    "--requirements": lambda node: node.requirements or (),
    "--prerun": lambda node: _one(node.prerun),
    "--kernel": lambda node: _one(node.kernel),
    "--cpus": lambda node: _amount(node.cpus, ()),
    "--memory": lambda node: _amount(node.memory, _SIZES),
    "--gpus": lambda node: _one(node.gpus),
    "--compute": lambda node: [",".join(node.compute)] if node.compute else [],
    "--git": lambda node: _one(node.git),
    "--env": lambda node: (f"{name}={value}" for name, value in node.env.items()),
    "--secret": lambda node: (_secret_word(one) for one in node.secrets if not one.path),
    "--timeout": lambda node: _amount(node.timeout, _TIMES),
    "--retries": lambda node: _one(node.retries),
    "--on-error": lambda node: _one(node.on_error),
    "--executor": lambda node: _one(node.executor),
    "--left": lambda node: _one(node.left),
    "--top": lambda node: _one(node.top),
    "--gather": lambda node: node.gather,
}
_SWITCHES: dict[str, Callable[[Node], bool]] = {
    "--single": lambda node: node.single,
    "--network": lambda node: node.network is True,
    "--no-network": lambda node: node.network is False,
    "--no-cache": lambda node: node.cache is False,
}
