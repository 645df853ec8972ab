"""What a node run is bound to: its texts with the references filled, and a digest of all that it is to run on.

Two node runs with the same digest would do the same thing. An approval holds for the digest that it was given for,
and a resumed run keeps a finished node run only while its digest is the same.
Rules: docs/semantics.md, "Conditions and approval" and "Tags, metrics, parameters".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .lifecycle import PASSED, Created, RunSoFar
from .model import WHERE, Kind, Node, Pipeline
from .nested import bound_text
from .routes import Choice
from .templates import Reference, filled, joined, script_parts
from .upstream import tag_of
from .values import Value, shown, to_json

# These change no result; of parameters and grids only the node run's own values do, and these are bound by themselves.
_NO_RESULT = {"when", "approve", "notify", "retries", "timeout", "on_error", "params", "uses", "grid"}
NOT_BINDING = {*WHERE, "top", "left", *_NO_RESULT}


class Binding:
    """Binds the node runs of one pipeline; `run` is kept up to date by its owner.

    `contents` tells by title what lies behind the words of a definition: image, commit, project files.
    """

    def __init__(self, pipeline: Pipeline, run: RunSoFar, contents: Mapping[str, str] | None = None) -> None:
        self._contents = contents or {}
        self._pipeline = pipeline
        self._run = run
        self._titles = tuple(node.title for node in pipeline.nodes)
        self._defaults = pipeline.defaults.model_dump(mode="json", exclude=NOT_BINDING)
        self._written: dict[str, str] = {}

    def fill(self, choice: Choice, value: Value) -> Value:
        """`value` with its references filled on the route of `choice`. Raises NoSuchTag, NotYetKnown."""
        return filled(value, self._titles, lambda asked: self._tag(choice, asked))

    def environment(self, node: Node, choice: Choice) -> dict[str, str]:
        """The variables that the pipeline and the node give by hand, filled. Raises as `fill`."""
        said = {**self._pipeline.defaults.env, **node.env}
        return {name: shown(self.fill(choice, text)) for name, text in said.items()}

    def script(self, node: Node, choice: Choice) -> str:
        """A command's script, filled; of another node its code. Raises as `fill`."""
        if node.kind is Kind.PIPELINE:
            return bound_text(node.source)
        if node.kind is not Kind.COMMAND or "{" not in node.source:
            return node.source
        parts = script_parts(node.source, self._titles)
        return shown(joined(["", *parts], lambda asked: self._tag(choice, asked)))

    def _tag(self, choice: Choice, asked: Reference) -> Value:
        return tag_of(self._run.node_runs, choice, asked)

    def digest(self, node: Node, choice: Choice, created: Created) -> str:
        """The digest of all that this node run is to run on. Raises as `fill`."""
        bound = {
            "node": self._definition(node),
            "contents": self._contents.get(node.title, ""),
            "params": _plain(created.params),
            "env": self.environment(node, choice),
            "script": self.script(node, choice),
            "place": created.coordinates,
            "inputs": {title: [self._result(id)] for title, id in choice.parents.items()}
            | {f"{title} *": [self._result(id) for id in ids] for title, ids in created.gathered.items()},
        }
        return hashlib.sha256(json.dumps(bound, sort_keys=True).encode()).hexdigest()

    def _definition(self, node: Node) -> str:
        found = self._written.get(node.title)
        if found is None:
            elsewhere = {"source"} if node.kind is Kind.PIPELINE else set()  # it is bound as the script
            written = node.model_dump(mode="json", exclude=NOT_BINDING | elsewhere)
            edges = [str(edge) for edge in self._pipeline.edges_into(node.title)]
            shared: Sequence[str] = self._pipeline.shared if node.kind is not Kind.COMMAND else ()
            found = self._written[node.title] = json.dumps([written, edges, self._defaults, shared], sort_keys=True)
        return found

    def _result(self, id: str) -> Any:
        run = self._run.node_runs[id]
        return [id, run.state in PASSED, run.detail.get("artifact"), _plain(run.tags)]


def choice_of(created: Created) -> Choice:
    """The choice of runs from which a node run came to be."""
    return Choice(created.parents, {**created.gathered, **created.waited})


def _plain(values: Mapping[str, Value]) -> dict[str, Any]:
    return {name: to_json(value) for name, value in sorted(values.items())}
