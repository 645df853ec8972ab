"""What of a pipeline this machine lacks: images, kernels in them, secrets. Nothing is started or fetched to know it.

A run finds the same and more; here it is told beforehand, where that is quick.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from .asked import Asked
from .core.errors import PipelineError, Problem, problem
from .core.model import WITHOUT_WORK, ExecutorName, Node, Pipeline
from .core.secrets_given import secrets_of
from .executors.contract import Needs
from .formats.settings import BUILT_IN
from .node_needs import executor_named, needs_of
from .records.secret_values import SecretSource
from .secret_lookup import folder_of

if TYPE_CHECKING:
    from .executors.asking import Client
    from .executors.image_contents import Seen

ANSWER_SECONDS = 1.0  # in which an engine must answer


def machine_problems(asked: Asked) -> Iterator[Problem]:
    """E-EXECUTOR and W-EXECUTOR where nodes are to be processes, W-IMAGE-PULL and E-IMAGE-KERNEL where an engine
    answers at once, W-SECRET-MISSING."""
    pipeline = asked.pipeline
    needs: dict[ExecutorName, list[Needs]] = {}
    for node in _that_run(pipeline):
        try:
            needs.setdefault(executor_named(asked, pipeline, node), []).append(needs_of(asked, pipeline, node))
        except PipelineError:  # a file that is missing, which is told already
            continue
    yield from _of_processes(needs.get(ExecutorName.PROCESS, ()))
    yield from _of_images(asked, [one for name, some in needs.items() if name != ExecutorName.PROCESS for one in some])
    yield from _of_secrets(asked, pipeline)


def _that_run(pipeline: Pipeline) -> Iterator[Node]:
    return (node for node in pipeline.nodes if node.kind not in WITHOUT_WORK and not node.unresolved)


def _of_processes(needs: Sequence[Needs]) -> Iterator[Problem]:
    if not needs:
        return
    from .executors.interpreters import process_findings
    from .executors.sandbox import bubblewrap

    sandbox = bubblewrap() is not None
    for need in needs:
        yield from process_findings(need, sandbox)


def _of_images(asked: Asked, needs: Sequence[Needs]) -> Iterator[Problem]:
    """What the engine, if one answers, says of the images; one that nobody named is not missed."""
    default = asked.pipeline.defaults.image or asked.image
    chosen = bool(asked.pipeline.defaults.image) or asked.origins.get("image") != BUILT_IN
    named = {need.title: need.image or (default if chosen else "") for need in needs}
    if not any(named.values()) or (engine := _engine()) is None:
        return
    from .executors.image_contents import seen_before
    from .executors.images import kernel_for

    known: dict[str, Seen | None] = {"": None}  # what was ever seen in an image
    for need in needs:
        image = named[need.title]
        if image not in known:
            try:
                found = engine.image_id(image)
            except OSError:  # it answers no longer
                return
            known[image] = seen_before(found) if found else None
            if found is None:
                yield problem("W-IMAGE-PULL", need.place, image=image)
        if seen := known[image]:
            try:
                kernel_for(need, image, seen)
            except PipelineError as error:
                yield from error.problems


def _engine() -> Client | None:
    """The engine on this machine, when it answers at once."""
    from .executors.asking import Client, usual_socket

    path = usual_socket()
    try:
        return Client(path, _no_package, ANSWER_SECONDS) if path else None
    except (OSError, ValueError):
        return None


def _no_package() -> NoReturn:
    raise OSError("only what is answered at once is asked here")


def _of_secrets(asked: Asked, pipeline: Pipeline) -> Iterator[Problem]:
    """Secrets without a value here, unless a command would be asked for them, which is not run."""
    wanted = [(node, secrets) for node in _that_run(pipeline) if (secrets := secrets_of(pipeline, node))]
    if not wanted or asked.secret_command:
        return
    source = SecretSource(folder_of(asked), None, os.environ)
    for node, secrets in wanted:
        for secret in secrets:
            try:
                source.values_of(node.title, node.place, [secret])
            except PipelineError as error:
                missing = any(one.code == "E-SECRET-MISSING" for one in error.problems)
                told = problem("W-SECRET-MISSING", node.place, node=node.title, secret=secret)
                yield from [told] if missing else error.problems
