"""dagbook: the cells of a notebook, run as a pipeline.

In a notebook: `%load_ext dagbook`, then `%%pipeline_node TITLE` on top of a cell. Inside a node: `dagbook.input`,
`dagbook.output`, `dagbook.param`, `dagbook.data`, `dagbook.log_tag`, `dagbook.log_metric`, `dagbook.log_param`,
`dagbook.log_image`.
Everything but the version is imported when it is first used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

# A checkout without symbolic links (Windows, a zip) finds runner, kernel_magics and extension beside this folder.
if not Path(__file__).with_name("runner").is_dir():
    __path__.append(str(Path(__file__).parents[1]))

if TYPE_CHECKING:
    from .node import data, input, log_image, log_metric, log_param, log_tag, output, param
    from .runner.core.model import Node, Pipeline

__all__ = [
    "Node",
    "Pipeline",
    "__version__",
    "data",
    "input",
    "load_ipython_extension",
    "log_image",
    "log_metric",
    "log_param",
    "log_tag",
    "output",
    "param",
]

__version__ = "0.1.0"

_HOMES = {
    "Node": "dagbook.runner.core.model",
    "Pipeline": "dagbook.runner.core.model",
    **dict.fromkeys(
        ("data", "input", "log_image", "log_metric", "log_param", "log_tag", "output", "param"), "dagbook.node"
    ),
}


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
