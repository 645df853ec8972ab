"""What a command prints is read to its end, whenever it ends."""

from __future__ import annotations

import os
import select

import pytest

from dagbook.runner.executors.command import pieces
from dagbook.runner.executors.exits import Ending, Exit


class Speaker:
    """A process of which is known when it speaks and goes."""

    def __init__(self) -> None:
        self.exit = Exit()

    def kill(self) -> None:
        """See `Started.kill`."""

    def ending(self) -> Ending:
        """See `Started.ending`."""
        return Ending(1)

    def keep(self) -> None:
        """See `Started.keep`."""


def test_words_that_come_while_one_looks_whether_the_command_is_gone_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """`poll` looks at one descriptor after the other: the words may come after the pipe, the end before the last."""
    speaker, (reads, writes) = Speaker(), os.pipe()
    real, looks = select.poll, list[int]()

    class SlowPoll:
        """A poll in whose first look the command speaks and ends, after the pipe was looked at."""

        def __init__(self) -> None:
            self._poll = real()
            self.register, self.unregister = self._poll.register, self._poll.unregister

        def poll(self) -> list[tuple[int, int]]:
            looks.append(1)
            if len(looks) > 1:
                return self._poll.poll()
            os.write(writes, b"why it failed\n")
            speaker.exit.tell()
            return [(descriptor, select.POLLIN) for descriptor in speaker.exit.descriptors()]

    monkeypatch.setattr(select, "poll", SlowPoll)
    with os.fdopen(reads, "rb") as stream:
        # The other end stays open, as a daemon of the command's would hold it.
        assert list(pieces(speaker, {"stderr": stream})) == [("stderr", b"why it failed\n")]
    os.close(writes)
    speaker.exit.close()
