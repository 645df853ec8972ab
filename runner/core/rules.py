"""What the fate of one node run means for the others: retries, and the rules on errors.

Rules: docs/semantics.md, "States".
"""

from __future__ import annotations

from collections.abc import Mapping

from .lifecycle import BROKEN, PASSED, NodeRun, State
from .model import OnError, Pipeline


class Rules:
    """The rules of one run; `on_error` is the pipeline's, and a node's own wins."""

    def __init__(self, pipeline: Pipeline, on_error: OnError, reused: frozenset[str]) -> None:
        self._nodes = {node.title: node for node in pipeline.nodes}
        self._retries = pipeline.defaults.retries or 0
        self._on_error = on_error
        self._reused = reused

    def retries(self, title: str) -> int:
        """How often an attempt of this node is tried again."""
        own = self._nodes[title].retries
        return self._retries if own is None else own

    def on_error(self, title: str) -> OnError:
        """What a failure of this node means for the others."""
        return self._nodes[title].on_error or self._on_error

    def verdict(self, run: NodeRun, node_runs: Mapping[str, NodeRun]) -> tuple[State | None, str]:
        """Where its parents' fates put a new node run, and why; None when it may run."""
        if run.node in self._reused:
            return State.CACHED, "its earlier result is used"
        for parent in run.created.before():
            before = node_runs[parent]
            if before.state in PASSED or self._may_be_missing(before):
                continue
            if before.state is State.CANCELLED:
                return State.CANCELLED, before.reason
            return State.UPSTREAM_FAILED, f'"{before.node}" {before.state.replace("_", " ")}'
        return None, ""

    def _may_be_missing(self, before: NodeRun) -> bool:
        broken = before.state in BROKEN or before.state is State.UPSTREAM_FAILED
        return broken and self.on_error(before.node) is OnError.CONTINUE
