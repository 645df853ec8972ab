"""Long answers of the engine, step by step, with an end to the patience."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def steps_of(ask: Callable[[], Iterable[dict[str, Any]]], silence: float) -> Iterator[dict[str, Any]]:
    """What `ask` gives, from a thread of its own; the last step is `{"error": why}` when it failed, or when nothing
    came for `silence` seconds (the thread is then left alone)."""
    steps: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def follow() -> None:
        try:
            for step in ask():
                steps.put(step)
        except Exception as error:  # whatever it is, it is told
            steps.put({"error": str(getattr(error, "explanation", None) or error)})
        steps.put(None)

    threading.Thread(target=follow, name="dagbook-registry", daemon=True).start()
    try:
        while (step := steps.get(timeout=silence)) is not None:
            yield step
    except queue.Empty:
        yield {"error": f"the registry said nothing for {silence:.0f} seconds"}
