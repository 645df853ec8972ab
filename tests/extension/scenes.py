"""Scenes to draw, without a pipeline."""

from __future__ import annotations

import random
from dataclasses import replace

from dagbook.runner.board.layout import placed
from dagbook.runner.board.scene import Arrow, Card, Flow, Scene
from dagbook.runner.core.lifecycle import State


def scene(cards: int, state: State | None = State.QUEUED, seed: int = 1) -> Scene:
    """A random pipeline of so many cards, all in one state; about one and a half edges per card."""
    chance = random.Random(seed)
    keys = [f"node-{number}#1.{number}" for number in range(cards)]
    edges = set()
    for number in range(1, cards):
        for _ in range(chance.choice([1, 1, 2])):
            edges.add((keys[number - chance.randrange(1, min(number, 12) + 1)], keys[number]))
    found = placed(dict.fromkeys(keys, (164.0, 64.0)), sorted(edges), order=keys)
    arrows = tuple(Arrow(*edge, flow=Flow.IDLE, bends=found.bends.get(edge, ())) for edge in sorted(edges))
    made = tuple(Card(key, key, key, state=state) for key in keys)
    return Scene(made, arrows, found.boxes, found.width, found.height)


def changed(before: Scene, key: str, state: State) -> Scene:
    """The same scene with one card in another state."""
    return replace(before, cards=tuple(replace(c, state=state) if c.key == key else c for c in before.cards))
