"""What is asked of a pipeline that is a node of another one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .asked import Asked
from .contracts.planned import with_contracts
from .core.graph import titles_of
from .core.model import Defaults, Node, Pipeline
from .core.nested import pipeline_in
from .formats.attachments import read_requirements
from .formats.nested import as_plain


def asked_within(asked: Asked, node: Node) -> Asked:
    """What is asked of the pipeline that a node is: the same settings, its own folder, nothing chosen.

    What the node says (its image, its environment) holds for those nodes in it that do not say it themselves, and
    whose pipeline does not either.
    """
    file = (asked.folder / str(node.path)).absolute()
    made = _with_defaults(asked, node, pipeline_in(node))
    forced = node.title in titles_of(asked.pipeline, asked.force)
    return asked.model_copy(
        update={
            "pipeline": with_contracts(made, file.parent, asked.computes, asked.executor),
            "folder": file.parent,
            "file": file,
            "text": None,
            "code": asked.code if asked.code in (None, "none") else str((asked.folder / str(asked.code)).absolute()),
            "secrets": str((asked.folder / Path(asked.secrets).expanduser()).absolute()) if asked.secrets else None,
            "nodes": (),
            "start": (),
            "until": (),
            "force": tuple(one.title for one in made.nodes) if forced else (),
            "cache": asked.cache and node.cache is not False,
            "started_by": f'the node "{node.title}"',
        }
    )


def _with_defaults(asked: Asked, node: Node, inner: Pipeline) -> Pipeline:
    """The pipeline with what the node, and flags, say for all in it."""
    handed: dict[str, Any] = as_plain(node)
    if node.requirements:
        handed["requirements"] = read_requirements(node.requirements, asked.folder)
    if node.prerun:
        handed["prerun"] = str((asked.folder / node.prerun).absolute())
    own = inner.defaults.model_dump(exclude_defaults=True)
    return inner.model_copy(update={"defaults": Defaults.model_validate({**handed, **own, **asked.flags})})
