"""Failpoints: all that are named are in the code, and a mistyped one is an error."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from dagbook.runner.records.failpoints import FAILPOINTS, armed

RUNNER = Path(__file__).parents[2] / "runner"


def test_every_failpoint_is_in_the_code_and_no_other_is() -> None:
    texts = [path.read_text(encoding="utf-8") for path in RUNNER.rglob("*.py") if path.name != "failpoints.py"]
    assert {name for text in texts for name in re.findall(r'failpoint\("([^"]+)"\)', text)} == set(FAILPOINTS)


@pytest.mark.parametrize(
    "text", ["nowhere:kill", "run.ends:explode", "run.ends", "run.ends:kill:1:2", "run.ends:kill:x"]
)
def test_a_failpoint_that_does_not_exist_is_an_error_and_no_test_that_passes(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        armed(text)


def test_a_full_disk_stays_full() -> None:
    full = armed("run.ends:full")
    assert full is not None
    for _ in range(2):
        with pytest.raises(OSError, match=r"run\.ends") as found:
            full.reach()
        assert found.value.errno == errno.ENOSPC


def test_an_error_is_raised_once_or_from_the_given_time_on() -> None:
    once, later = armed("run.ends:error"), armed("run.ends:errors:2")
    assert once is not None
    assert later is not None
    with pytest.raises(OSError, match=r"run\.ends"):
        once.reach()
    once.reach()
    later.reach()
    for _ in range(2):
        with pytest.raises(OSError, match=r"run\.ends"):
            later.reach()
