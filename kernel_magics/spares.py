"""What a notebook gets ready for its first run: a run process that waits beside it, and what shows a run."""

from __future__ import annotations

import contextlib
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from ..runner.spare import spare
from .boards import board_is_there
from .hooks import must_wait

LATER_SECONDS = 1.0  # the cell that defines the node is to be done first


def keep_a_spare(shell: Any) -> None:
    """Have a run process waiting from now on, where somebody defines nodes who is going to run them.

    A batch runs its pipeline once, and at once: there it would only be in the way.
    """
    if spare.wanted or must_wait(shell):
        return
    from ..runner.core.errors import PipelineError
    from ..runner.formats.settings import read_settings

    try:
        wanted = read_settings(Path.cwd()).spare
    except (PipelineError, OSError):  # what is wrong is told when a run is asked for
        return
    if wanted:
        spare.keep()
        later = threading.Timer(LATER_SECONDS, _import_pictures)
        later.name, later.daemon = "dagbook-imports", True
        later.start()


def _import_pictures() -> None:
    """Import what shows a run; with the board's packages the first run would wait longer for that than for a node."""
    from . import live  # noqa: F401

    if board_is_there():
        with contextlib.suppress(Exception):  # what is broken is told where it is needed
            import_module("..extension.run_board", __package__)
            import_module("ipycytoscape")


def heed(wanted: bool) -> None:
    """Have none any more when the settings have come to say so."""
    if not wanted:
        spare.dismiss()
