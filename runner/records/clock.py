"""What time it is, for what is recorded: it never goes back, whatever is done to the machine's clock meanwhile.

The machine's clock is asked once, when the process begins; from then on time is counted. So how long something took is
right, and what came later is later, also where the clock is set by hours in between.
"""

from __future__ import annotations

import time

# Counts on while the machine sleeps, where the system has such a clock.
_COUNTED = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))


def _counted() -> float:
    return time.monotonic() if _COUNTED is None else time.clock_gettime(_COUNTED)


_AHEAD = time.time() - _counted()


def now() -> float:
    """Seconds since the epoch, as this process counts them."""
    return _AHEAD + _counted()
