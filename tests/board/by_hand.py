"""Runs recorded by hand in a real store, with what their attempts printed, showed and left."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dagbook.runner.core.lifecycle import Changed, Created, Fact, State
from dagbook.runner.core.model import Pipeline
from dagbook.runner.core.values import Value
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.journal import Journal
from dagbook.runner.records.manifest import Item, digest_of, write_manifest
from dagbook.runner.records.store import Store

NOBODY = {"host": "nowhere", "pid": 0, "began": None, "bell": None}


class ByHand:
    """A run of `pipeline` in the store at `folder`; facts are told one after the other."""

    def __init__(self, folder: Path, pipeline: Pipeline, /, **record: Any) -> None:
        self.store = Store(folder)
        self.pipeline = pipeline
        told = {"pipeline": pipeline.model_dump(mode="json"), "parameters": {}, "settings": {}, **record}
        self.run = self.store.add_run(pipeline.name, told, NOBODY)
        self._last = 0

    def tell(self, *facts: Fact) -> None:
        """Record facts, all at one time."""
        self._last = self.store.append(self.run, self._last, facts)

    def create(
        self,
        id: str,
        node: str,
        params: Mapping[str, Value] | None = None,
        route: Mapping[str, Mapping[str, Value]] | None = None,
        parents: Mapping[str, str] | None = None,
        because: str = "",
    ) -> None:
        """A node run comes to be; its place is what follows the # in its id."""
        place = tuple(int(part) for part in id.partition("#")[2].split(".") if part)
        self.tell(Created(id, node, place, params or {}, route or {}, parents or {}, because=because))

    def go(self, id: str, *states: State, attempt: int = 1, reason: str = "", **detail: Any) -> None:
        """The node run goes through these states; the last one gets the reason and the detail."""
        *before, last = states
        for state in before:
            self.tell(Changed(id, state, attempt if state in (State.STARTING, State.RUNNING) else 0))
        self.tell(Changed(id, last, attempt, reason, detail))

    def print(self, id: str, *messages: Mapping[str, Any], attempt: int = 1, cell: int = 0) -> None:
        """What an attempt printed and showed, as its journal holds it."""
        folder = self.store.attempt_folder(self.run, id, attempt)
        folder.mkdir(parents=True, exist_ok=True)
        journal = Journal(folder)
        for message in messages:
            journal.write(cell, message)
        journal.close()

    def publish(self, files: Mapping[str, int]) -> dict[str, Any]:
        """An artifact's list of files with these sizes, in the store; what a node run records of it."""
        items = [Item(path, "file", size) for path, size in sorted(files.items())]
        digest = digest_of(items)
        place = self.store.artifacts / digest[:2] / digest
        place.mkdir(parents=True, exist_ok=True)
        write_manifest(place, items)
        return {"artifact": digest, "files": len(files), "bytes": sum(files.values())}

    def follower(self) -> Follower:
        """Whoever looks on, with everything told up to now."""
        follower = Follower(self.store, self.run)
        follower.update()
        return follower


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    """A message of printed text."""
    return {"output_type": "stream", "name": name, "text": text}


def display(**data: Any) -> dict[str, Any]:
    """A message of something displayed; `text_html=…` stands for text/html, `image_svg__xml` for image/svg+xml."""
    mimes = {name.replace("__", "+").replace("_", "/", 1): value for name, value in data.items()}
    return {"output_type": "display_data", "data": mimes, "metadata": {}}
