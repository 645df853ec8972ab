"""How many files this process may have open at once: as many as a run's nodes need, as far as the system lets it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import resource
import sys
from collections.abc import Iterator

from .asked import Asked
from .core.errors import MachineError, Problem, problem

LEAST = 128  # a run with one node at a time has fewer; where none is left, libraries end the whole process
_EACH = 24  # for each node more


def few_open_files(asked: Asked) -> Iterator[Problem]:
    """W-OPEN-FILES where fewer nodes run at once than was asked for, as there may not be files open for so many."""
    jobs, most = within_open_files(asked).jobs, _allow(asked)
    if most >= LEAST and jobs < asked.jobs:  # else the run does not begin, and says why
        yield problem("W-OPEN-FILES", jobs=jobs, asked=asked.jobs, most=most, least=LEAST + _EACH * asked.jobs)


def within_open_files(asked: Asked) -> Asked:
    """The same with as many nodes at once, and started ahead, as there may be files open for; one at least."""
    room = max(1, (_allow(asked) - LEAST) // _EACH + 1)
    jobs = min(asked.jobs, room)
    return asked.model_copy(update={"jobs": jobs, "ahead": min(asked.ahead, room - jobs)})


def check_open_files(asked: Asked) -> None:
    """Raises MachineError (E-OPEN-FILES) where there may not be files enough open for one node."""
    if (most := _allow(asked)) < LEAST:
        raise MachineError(problem("E-OPEN-FILES", most=most, least=LEAST))


def _allow(asked: Asked) -> int:
    return allow_open_files(LEAST + _EACH * (asked.jobs + asked.ahead))


def allow_open_files(wanted: int) -> int:
    """Let this process open so many files, or as many as it may; gives how many those are.

    Systems begin with as few as 256, and allow more.
    """
    _say_it_once()
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if few != resource.RLIM_INFINITY and few < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        with contextlib.suppress(ValueError, OSError):  # macOS has limits besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
    few, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if few == resource.RLIM_INFINITY else few


@functools.cache
def _say_it_once() -> None:
    """Keep Python from printing a traceback of its own when no event loop can be made for want of open files.

    The half-made one stumbles as it is thrown away; the attempt that wanted it tells what was wrong.
    """
    before = sys.unraisablehook

    def tell(found: sys.UnraisableHookArgs) -> None:
        if not (found.object is asyncio.BaseEventLoop.__del__ and isinstance(found.exc_value, AttributeError)):
            before(found)

    sys.unraisablehook = tell
