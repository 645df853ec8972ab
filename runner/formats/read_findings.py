"""What the body of a node takes that is not there: files of nodes that do not come before it, unknown parameters.

It is an error where the run would surely fail, a warning where it may be caught or never come to.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property, partial

from ..core.dialect import Dialect
from ..core.edge import Port
from ..core.environment import data_variable, input_variable
from ..core.errors import PipelineError, Place, Problem, nearest, problem
from ..core.model import Kind, Node, Pipeline
from ..core.names import slug_of, variable_of
from .python_code import line_at, read_code
from .reads import Meaning, Read, What, meaning_of

# What runs and other systems set by themselves, and what would look like a tag of a node called `job` or `node`.
_SYSTEM = re.compile(r"NODE_RUN|JOB_(ID|TYPE)|OUTPUT_DIR|(COMPUTE|MOUNT|SECRET)_\w+|\w+_PASSED_CONDITION")


class Surroundings:
    """What the nodes of a pipeline find around them. For a pipeline with faults, too: then as far as it is known.

    `given` are the folders below /input that each node sees because the pipeline is a node of another one.
    """

    def __init__(self, pipeline: Pipeline, given: Collection[str] = ()) -> None:
        self._given = frozenset(given)
        self._pipeline = pipeline
        self._by_slug = {node.slug: node for node in pipeline.nodes}

    @cached_property
    def shared(self) -> Meaning:
        """What names stand for when the shared cells have run."""
        meaning = Meaning()
        for body in self._pipeline.shared:
            with suppress(PipelineError):  # what is wrong with it is told where it is checked
                meaning = meaning_of(read_code(body), meaning)
        return meaning

    def inputs(self, node: Node) -> frozenset[str]:
        """The folders below /input that a node sees, by their names."""
        return _Around(self._pipeline, self._by_slug, node, self._given).inputs

    def parameters(self, node: Node) -> list[str]:
        """The names of all parameters of a node, wherever their values come from."""
        return _Around(self._pipeline, self._by_slug, node).parameters

    def findings(self, node: Node, reads: Iterable[Read], place: Place) -> Iterator[Problem]:
        """E-INPUT, W-INPUT and the like for what `node` takes and does not find, each thing once.

        `place` is that of the first line of the code.
        """
        told: dict[tuple[What, str], Read] = {}
        for read in reads:
            key = (read.what, slug_of(read.name) if read.what in (What.INPUT, What.DATA) else read.name)
            if key not in told or (read.surely and not told[key].surely):
                told[key] = read
        around = _Around(self._pipeline, self._by_slug, node, self._given)
        for read in told.values():
            if found := around.missing(read):
                code, what, hint = found
                in_image = read.what is What.DATA and read.spelled.startswith("/")  # perhaps the image has it
                certain = "E" if read.surely and code != "TAG" and not in_image else "W"
                at = replace(place, line=line_at(place, read.line))
                yield problem(f"{certain}-NO-{code}", at, node=node.title, spelled=read.spelled, why=what, hint=hint)


Missing = tuple[str, str, str]  # the rest of the code, why it is not there, what to do


class _Around:
    """What one node finds around it."""

    def __init__(
        self, pipeline: Pipeline, by_slug: dict[str, Node], node: Node, given: frozenset[str] = frozenset()
    ) -> None:
        self._given = given
        self._pipeline = pipeline
        self._by_slug = by_slug
        self._node = node
        self._after = {slug_of(title) for title in node.after}

    @property
    def inputs(self) -> frozenset[str]:
        """The folders below /input."""
        return frozenset({*self._after, *self._slots, *self._given})

    @cached_property
    def _before(self) -> list[Node]:
        return [self._by_slug[slug] for slug in self._after if slug in self._by_slug]

    @cached_property
    def _slots(self) -> list[str]:
        edges = self._pipeline.edges_into(self._node.title)
        filled = [edge.target_key for edge in edges if edge.target_port is Port.INPUT]
        return list(dict.fromkeys([*filled, *(slot.name for slot in self._node.slots)]))

    @cached_property
    def parameters(self) -> list[str]:
        """The names of all its parameters."""
        led = [inner for ends in self._pipeline.targets.values() for title, inner in ends if self._is_here(title)]
        arguments = [argument.name for argument in self._node.arguments]
        known = self._pipeline.parameters_of(self._node)
        return list(dict.fromkeys([*self._node.uses, *known, *self._node.grid, *led, *arguments]))

    def _is_here(self, title: str) -> bool:
        return slug_of(title) == self._node.slug

    def missing(self, read: Read) -> Missing | None:
        """Why what is taken is not there; None where it is, or where nobody knows."""
        if self._node.dialect is Dialect.PACHYDERM and read.what is not What.VARIABLE:
            return None
        look: dict[What, Callable[[str], Missing | None]] = {
            What.INPUT: self._input,
            What.DATA: partial(self._data, path=read.spelled.startswith("/")),
            What.PARAMETER: self._parameter,
            What.VARIABLE: self._variable,
        }
        return look[read.what](read.name)

    def _input(self, name: str) -> Missing | None:
        slug = slug_of(name)
        if name in self._slots or slug in self._slots:
            return None
        node = self._by_slug.get(slug)
        if node is None:
            if slug in self._given or name in self._given:
                return None
            if slug in self._after:  # that there is no such node is told already
                return None
            own = [one.slug for one in self._before if one.kind is not Kind.DATA]
            others = (one for one in self._by_slug.values() if one is not self._node and one.kind is not Kind.DATA)
            known = [*own, *self._slots] or [one.slug for one in others]
            return "INPUT", f"there is no node or slot {name!r}", nearest(name, known)
        if node.kind is Kind.DATA:
            return "INPUT", f'"{node.title}" is a dataset', f"Its files are at /data/{_folder_of(node)}."
        if slug not in self._after:
            slots = [one.target_key for one in self._pipeline.edges_into(self._node.title) if _from(one.source, node)]
            if slots:
                return "INPUT", f'of "{node.title}" only edges lead here', f"Its files are at /input/{slots[0]}."
            return "INPUT", f'"{node.title}" does not come before it', _name_it(node)
        if self._node.single:
            return "INPUT", "a node with --single gets no files", "Take --single away, or do without the files."
        return None

    def _data(self, name: str, path: bool) -> Missing | None:
        slug = slug_of(name)
        node = self._by_slug.get(slug)
        if node is None or node.kind is not Kind.DATA:
            if node is not None and slug in self._after:
                return "DATA", f'"{node.title}" is no dataset', f"Its files are at /input/{slug}."
            known = [_folder_of(one) for one in self._by_slug.values() if one.kind is Kind.DATA]
            close = nearest(name, known)
            if path and not close.startswith("Did you"):  # of that name there may be a folder in the image
                return None
            return "DATA", f"there is no dataset {name!r}", close
        if slug not in self._after:
            return "DATA", f'"{node.title}" does not come before it', _name_it(node)
        return None

    def _parameter(self, name: str) -> Missing | None:
        slug = slug_of(name)
        if any(slug_of(one) == slug for one in self.parameters):
            return None
        if name in self._pipeline.parameters:
            return "PARAM", "the node does not take that parameter", f"Take the pipeline's: --param {name}"
        hint = nearest(name, self.parameters) if self.parameters else f"Give it one: --param {name}=VALUE"
        return "PARAM", f"the node has no parameter {name!r}", hint

    def _variable(self, name: str) -> Missing | None:
        kind, _, rest = name.partition("_")
        if kind == "INPUT":
            known = {input_variable(slug_of(slot)): slot for slot in self._slots}
            return None if name in known else self._input(rest.lower())
        if kind == "DATA":
            data = (one for one in self._by_slug.values() if one.kind is Kind.DATA)
            node = next((one for one in data if data_variable(one.slug) == name), None)
            return self._data(node.slug, path=False) if node else None
        if rest.startswith("TAG_"):
            known_names = {variable_of(kind, "tag", one): one for one in self.parameters}
            return None if name in known_names else self._parameter(rest[4:].lower())
        return self._tag(kind, rest)

    def _tag(self, kind: str, rest: str) -> Missing | None:
        """A variable with the tag of a node that does not come right before."""
        if _SYSTEM.fullmatch(rest):
            return None
        before = {*self._after, *(slug_of(one.source) for one in self._pipeline.edges_into(self._node.title))}
        meant = [one for one in self._by_slug.values() if rest.startswith(f"{one.slug.upper()}_")]
        if not meant or any(one.slug in before for one in meant):
            return None
        node = max(meant, key=lambda one: len(one.slug))
        return "TAG", f'"{node.title}" does not come right before it', _name_it(node)


def _from(title: str, node: Node) -> bool:
    return slug_of(title) == node.slug


def _folder_of(node: Node) -> str:
    """What a dataset is called below /data."""
    return "_".join(node.title.split())


def _name_it(node: Node) -> str:
    title = node.title if " " not in node.title else f'"{node.title}"'
    return f"Name it: --after {title}"
