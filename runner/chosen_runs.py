"""Which node runs somebody means."""

from __future__ import annotations

from .core.errors import PipelineError, nearest, problem
from .core.names import slug_of
from .records.follow import Follower


def chosen_runs(follower: Follower, node: str | None) -> list[str]:
    """Ids of the node runs that `node` means: a title, a slug, one id; None for all. Raises PipelineError."""
    if node is None:
        return list(follower.watched)
    found = [
        id
        for id, one in follower.watched.items()
        if node in (id, one.run.node) or slug_of(node) == slug_of(one.run.node)
    ]
    if not found:
        hint = nearest(node, [*follower.watched, *(one.run.node for one in follower.listed())])
        raise PipelineError(problem("E-NODE-UNKNOWN", node=node, nearest=hint))
    return found
