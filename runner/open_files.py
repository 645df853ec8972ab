"""How many files this process may have open at once: as many as a run's nodes need, as far as the system lets it."""

from __future__ import annotations

import contextlib
import resource

_ALWAYS = 128  # a run with one node at a time has about so many
_EACH = 24  # for each more


def allow_open_files(nodes: int) -> None:
    """Let this process open what so many nodes at once need; systems begin with as few as 256, and allow more."""
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ALWAYS + _EACH * nodes
    if few != resource.RLIM_INFINITY and few < wanted:
        allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
        with contextlib.suppress(ValueError, OSError):  # macOS has limits besides
            resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))
