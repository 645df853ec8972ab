"""One thread of its own for each node run.

papermill is synchronous. The default thread pool would starve behind nodes that merely wait, and a node's thread
must outlive a cancelled coroutine until its process is gone, so each node run gets a thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")

THREADS = "dagbook-node-"  # how the threads of node runs are called


async def in_own_thread(work: Callable[[], Result], stop: Callable[[], None], name: str) -> Result:
    """The result of `work()`, run in a new thread.

    When the coroutine is cancelled, `stop()` is called (in a thread too: it may talk to an engine), the end of
    `work` is awaited however long the cancelling goes on, and CancelledError is raised.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:
            _settle(loop, done, lambda error=error: done.set_exception(error))  # type: ignore[misc]
        else:
            _settle(loop, done, lambda: done.set_result(result))

    threading.Thread(target=run, name=name, daemon=True).start()
    try:
        return await asyncio.shield(done)
    except asyncio.CancelledError:
        threading.Thread(target=stop, name=f"{name}-stop", daemon=True).start()
        await _settled(done)
        raise


def _settle(loop: asyncio.AbstractEventLoop, done: asyncio.Future[Result], settle: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
        loop.call_soon_threadsafe(lambda: None if done.done() else settle())


async def _settled(done: asyncio.Future[Result]) -> None:
    while not done.done():
        # A second cancelling must not abandon the thread: its container would be left behind.
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await asyncio.shield(done)
    if not done.cancelled():
        done.exception()  # seen: asyncio would otherwise complain that nobody looked
