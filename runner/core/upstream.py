"""Looking up a route: the run of an earlier node that a node run descends from, and its tags."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping

from .errors import Problem, nearest, problem
from .lifecycle import PASSED, NodeRun
from .routes import Choice
from .templates import Reference
from .values import Value


class NoInput(Exception):
    """Something that a node run takes from those before it is not there; its text says what, for people."""

    def __init__(self, found: Problem) -> None:
        super().__init__(found.as_reason())


class NoSuchTag(NoInput):
    """A reference that the runs before cannot fill; its text says why, for people."""


class NotYetKnown(Exception):
    """While planning: the tag is known only when the node `title` has run."""

    def __init__(self, title: str, tag: str) -> None:
        super().__init__(f'the tag "{tag}" is known only when "{title}" has run')


def tag_of(runs: Mapping[str, NodeRun], choice: Choice, reference: Reference) -> Value:
    """The tag that `reference` names, of the run on the route of `choice`.

    Raises NoSuchTag when there is no such tag or not one such run, NotYetKnown while planning.
    """
    found = upstream(runs, choice, reference.title)
    if len(found) > 1:
        what = f'"{reference.title}" has {len(found)} runs here, so {reference} is not one value'
        raise NoSuchTag(Problem("E-REF-MANY", what, "Take the tag where there is one run of that node."))
    if not found:
        raise NoSuchTag(problem("E-REF-ROUTE", title=reference.title, reference=reference))
    run = found[0]
    tags = run.tags if run.state in PASSED else run.created.params  # what a broken run logged goes nowhere
    if reference.tag in tags:
        return tags[reference.tag]
    if is_foreseen(run):
        raise NotYetKnown(run.node, reference.tag)
    hint = nearest(reference.tag, run.tags) if run.tags else "It logged none."
    if run.state not in PASSED:
        hint = f"It {run.state.replace('_', ' ')}."
    raise NoSuchTag(problem("E-REF-TAG", node=run.node, run=run.id, tag=reference.tag, hint=hint))


def upstream(runs: Mapping[str, NodeRun], choice: Choice, title: str) -> list[NodeRun]:
    """The runs of the node `title` from which a run with these parents descends: one, unless edges gather.

    The run on its route is the one, though edges that gather lead to others, too.
    """
    on_route = _descended(runs, choice.parents.values(), title, lambda run: run.created.parents.values())
    return on_route or _descended(runs, before(choice), title, lambda run: run.created.before())


def _descended(
    runs: Mapping[str, NodeRun], starts: Iterable[str], title: str, steps: Callable[[NodeRun], Iterable[str]]
) -> list[NodeRun]:
    found: dict[str, NodeRun] = {}
    seen: set[str] = set()
    to_do = deque(starts)
    while to_do:
        id = to_do.popleft()
        if id in seen:
            continue
        seen.add(id)
        run = runs[id]
        if run.node == title:
            found[id] = run
        else:
            to_do.extend(steps(run))
    return list(found.values())


def before(choice: Choice) -> Iterator[str]:
    """The ids of all runs in a choice."""
    yield from choice.parents.values()
    for ids in choice.gathered.values():
        yield from ids


def is_foreseen(run: NodeRun) -> bool:
    """True for a run that a plan takes to succeed, so that nothing but its parameters is known of it."""
    return bool(run.detail.get("foreseen"))


def any_foreseen(runs: Mapping[str, NodeRun], ids: Iterable[str]) -> str:
    """The title of the first of these runs that is only foreseen; empty when none is."""
    return next((runs[id].node for id in ids if is_foreseen(runs[id])), "")
