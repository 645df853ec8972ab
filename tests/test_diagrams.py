"""The diagrams of the documentation show what the code does: the states of a run, and which way imports go."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from dagbook.runner.core.events import Answer, Cancel
from dagbook.runner.core.lifecycle import Fact, RunChanged, RunState, State, so_far
from dagbook.runner.core.model import Node, OnError, Pipeline
from dagbook.runner.core.scheduler import Scheduler

from .core.world import World

ROOT = Path(__file__).parents[1]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")


def diagram(after: str) -> str:
    """The Mermaid diagram below a heading."""
    found = re.search(rf"(?ms)^#+ {re.escape(after)}\n.*?^```mermaid\n(.*?)^```", ARCHITECTURE)
    assert found, after
    return found[1]


def changes(facts: list[Fact]) -> Iterator[tuple[str, str]]:
    """The changes of a run's state, one after the other."""
    state = RunState.RUNNING
    for fact in facts:
        if isinstance(fact, RunChanged):
            if fact.state is not state:
                yield str(state), str(fact.state)
            state = fact.state


def lived(seed: int) -> list[Fact]:
    """The facts of a run with an approval in it: some node runs fail, people say yes, no or nothing, it is cancelled,
    and it is resumed where it can be."""
    fate = random.Random(seed)
    on_error = fate.choice([OnError.STOP_NEXT, OnError.STOP_ALL])
    nodes = (
        Node(title="a", on_error=on_error),
        Node(title="b", on_error=on_error),
        Node(title="ask", after=("a",), approve=("leah",)),
        Node(title="after", after=("ask",)),
    )
    pipeline, world = Pipeline(nodes=nodes), World(seed, fate, failing=0.3, approves=fate.random() < 0.5)
    scheduler = Scheduler(pipeline, 1)
    world.begin(scheduler)
    for _ in range(2):
        world.play(scheduler, fate.randrange(12))
        pending = [run for run in scheduler.run.node_runs.values() if run.state is State.PENDING_APPROVAL]
        if pending and not world.approves and fate.random() < 0.6:
            plan = pending[0].created.plan
            world.tell(scheduler, Answer(pending[0].id, fate.random() < 0.4, "leah", "a test", plan))
        elif fate.random() < 0.2:
            world.tell(scheduler, Cancel("a test"))
        world.play(scheduler)
        if scheduler.run.state is RunState.REJECTED:
            break
        scheduler = Scheduler(pipeline, 1, run=so_far(world.facts), intact=set())
        world.begin(scheduler, "leah")
    return world.facts


def test_the_diagram_of_a_runs_states_shows_what_the_scheduler_does() -> None:
    """Each arrow is a change that some run makes, and each change that a run makes is an arrow."""
    drawn = set(re.findall(r"(?m)^ +(\w+) --> (\w+)", diagram("The life of a run")))
    assert drawn == {change for seed in range(250) for change in changes(lived(seed))}


def test_the_picture_of_the_rooms_goes_the_way_that_imports_go() -> None:
    """Its arrows lead down the layers that the import contract lists, and every module that it names is one of them."""
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]
    layers = contract["contracts"][0]["layers"]
    rank = {name.removeprefix("dagbook."): at for at, layer in enumerate(layers) for name in layer.split(" | ")}
    picture = diagram("Rooms")
    rooms = {}
    for short, label in re.findall(r'(\w+)\["(.+?)<br>', picture):
        first, *others = label.split(", ")
        folder = first.rpartition("/")[0]
        names = [first, *(other if "/" in other else f"{folder}/{other}" for other in others)]
        rooms[short] = [rank[name.replace("/", ".")] for name in names]
    for above, below in re.findall(r"(?m)^ +(\w+)(?:\[.+?\])? --> (\w+)", picture):
        assert min(rooms[above]) <= max(rooms[below]), f"{above} is below {below}"
