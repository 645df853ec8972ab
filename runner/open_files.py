"""How many files this process may have open at once: as many as a run's nodes need, as far as the system lets it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import resource
import sys

_ALWAYS = 128  # a run with one node at a time has about so many
_EACH = 24  # for each more


def allow_open_files(nodes: int) -> None:
    """Let this process open what so many nodes at once need; systems begin with as few as 256, and allow more."""
    _say_it_once()
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ALWAYS + _EACH * nodes
    if few != resource.RLIM_INFINITY and few < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        with contextlib.suppress(ValueError, OSError):  # macOS has limits besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


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
