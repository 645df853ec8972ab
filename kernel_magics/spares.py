"""When a notebook has a run process waiting beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..runner.spare import spare
from .hooks import must_wait


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


def heed(wanted: bool) -> None:
    """Have none any more when the settings have come to say so."""
    if not wanted:
        spare.dismiss()
