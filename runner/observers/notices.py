"""What people are told of a run: how it ended, what became of a node that asks for it, that somebody must decide. Pure.

A notice is read far from the run's machine: it says which run on which machine, and commands that work from anywhere
on it.
"""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ..asking import Question, questions
from ..core.lifecycle import BROKEN, ENDED, Changed, Created, NodeRun, RunState, State
from ..core.model import ANYBODY, Node, Pipeline
from ..records.follow import Follower
from ..records.store import Entry
from ..view import age, failed_first, label, listed, plain, state_word, tally, up_to_date

EVENT_OF = {  # of a run's end
    RunState.SUCCEEDED: "success",
    RunState.FAILED: "failure",
    RunState.REJECTED: "failure",
    RunState.CANCELLED: "cancelled",
}
_LONGEST_TITLE = 150
_LONGEST_BODY = 3000
_MOST_FAILURES = 3  # that are told in full
_TRACEBACK_LINES = 4


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: what it is about (`event`), and who is told besides those who always are.

    `people` are names, `emails` addresses; `about` tells what is told by it, by keys that are the same whenever the
    facts are read: ends of attempts, questions.
    """

    event: str
    title: str
    body: str
    people: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    about: tuple[str, ...] = ()
    of_node: bool = False  # the node itself asks for it


class Notices:
    """Makes the notices of one run; `told` is what people were told before it was resumed (None: nobody was)."""

    def __init__(self, pipeline: Pipeline, follower: Follower, host: str, told: Iterable[str] | None = None) -> None:
        self._pipeline = pipeline
        self._nodes = {node.title: node for node in pipeline.nodes}
        self._follower = follower
        self._host = host
        self._asked = set(told or ())
        past = follower.so_far.node_runs.values()
        # Whose end is news to nobody; what failed is tried again.
        self._told = {run.id for run in past if run.state in ENDED and not self._is_owed(run, told)}

    def _is_owed(self, run: NodeRun, told: Iterable[str] | None) -> bool:
        return told is not None and run.state is State.SUCCEEDED and _end(run) not in self._asked

    def of(self, entries: Sequence[Entry], over: bool = False) -> list[Notice]:
        """What these facts, which the follower has taken in, are to be told; with `over`, the end of the run too."""
        facts = [entry.fact for entry in entries]
        self._told -= {fact.id for fact in facts if isinstance(fact, Created)}
        now = self._follower.so_far.node_runs
        changed = dict.fromkeys(fact.id for fact in facts if isinstance(fact, Changed))
        runs = [now[id] for id in changed if id in now]
        found = [*self._of_nodes(runs, over), *self._of_questions(runs)]
        if over:
            found += [*self._of_nodes(now.values(), over), *self._of_end()]
        return found

    # nodes that ask for it

    def _of_nodes(self, runs: Iterable[NodeRun], over: bool) -> Iterator[Notice]:
        for run in runs:
            node = self._nodes.get(run.node)
            if node is None or node.notify is None or run.id in self._told:
                continue
            failed = run.state in BROKEN and (over or not self._is_tried_again(node, run))
            event = "failure" if failed else "success" if run.state is State.SUCCEEDED else ""
            if event in node.notify.events:
                self._told.add(run.id)
                how = f"{state_word(run.state)}{_because(run)}"
                lines = [self._where(), "", *(self._failure(run) if failed else [f"{label(run)} {how}."])]
                made = self._notice(event, f"{label(run)} {how}", lines, _end(run))
                yield replace(made, emails=node.notify.emails, of_node=True, about=(_end(run),))

    def _is_tried_again(self, node: Node, run: NodeRun) -> bool:
        retries = self._pipeline.defaults.retries if node.retries is None else node.retries
        return run.attempt - run.tried_before <= (retries or 0)

    # questions

    def _of_questions(self, runs: Iterable[NodeRun]) -> Iterator[Notice]:
        new = [run for run in runs if run.state is State.PENDING_APPROVAL and _key(run) not in self._asked]
        for asked in questions(new):
            keys = tuple(_key(run) for run in asked.runs)
            self._asked.update(keys)
            people = tuple(str(one) for one in asked.runs[0].detail.get("approvers") or () if one != ANYBODY)
            made = self._notice("approval", asked.words, self._asking(asked), *keys)
            yield replace(made, people=people, about=keys)

    def _asking(self, asked: Question) -> list[str]:
        run, folder = self._follower.row.id, self._follower.store.folder
        lines = [f"{asked.words}.", self._where(), ""]
        if asked.ids:
            lines += [f"They are {asked.ids}; one word decides on all of them, or name one.", ""]
        for verb, meaning in (("approve", "let it start"), ("reject", "end the run")):
            lines += [f"To {meaning}:", f"  {_from_anywhere(asked.command(folder, run, verb), folder)}"]
        if len(asked.runs[0].detail.get("approvers") or ()) > 1:
            lines.append("--by names who decides: put your own name there.")
        return [*lines, "", "To look first:", f"  {self._command('show')}"]

    # the end

    def _of_end(self) -> Iterator[Notice]:
        so_far = self._follower.so_far
        event = EVENT_OF.get(so_far.state)
        if event is None:
            return
        broken = [run for run in failed_first(so_far) if run.state is not State.REJECTED]
        lines = [self._where(), self._counts(), ""]
        for run in broken[:_MOST_FAILURES]:
            lines += [*self._failure(run), ""]
        if len(broken) > _MOST_FAILURES:
            lines += [f"{len(broken) - _MOST_FAILURES} more failed.", ""]
        lines += ["To look:", f"  {self._command('show')}"]
        if so_far.state in (RunState.FAILED, RunState.CANCELLED):
            lines += ["To go on with it:", f"  {self._command('resume')}"]
        yield self._notice(event, f"{state_word(so_far.state)}{self._why(broken)}", lines, "end", joint=" ")

    def _why(self, broken: Sequence[NodeRun]) -> str:
        so_far = self._follower.so_far
        if so_far.state is RunState.SUCCEEDED:
            return ""
        if so_far.state is RunState.FAILED and broken:
            more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
            return f": {label(broken[0])}{_because(broken[0])}{more}"
        return f": {so_far.reason}" if so_far.reason else ""

    def _counts(self) -> str:
        so_far, row = self._follower.so_far, self._follower.row
        states = up_to_date(so_far) or tally(run.state for run in listed(so_far))
        ended = max((watched.ended or 0.0 for watched in self._follower.listed()), default=0.0)
        return f"{states or 'nothing ran'}, in {age(max(ended - row.started, 0.0))}."

    # words

    def _where(self) -> str:
        return f"Run {self._follower.row.id} of {self._follower.row.pipeline} on {self._host}."

    def _failure(self, run: NodeRun) -> list[str]:
        cell = self._follower.cell_of(run.node)
        place = f" (cell {cell})" if cell else ""
        lines = [f"{label(run)}{place} {state_word(run.state)}: {run.reason.splitlines()[0] if run.reason else ''}"]
        traceback = plain("\n".join((run.detail.get("error") or {}).get("traceback") or ())).splitlines()
        lines += [f"  {line}" for line in traceback[-_TRACEBACK_LINES:]]
        if run.detail.get("notebook"):
            lines.append(f"  its notebook: {run.detail['notebook']}")
        return lines

    def _command(self, verb: str) -> str:
        words = ["dagbook", verb, self._follower.row.id]
        return _from_anywhere(shlex.join(words), self._follower.store.folder)

    def _notice(self, event: str, title: str, lines: Sequence[str], *about: str, joint: str = ": ") -> Notice:
        words = " ".join(f"{self._follower.row.pipeline}{joint}{title}".split())
        body = _cut("\n".join(lines).strip(), _LONGEST_BODY)
        number = hashlib.sha256("\0".join((self._follower.row.id, *about)).encode()).hexdigest()[:12]
        return Notice(event, _cut(words, _LONGEST_TITLE), f"{body}\n\nMessage {number}.")


def _because(run: NodeRun) -> str:
    reason = run.reason.splitlines()[0] if run.reason and run.state is not State.SUCCEEDED else ""
    return f" ({reason})" if reason else ""


def _key(run: NodeRun) -> str:
    """Which question this is: another plan of the same node run is another question."""
    return f"{run.id} {run.created.plan}"


def _end(run: NodeRun) -> str:
    """Which end of which attempt this is."""
    return f"{run.id} {run.created.plan} {run.attempt} {run.state}"


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _from_anywhere(command: str, store: Path) -> str:
    return command if "--store" in shlex.split(command) else f"{command} --store {shlex.quote(str(store))}"
