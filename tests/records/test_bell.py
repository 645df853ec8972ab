"""The bell: news to every reader, and nobody who does not read holds up the run."""

from __future__ import annotations

import asyncio
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def hung(bell: socket.socket, folder: Path, name: str = "bell") -> str:
    """A socket that listens there, and lets one reader wait."""
    folder.mkdir()
    bell.bind(str(folder / name))
    bell.listen(0)
    return str(folder / name)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a name that leaves room for that of a socket."""
    with tempfile.TemporaryDirectory(prefix="t", dir="/tmp") as folder:
        yield Path(folder)


@pytest.mark.parametrize(
    ("folder", "name", "ours"),
    [("dagbook-0a1b2c3d-x", "bell", True), ("dagbook-0a1b2c3d-x", "docker.sock", False), ("agent.1", "bell", False)],
)
def test_T7_a_socket_of_another_program_is_not_connected_to(short: Path, folder: str, name: str, ours: bool) -> None:
    """A store that somebody else has written may name any."""
    with socket.socket(socket.AF_UNIX) as other:
        assert Listening(hung(other, short / folder, name)).connected == ours


def test_T7_a_socket_that_another_user_made_is_not_connected_to(short: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("needs root, to make somebody else's")
    folder = short / "dagbook-0a1b2c3d-x"
    with socket.socket(socket.AF_UNIX) as other:
        path = hung(other, folder)
        os.chown(folder, 65534, 65534)
        assert not Listening(path).connected
        os.chown(folder, 0, 0)
        assert Listening(path).connected


def test_F11_a_reader_does_not_wait_for_a_process_that_takes_nobody_in(short: Path) -> None:
    """It was stopped, and so many wait already that no more may."""
    with socket.socket(socket.AF_UNIX) as bell:
        path = hung(bell, short / "dagbook-0a1b2c3d-x")
        readers = [Listening(path) for _ in range(3)]
        assert [one.connected for one in readers] == [True, False, False]


def test_a_bell_that_is_not_there_is_no_error() -> None:
    assert not Listening(None).connected
    assert not Listening("/nowhere/bell").connected


def test_a_reader_that_is_woken_at_the_end_of_a_run_does_not_hang_on_a_connection_that_nobody_took(
    short: Path,
) -> None:
    """It reached for the bell just as this process took it down; the run it waits for is over."""
    waker, hand = socket.socketpair()
    with socket.socket(socket.AF_UNIX) as bell, waker, hand:
        reader = Listening(hung(bell, short / "dagbook-0a1b2c3d-x"))
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
