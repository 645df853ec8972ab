"""A run process is killed between recording what happened and telling people of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.records.failpoints import VARIABLE
from tests.conftest import Said, run_dagbook, write_notebook
from tests.faults.box import Box
from tests.observers.receivers import Hook

pytestmark = pytest.mark.fault

TELLS = "%%pipeline_command first --notify-on success\necho 1 > a.txt"
ASKS = "%%pipeline_command second --after first --approve leah\ncat /input/first/a.txt"


@pytest.fixture
def hook() -> Iterator[Hook]:
    """A web hook on loopback."""
    found = Hook()
    yield found
    found.close()


class Watched:
    """A run whose messages go to a hook."""

    def __init__(self, folder: Path, hook: Hook) -> None:
        self.folder = folder
        self.env = {"DAGBOOK_EXECUTOR": "process", "DAGBOOK_NOTIFY": hook.url()}
        write_notebook(folder / "flow.ipynb", TELLS, ASKS)

    def say(self, *words: str, at: str = "") -> Said:
        """What a command says whose process has that failpoint armed."""
        return run_dagbook(self.folder, *words, env={**self.env, VARIABLE: at})

    def goes_on_to_its_end(self) -> None:
        """It is resumed until it waits for leah, who says yes, and ends well."""
        waits = self.say("resume", "latest", "--no-wait")
        assert waits.code == 3, waits
        assert self.say("approve", "latest", "second", "--by", "leah").code == 0
        ended = self.say("resume", "latest")
        assert ended.code == 0, ended


def number_of(told: dict[str, Any]) -> str:
    """The number of a message: the last word of its last line."""
    return str(told["message"].split()[-1])


# The first node's success is in one of these transactions.
AFTER_FACTS = [f"facts.recorded:kill:{number}" for number in range(1, 7)]


@pytest.mark.parametrize("at", [*AFTER_FACTS, "artifact.published:kill", "notice.sent:kill:1", "notice.sent:kill:2"])
def test_F7_what_was_recorded_and_not_told_is_told_once_the_run_goes_on(
    tmp_path: Path, box: Box, hook: Hook, at: str
) -> None:
    """Nothing is missing; only what was sent and not noted comes twice, with the same number."""
    watched = Watched(tmp_path, hook)
    begun = watched.say("run", "flow.ipynb", "--no-wait", at=at)
    assert begun.code in (-9, 3), begun
    assert begun.code == -9 or at in AFTER_FACTS
    watched.goes_on_to_its_end()
    told = hook.rest()
    titles = {number_of(one): one["title"] for one in told}
    assert sorted(titles.values()) == ["flow succeeded", "flow: first succeeded", "flow: second waits for leah"]
    twice = [number for number, times in Counter(map(number_of, told)).items() if times > 1]
    assert len(told) - len(titles) == len(twice) <= 1, told
    assert twice or not at.startswith("notice.sent")
