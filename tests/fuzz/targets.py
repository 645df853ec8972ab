"""The readers as functions of a text, each with what has to hold whatever the text is.

A text is taken, or refused by DagbookError whose problems have codes of the catalogue; nothing else comes out, soon.
Where there is a writer, what was taken is written and read again, and is the same.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from dagbook.runner.core.actions import reactions
from dagbook.runner.core.catalogue import CATALOGUE
from dagbook.runner.core.check import check
from dagbook.runner.core.data_source import check_url
from dagbook.runner.core.dialect import Action, Moment
from dagbook.runner.core.errors import DagbookError, Problem
from dagbook.runner.core.globs import Glob
from dagbook.runner.core.names import clean_title
from dagbook.runner.core.parameter_types import type_of_text
from dagbook.runner.core.quantities import bytes_of, check_image, cpus_of, seconds_of
from dagbook.runner.core.templates import items_of, parts_of, references, script_parts
from dagbook.runner.core.values import Value, check_value, from_json, grid_values, readable, to_json, typed
from dagbook.runner.formats.cell_text import cell_text
from dagbook.runner.formats.cells import parse_edge, parse_node, parse_pipeline
from dagbook.runner.formats.flow_words import approvers_of, condition_of, end_of, mapped_input
from dagbook.runner.formats.git_address import read_git_address
from dagbook.runner.formats.magic_table import MAGICS
from dagbook.runner.formats.native import write_native
from dagbook.runner.formats.notebook import read_notebook
from dagbook.runner.formats.percent import is_percent
from dagbook.runner.formats.pipeline_file import without_places
from dagbook.runner.formats.recognised import Wishes, read_pipelines

DEFINING = ("pipeline_node", "pipeline_command", "pipeline_notebook", "pipeline_data")
TITLES = ("a", "Train model", "b.c")
HERE = Path("/nonexistent")


def refused(read: Callable[[], object]) -> bool:
    """Whether `read` refuses, with problems that are known."""
    try:
        read()
    except DagbookError as error:
        return _are_known(error.problems)
    return False


def _are_known(problems: Sequence[Problem]) -> bool:
    assert problems
    assert all(one.code in CATALOGUE and one.message for one in problems)
    return True


def magic_line(text: str) -> None:
    """A magic line; a node that it defines is written as a cell, and read again."""
    line, _, rest = text.partition("\n")
    for magic in DEFINING:
        body = rest if MAGICS[magic].cell else ""
        if refused(partial(parse_node, magic, line, body)):
            continue
        node = parse_node(magic, line, body)
        if refused(partial(cell_text, node)):
            continue
        head, _, below = cell_text(node).partition("\n")
        name, _, written = head.lstrip("%").partition(" ")
        assert same(parse_node(name, written, below).model_dump(), node.model_dump()), cell_text(node)
    refused(partial(parse_pipeline, line))
    refused(partial(parse_edge, line))


def notebook(text: str) -> None:
    """A notebook file."""

    def read() -> None:
        found = read_notebook(HERE / "n.ipynb", text=text)
        assert all(one.place.file for one in found.problems)
        list(check(found.pipeline))

    refused(read)


def percent(text: str) -> None:
    """A notebook as a script."""
    if is_percent(text):
        refused(lambda: read_notebook(HERE / "n.py", text=text))


def yaml(text: str) -> None:
    """A file of pipelines in whatever format; what it holds is written in ours, and read again."""
    for wishes in (Wishes(), Wishes(repair=True, strict=True, csv_grid=True)):
        imported = read_pipelines(text, "p.yaml", wishes)
        assert all(one.problem.place.file and one.problem.code in CATALOGUE for one in imported.records)
        for pipeline in imported.pipelines:
            list(check(pipeline))
        made = [without_places(pipeline) for pipeline in imported.pipelines]
        if made:
            again = read_pipelines(write_native(made), "p.yaml")
            assert same([one.model_dump() for one in again.pipelines], [one.model_dump() for one in made])


def template(text: str) -> None:
    """A text with references in braces."""
    refused(lambda: parts_of(text, TITLES))
    refused(lambda: script_parts(text, TITLES))
    refused(lambda: list(references([text, [text]], TITLES)))
    items_of(text)


def condition(text: str) -> None:
    """A condition, an approval, an end of an edge, a mapped input; a test of an action."""
    if not refused(lambda: condition_of(text)):
        made = condition_of(text)
        assert condition_of(str(made)) == made
    refused(partial(approvers_of, text))
    refused(partial(end_of, text))
    refused(partial(mapped_input, text))
    refused(lambda: reactions([Action(when=(Moment.STARTING,), test=(text,))], Moment.STARTING, {"a": 1}, {"b": 2}))


def value(text: str) -> None:
    """A value of a parameter or an axis, and the type of one."""
    type_of_text(text)
    made: list[Value] = []
    if not refused(lambda: made.append(check_value("x", typed(text)))):
        kept = json.loads(json.dumps(to_json(made[0]), allow_nan=False))
        assert same(from_json(kept), made[0])
        readable(made[0])
    refused(lambda: check_value("x", grid_values("x", text)))


def word(text: str) -> None:
    """A title, an image, an amount, an address, a glob."""
    readers: list[Callable[[str], object]] = [clean_title, check_image, bytes_of, seconds_of, cpus_of, check_url]
    for read in (*readers, read_git_address):
        refused(partial(read, text))
    refused(lambda: Glob(text).matches("/a/b.csv"))


def same(one: object, other: object) -> bool:
    """Equal, where NaN equals itself and no kind of value another."""
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return type(one) is type(other) and one == other


TARGETS: dict[str, Callable[[str], None]] = {
    one.__name__: one for one in (magic_line, notebook, percent, yaml, template, condition, value, word)
}
