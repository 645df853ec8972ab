"""How what an earlier node run left is named: `RUN/NODE`, the id of a run and a node or node run in it."""

from __future__ import annotations

import re

from .errors import PipelineError, problem

_RUN = re.compile(r"[0-9a-f]{4,32}")


def check_artifact_name(text: str) -> str:
    """`text` itself, when it is RUN/NODE. Raises PipelineError (E-ARTIFACT)."""
    run, node = split_artifact_name(text)
    if not _RUN.fullmatch(run) or not node or "/" in node:
        what = f"{text[:80]!r} does not name what a node run left"
        hint = "Write RUN/NODE: the id of a run (dagbook runs), and a node's title or the id of one of its runs."
        raise PipelineError(problem("E-ARTIFACT", what=what, hint=hint))
    return text


def split_artifact_name(text: str) -> tuple[str, str]:
    """The run and the node, or node run, of RUN/NODE."""
    run, _, node = text.partition("/")
    return run.strip(), node.strip()
