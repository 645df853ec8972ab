"""What Python leaves of a crash, as it is told."""

from __future__ import annotations

import pytest

from dagbook.runner.executors.crash_lines import crash_lines

_AROUND = '  File "/usr/lib/IPython/core/interactiveshell.py", line 3823 in run_code\n'


@pytest.mark.parametrize(
    "text",
    ["", "anything", "Fatal Python err", "\n\n", "\x1b[2J\n\nCurrent thread\n", "x" * 10_000],
)
def test_what_is_no_crash_tells_nothing(text: str) -> None:
    """The file is the node's: anything may stand in it."""
    assert crash_lines(text) == ()


def test_only_what_is_understood_is_taken() -> None:
    frames = 'Current thread 0x1 (most recent call first):\n  File "/p/a.py", line 3 in f\n\x1b[2J\n' + _AROUND
    told = crash_lines(f"Fatal Python error: Aborted\n\n{frames}")
    assert told == ("Fatal Python error: Aborted", "Innermost call first:", '  File "/p/a.py", line 3 in f')


def test_a_crash_outside_of_the_users_code_tells_what_it_was() -> None:
    text = f"Fatal Python error: Bus error\n\nCurrent thread 0x1 (most recent call first):\n{_AROUND}"
    assert crash_lines(text) == ("Fatal Python error: Bus error",)
