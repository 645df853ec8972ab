"""Observers hold up nothing: neither one that hangs nor one that breaks; what they could not tell is told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dagbook.runner.core.errors import Problem, problem
from dagbook.runner.core.lifecycle import RunChanged, RunState
from dagbook.runner.core.model import Pipeline
from dagbook.runner.observers.contract import Sight
from dagbook.runner.observers.looking_on import LookingOn
from dagbook.runner.records.processes import start_of
from dagbook.runner.records.store import Store


class Told:
    """An observer that notes what it is called for; `hangs` and `breaks` name a call."""

    def __init__(self, hangs: str = "", breaks: str = "") -> None:
        self.hangs, self.breaks = hangs, breaks
        self.calls: list[str] = []
        self.facts: list[object] = []
        self.moved = 0.0

    name = "told"

    def _called(self, what: str) -> None:
        self.calls.append(what)
        self.facts += [entry.fact for entry in self.sight.follower.entries]
        if what == self.breaks:
            raise RuntimeError("no such thing")
        if what == self.hangs:
            self.sight.left.wait()

    def begin(self, sight: Sight) -> None:
        self.sight = sight
        self._called("begin")

    def news(self) -> None:
        self._called("news")

    def end(self) -> None:
        self._called("end")

    def unsaid(self) -> Problem | None:
        return problem("W-NOTIFY", what="all of it", hint="")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def look_on(store: Store, *observers: Told, quiet: float = 30.0) -> tuple[str, list[str]]:
    """Let observers see a run that succeeds; its id, and what was said."""
    process = {"host": os.uname().nodename, "pid": os.getpid(), "began": start_of(os.getpid()), "bell": None}
    run = store.add_run("flow", {"pipeline": {"nodes": []}}, process)
    said: list[str] = []
    looking = LookingOn(observers)
    looking.begin(store, run, Pipeline(), said.append)
    store.append(run, 0, [RunChanged(RunState.SUCCEEDED)])
    looking.over()
    looking.finish(quiet)
    return run, said


def test_an_observer_sees_each_fact_once_and_the_end_last(store: Store) -> None:
    one = Told()
    _, said = look_on(store, one)
    assert one.facts == [RunChanged(RunState.SUCCEEDED)]
    assert (one.calls[0], one.calls[-1], one.calls.count("end")) == ("begin", "end", 1)
    assert said == []


def test_one_that_hangs_is_left_and_what_it_did_not_tell_is(store: Store) -> None:
    other = Told()
    run, said = look_on(store, Told(hangs="news"), other, quiet=1.5)
    assert said == ["W-NOTIFY: all of it"]
    assert [one["code"] for one in store.run(run).record["warnings"]] == ["W-NOTIFY"]
    assert other.calls[-1] == "end", "nobody else was kept from ending"


@pytest.mark.parametrize("breaks", ["begin", "news", "end"])
def test_one_that_breaks_is_told_of_and_ends_alone(store: Store, breaks: str) -> None:
    other = Told()
    run, said = look_on(store, Told(breaks=breaks), other)
    assert [line.splitlines()[0] for line in said] == [
        "W-OBSERVER: told sees no more of this run: RuntimeError: no such thing"
    ]
    assert store.run(run).record["warnings"][0]["code"] == "W-OBSERVER"
    assert other.calls[-1] == "end"
