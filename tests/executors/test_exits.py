"""The end of a process as an event that several threads tell and close."""

from __future__ import annotations

import os
import threading

import pytest

from dagbook.runner.executors.exits import Exit


def test_what_is_told_while_it_is_closed_is_not_written_into_another_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's events tell of a container's end while the node's thread closes: it closes after the write."""
    exit = Exit()
    own = {exit._told, exit._tell}
    order: list[str] = []
    write, close = os.write, os.close
    closer = threading.Thread(target=exit.close)

    def slowly(descriptor: int, data: bytes) -> int:
        if descriptor in own:
            closer.start()
            assert exit._lock.locked()  # so `close` waits, however long this takes
            order.append("written")
        return write(descriptor, data)

    def noted(descriptor: int) -> None:
        if descriptor in own:
            order.append("closed")
        close(descriptor)

    monkeypatch.setattr(os, "write", slowly)
    monkeypatch.setattr(os, "close", noted)
    exit.tell()
    closer.join()
    monkeypatch.undo()
    assert order == ["written", "closed", "closed"]


def test_what_is_told_after_the_end_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    exit = Exit()
    exit.close()
    written: list[int] = []
    monkeypatch.setattr(os, "write", lambda descriptor, _data: written.append(descriptor))
    exit.tell()
    monkeypatch.undo()
    assert written == []
