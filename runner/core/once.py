"""What follows from a pipeline alone, worked out once for each."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar

from .model import Pipeline

R = TypeVar("R")


def once(work: Callable[[Pipeline], R]) -> Callable[[Pipeline], R]:
    """Make a function of a pipeline work once for each: what it gave is kept with the pipeline, and not to be changed.

    Checking, counting, planning and running one of 10,000 nodes ask for the same several times.
    """
    name = f"{work.__module__}.{work.__qualname__}"

    @wraps(work)
    def worked(pipeline: Pipeline) -> R:
        kept = pipeline.__dict__
        if name not in kept:
            kept[name] = work(pipeline)
        found: R = kept[name]
        return found

    return worked
