"""The bell: news to every reader, and nobody who does not read holds up the run."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from dagbook.runner.records.bell import Bell, Listening, wait_for_any


def test_a_reader_that_no_longer_reads_does_not_hold_up_the_end() -> None:
    """A notebook's kernel may be stopped; the run's process must end all the same."""

    async def scenario() -> None:
        rung = asyncio.Event()
        bell = Bell("0a1b2c3d", rung.set)
        await bell.hang()
        with socket.socket(socket.AF_UNIX) as stopped:
            stopped.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            stopped.connect(str(bell.path))
            stopped.send(b"!")
            await rung.wait()
            (writer,) = bell._readers.values()
            writer.write(b"!" * 2**22)  # more than the socket takes
            await asyncio.wait_for(bell.take_down(), 20)

    asyncio.run(scenario())


def test_news_wake_a_reader_and_the_end_is_seen() -> None:

    async def scenario() -> None:
        rung = asyncio.Event()
        bell = Bell("0a1b2c3d", rung.set)
        await bell.hang()
        reader = Listening(str(bell.path))
        reader.ring()
        await asyncio.wait_for(rung.wait(), 20)
        bell.ring()
        await asyncio.to_thread(reader.wait, 20)
        assert reader.connected
        await bell.take_down()
        while reader.connected:
            await asyncio.to_thread(reader.wait, 20)

    asyncio.run(scenario())


def test_a_bell_that_is_not_there_is_no_error() -> None:
    assert not Listening(None).connected
    assert not Listening("/nowhere/bell").connected


def test_a_reader_that_is_woken_at_the_end_of_a_run_does_not_hang_on_a_connection_that_nobody_took(
    tmp_path: Path,
) -> None:
    """It reached for the bell just as this process took it down; the run it waits for is over."""
    waker, hand = socket.socketpair()
    with socket.socket(socket.AF_UNIX) as bell, waker, hand:
        bell.bind(str(tmp_path / "bell"))
        bell.listen()
        reader = Listening(str(tmp_path / "bell"))
        assert reader.connected
        hand.send(b"!")
        reader.wait(20, waker)
        assert not reader.connected


def test_news_of_any_of_several_runs_wake_who_waits_for_all() -> None:
    """And one whose process has gone, too; a run without a bell does not matter."""

    async def scenario() -> None:
        rung = asyncio.Event()
        bells = [Bell(run, rung.set) for run in ("0a1b2c3d", "1a1b2c3d")]
        for bell in bells:
            await bell.hang()
        readers = [Listening(None), *(Listening(str(bell.path)) for bell in bells)]
        for reader in readers[1:]:
            rung.clear()
            reader.ring()
            await asyncio.wait_for(rung.wait(), 20)
        bells[1].ring()
        await asyncio.wait_for(asyncio.to_thread(wait_for_any, readers, 60), 20)
        await bells[0].take_down()
        while readers[1].connected:
            await asyncio.wait_for(asyncio.to_thread(wait_for_any, readers, 60), 20)
        await bells[1].take_down()

    asyncio.run(scenario())
