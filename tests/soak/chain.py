"""Runs of the command line that are killed at random moments and resumed, until they come to their end."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from dagbook.runner.core.lifecycle import RunState
from dagbook.runner.records.store import Store
from tests.conftest import DAGBOOK
from tests.faults.box import kill_after
from tests.faults.test_resume import facts_of, starts
from tests.soak.flows import PASSED

LONGEST = 120  # seconds that a command may take


class Chain:
    """One run after the other in a project, each killed up to `kills` times; counts them."""

    def __init__(self, project: Path, executor: str, fate: random.Random, kills: int = 5) -> None:
        self.project = project
        self.store = project / ".dagbook"
        self.executor = executor
        self.runs = 0
        self.kills = 0
        self._fate = fate
        self._most = kills

    def live_until(self, end: float) -> None:
        """One run after the other until that moment of the monotonic clock."""
        while time.monotonic() < end:
            self.live()

    def live(self) -> None:
        """One run with its deaths, to a good end. Raises AssertionError where it is not."""
        number = self._fate.randrange(10**6)
        words = ["run", "mixed.ipynb", "--executor", self.executor, "-p", "n", str(number)]
        run, before, was_killed = "", 0, True
        for _ in range(self._fate.randrange(self._most + 1)):
            child = self._start(["resume", run] if run else words)
            run, was_killed = kill_after(child, self.store, self._fate.randrange(40), before)
            if child.stdout:
                child.stdout.close()
            self.kills += was_killed
            before = len(facts_of(self.store, run))
            if not was_killed:
                break
        if was_killed:  # or was never begun
            run = self._finish(["resume", run] if run else words)
        self._look(run)
        self.runs += 1

    def _start(self, words: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [DAGBOOK, *words, "-q"],
            cwd=self.project,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _finish(self, words: list[str]) -> str:
        command = [DAGBOOK, *words, "-q", "--json"]
        said = subprocess.run(
            command, cwd=self.project, capture_output=True, text=True, timeout=LONGEST, check=False, env=os.environ
        )
        assert said.returncode == 0, said.stdout + said.stderr
        run: str = json.loads(said.stdout)["run"]
        return run

    def _look(self, run: str) -> None:
        """It succeeded, every node run is there, and none that had succeeded was run again."""
        starts(facts_of(self.store, run))
        with closing(Store(self.store, create=False)) as store:
            state = store.state_of(run)
        assert state.state is RunState.SUCCEEDED, (run, state.reason)
        passed = Counter(one.node for one in state.node_runs.values() if one.state in ("succeeded", "cached"))
        assert passed == PASSED, (run, passed)
