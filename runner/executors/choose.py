"""Which executor runs a pipeline's nodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ..core.errors import MachineError, PipelineError, Problem, problem
from ..core.model import ExecutorName, Kind
from .contract import Executor, Needs

if TYPE_CHECKING:
    from .docker import DockerExecutor


def choose(
    name: ExecutorName,
    needs: Sequence[Needs],
    *,
    default_image: str | None,
    build_network: str | None = None,
    transport: str = "auto",
    tell: Callable[[str], None] = lambda line: None,
) -> tuple[Executor, list[Problem]]:
    """The executor for nodes with these needs, and what is to be said about the choice (W-EXECUTOR).

    `default_image` is for nodes that name none; `build_network` the network of derived images' builds; `transport`
    ipc, tcp or auto. An executor asked for by name is never swapped. `auto` takes docker when an engine answers and
    the images are there or can be had; else process, but only when no node names an image or a limit.
    Raises MachineError (E-DOCKER-DOWN) and PipelineError (E-IMAGE-MISSING).
    """
    if name is ExecutorName.PROCESS:
        return _process(by_name=True), []
    try:
        executor = _docker(default_image, build_network, transport)
        if name is ExecutorName.DOCKER:
            return executor, []
        why = _image_missing(executor, needs, default_image, tell)
    except MachineError as error:
        if name is ExecutorName.DOCKER or any(_bound_to_docker(need) for need in needs):
            raise
        return _process(by_name=False), [_swapped(error.problems[0].message)]
    if why is None:
        return executor, []
    executor.client.close()
    if any(_bound_to_docker(need) for need in needs):
        raise PipelineError(why)
    return _process(by_name=False), [_swapped(why.message)]


def _process(by_name: bool) -> Executor:
    from .process import ProcessExecutor

    return ProcessExecutor(by_name=by_name)


def _docker(default_image: str | None, build_network: str | None, transport: str) -> DockerExecutor:
    from .docker import DockerExecutor

    return DockerExecutor(default_image=default_image, build_network=build_network, transport=transport)


def _image_missing(
    executor: DockerExecutor, needs: Sequence[Needs], default_image: str | None, tell: Callable[[str], None]
) -> Problem | None:
    from .images import Images

    bare = [need for need in needs if not need.image]
    if not bare or not default_image:
        return None
    why = Images(executor.client, default_image, None).fetch(default_image, tell)
    hint = f"Pull it first (docker pull {default_image}), or choose another with --image or DAGBOOK_IMAGE."
    return problem("E-IMAGE-MISSING", image=default_image, why=why, hint=hint) if why else None


def _bound_to_docker(need: Needs) -> bool:
    """Whether a node asks for what only a container gives."""
    plain = need.language == "python" and need.kernel in (None, "python", "python3")
    other = need.kind is not Kind.COMMAND and not plain
    return bool(need.image or need.prerun or need.memory or need.cpus or other)


def _swapped(why: str) -> Problem:
    hint = "To have containers, or an error instead: --executor docker. To be silent: --executor process."
    return problem("W-EXECUTOR", what=f"nodes run as processes of this machine, not in containers: {why}", hint=hint)
