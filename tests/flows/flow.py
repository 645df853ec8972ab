"""A pipeline run for real by the command line, and what is known of its end."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.conftest import Said, run_dagbook, write_notebook

BASE = os.environ.get("DAGBOOK_TEST_IMAGE", "dagbook/base:bookworm")
EXECUTORS: Mapping[str, tuple[str, ...]] = {
    "process": ("--executor", "process"),
    "docker": ("--executor", "docker", "--image", BASE),
}


@dataclass(frozen=True)
class Ended:
    """What `--json` told of a run: its node runs by id, and what they left."""

    said: Said

    @cached_property
    def runs(self) -> dict[str, dict[str, Any]]:
        """The node runs by id, as `--json` tells them."""
        return {run["id"]: run for run in self.said.json["node_runs"]}

    @cached_property
    def states(self) -> dict[str, str]:
        """The state of each node run."""
        return {id: run["state"] for id, run in self.runs.items()}

    @property
    def id(self) -> str:
        """The run's id."""
        return str(self.said.json["run"])

    def of(self, title: str) -> list[dict[str, Any]]:
        """The runs of one node."""
        return [run for run in self.runs.values() if run["node"] == title]

    def text(self, id: str, file: str) -> str:
        """A file that a node run left, without the white space at its end."""
        return Path(self.runs[id]["artifact"], file).read_text().rstrip()

    def lines(self, id: str, file: str) -> list[str]:
        """Its lines."""
        return self.text(id, file).splitlines()

    def environment(self, id: str, file: str = "env.txt") -> dict[str, str]:
        """The variables that a node run wrote with `env > env.txt`."""
        pairs = (line.partition("=") for line in self.lines(id, file))
        return {name: value for name, _, value in pairs}


class Flow:
    """A notebook in a folder of its own, `project` below `folder`, and the commands on it."""

    def __init__(self, folder: Path, *cells: str) -> None:
        self.folder = folder / "project"
        self.file = write_notebook(self.folder / "flow.ipynb", *cells)

    @property
    def store(self) -> Path:
        """Where runs are kept; not there before the first."""
        return self.folder / ".dagbook"

    def rewrite(self, *cells: str) -> None:
        """Take these cells instead."""
        write_notebook(self.file, *cells)

    def say(self, *words: str | Path, **more: Any) -> Said:
        """Any command, in the project's folder."""
        return run_dagbook(self.folder, *words, **more)

    def run(self, *words: str, code: int = 0, executor: str = "process", **more: Any) -> Ended:
        """Run it to its end, which must have this exit code."""
        said = self.say("run", self.file, *EXECUTORS[executor], "--json", *words, **more)
        assert said.code == code, said.out + said.err
        return Ended(said)

    def again(self, verb: str, *words: str, code: int = 0, **more: Any) -> Ended:
        """`resume` or `retry` the latest run, to an end with this exit code."""
        said = self.say(verb, "latest", "--json", *words, **more)
        assert said.code == code, said.out + said.err
        return Ended(said)

    def show(self) -> Ended:
        """The latest run as it is now."""
        return Ended(self.say("show", "--json"))

    def plan(self, *words: str, executor: str = "process") -> dict[str, Any]:
        """What a run would do."""
        said = self.say("plan", self.file, *EXECUTORS[executor], "--json", *words)
        assert said.code == 0, said.out + said.err
        return dict(said.json)

    def refused(self, *words: str) -> str:
        """What is told when a run is refused: exit code 2, and nothing was stored."""
        said = self.say("run", self.file, *EXECUTORS["process"], *words)
        assert (said.code, said.out) == (2, "")
        assert not self.store.exists()
        return said.err
