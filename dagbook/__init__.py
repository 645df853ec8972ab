"""dagbook: the cells of a notebook, run as a pipeline.

In a notebook: `%load_ext dagbook`, then `%%pipeline_node TITLE` on top of a cell. Inside a node: `dagbook.input`,
`dagbook.output`, `dagbook.param`, `dagbook.data`, `dagbook.log_tag`, `dagbook.log_metric`, `dagbook.log_param`,
`dagbook.log_image`. In a program: `dagbook.Pipeline` builds a pipeline and runs it, `dagbook.read` takes one from a
file, `dagbook.open_run` and `dagbook.runs` find runs, `dagbook.follow`, `as_completed` and `wait` watch many.
Everything but the version is imported when it is first used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

# A checkout without symbolic links (Windows, a zip) finds runner, kernel_magics and extension beside this folder.
if not Path(__file__).with_name("runner").is_dir():
    __path__.append(str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    from .node import data, input, log_image, log_metric, log_param, log_tag, output, param, returned
    from .runner.building.pipeline import Pipeline
    from .runner.building.reading import read
    from .runner.core.errors import MachineError, PipelineError
    from .runner.core.model import Node
    from .runner.handles.changes import as_completed, follow, wait
    from .runner.handles.failures import RunFailed
    from .runner.handles.node_run import NodeRun
    from .runner.handles.opening import open_run, runs
    from .runner.handles.run import Run

__all__ = [
    "MachineError",
    "Node",
    "NodeRun",
    "Pipeline",
    "PipelineError",
    "Run",
    "RunFailed",
    "__version__",
    "as_completed",
    "data",
    "follow",
    "input",
    "load_ipython_extension",
    "log_image",
    "log_metric",
    "log_param",
    "log_tag",
    "open_run",
    "output",
    "param",
    "read",
    "returned",
    "runs",
    "wait",
]

__version__ = "0.1.0"

_NAMES = {
    "dagbook.node": "data input log_image log_metric log_param log_tag output param returned",
    "dagbook.runner.building.pipeline": "Pipeline",
    "dagbook.runner.building.reading": "read",
    "dagbook.runner.core.errors": "MachineError PipelineError",
    "dagbook.runner.core.model": "Node",
    "dagbook.runner.handles.changes": "as_completed follow wait",
    "dagbook.runner.handles.failures": "RunFailed",
    "dagbook.runner.handles.node_run": "NodeRun",
    "dagbook.runner.handles.opening": "open_run runs",
    "dagbook.runner.handles.run": "Run",
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found  # the next access does not come here
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(shell: Any) -> None:
    """What `%load_ext dagbook` calls: registers the magics in `shell`."""
    from .kernel_magics.hooks import load

    load(shell)
