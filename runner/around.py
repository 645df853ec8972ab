"""What is around a run that is a node of another one: which run that is, and what its nodes see from there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import Field

from .core.written import Written


class Place(Written):
    """A folder or file of this machine that each node sees, read-only, at `target`; `variable` tells it where."""

    source: Path
    target: str
    variable: str | None = None


class Around(Written):
    """The node run that a whole run is, and what is before it: each node of the run sees that.

    `run`, `node_run` and `node` (its title) name the node run; `top` is the outermost run. `digests` say by target what
    is in the places, `environment` are variables with what the node runs before it logged.
    """

    run: str
    node_run: str
    node: str
    top: str
    places: tuple[Place, ...] = ()
    digests: dict[str, str] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)

    @property
    def content(self) -> str:
        """What all of that holds, as a text that is the same for the same."""
        return json.dumps([self.digests, self.environment], sort_keys=True)

    def beside(self, own: Mapping[str, object]) -> Around:
        """The same without what a node sees otherwise: its `own` targets, such as /input/prepare."""
        taken = {top_of(target) for target in own}
        places = tuple(one for one in self.places if top_of(one.target) not in taken)
        digests = {target: digest for target, digest in self.digests.items() if top_of(target) not in taken}
        return self.model_copy(update={"places": places, "digests": digests})


def with_around(contents: Mapping[str, str], titles: Iterable[str], around: Around | None) -> dict[str, str]:
    """What lies behind the words of each node, by title, and what it sees from around: a result follows from both."""
    if around is None:
        return dict(contents)
    content = around.content
    return {title: f"{contents.get(title, '')} {content}" for title in titles}


def top_of(target: str) -> str:
    """The folder below /input, /data or another root that a target is, or is in: /input/prepare."""
    return "/".join(target.split("/")[:3])
