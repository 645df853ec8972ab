"""A run in the hands of a program: how it stands, its node runs, waiting for it, steering it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from .. import view
from ..core.errors import PipelineError, problem
from ..core.lifecycle import RunState, State
from ..core.model import Node
from ..core.values import Value, from_json, to_json
from ..records.follow import Follower
from ..records.processes import alive
from ..records.store import Store
from .callers import told_at_the_call
from .changes import Change, follow
from .failures import failure_of
from .node_run import NodeRun, chosen, rows_of, title_of

if TYPE_CHECKING:
    import pandas

    from ..launch import Launched


class Run:
    """One run of a pipeline, which goes on in a process of its own; what is asked here is looked up in its store.

        run = flow.start(epochs=5)
        run.wait()
        run["Train"].tags["accuracy"], run["Train"].artifact / "model.pkl"
        run.select("Train", harbor="aalborg")

    `dagbook.open_run` gives one that was started earlier or elsewhere.
    """

    def __init__(self, store: Store, id: str, launched: Launched | None = None) -> None:
        self._store = store
        self._launched = launched  # a run that is tied to this program ends when it is let go of
        self._follower = Follower(store, id, outputs=False, journals=False)
        self._shown = False  # its picture stands in the cell already that shows what `run` gave

    @classmethod
    def of(cls, launched: Launched) -> Run:
        """The run that was started."""
        return cls(Store(launched.store, create=False), launched.run, launched)

    # how it stands

    @property
    def id(self) -> str:
        """Its id in the store, 8 hexadecimal digits."""
        return self._follower.row.id

    @property
    def pipeline(self) -> str:
        """The name of the pipeline."""
        return self._follower.row.pipeline

    @property
    def store(self) -> Path:
        """The folder of the store that keeps it."""
        return self._store.folder

    @property
    def state(self) -> RunState:
        """`running`, `pending_approval`, `succeeded`, `failed`, `cancelled` or `rejected`, as it is now."""
        return self._look().so_far.state

    @property
    def reason(self) -> str:
        """Why it ended so, in words; empty where its node runs tell."""
        return self._look().so_far.reason

    @property
    def over(self) -> bool:
        """True when nobody runs it any more: it has ended, or it waits for a decision without a process."""
        follower = self._look()
        waits = follower.so_far.state is RunState.PENDING_APPROVAL
        return follower.over or (waits and not alive(self._store.find(self.id).process))

    @property
    def succeeded(self) -> bool:
        """True when it has ended well."""
        return self.state is RunState.SUCCEEDED

    @property
    def started(self) -> datetime:
        """When it began."""
        return datetime.fromtimestamp(self._follower.row.started, UTC).astimezone()

    @property
    def duration(self) -> float:
        """How many seconds it took, or has taken up to now."""
        row = self._store.find(self.id)
        return row.seconds(time.time())

    @property
    def parameters(self) -> dict[str, Value]:
        """The values of the pipeline's parameters; of a run that was resumed, those that it has now."""
        recorded = self._store.run(self.id).record["pipeline"]["parameters"]
        return {name: from_json(value) for name, value in recorded.items()}

    def _look(self) -> Follower:
        """Take in what is new; a run whose process has died is settled."""
        self._follower.update()
        if not self._follower.over and self._follower.settle():
            self._follower.update()
        return self._follower

    # its node runs

    @property
    def node_runs(self) -> list[NodeRun]:
        """Its node runs as they are now, node by node in the order of their routes; a skipped node once."""
        follower = self._look()
        return [NodeRun.of(follower, run) for run in view.listed(follower.so_far)]

    @property
    def nodes(self) -> list[str]:
        """The titles of the pipeline's nodes, in the order in which they were defined."""
        return [str(node["title"]) for node in self._follower.row.record["pipeline"]["nodes"]]

    def __iter__(self) -> Iterator[NodeRun]:
        return iter(self.node_runs)

    @told_at_the_call
    def __getitem__(self, node: str | Node) -> NodeRun:
        """The only run of a node, by its title or as `Pipeline.node` gave it, or one node run by its id (`train#2`).

        Raises PipelineError: E-NODE-UNKNOWN, and E-USAGE for a node that has none yet, or several.
        """
        node = title_of(node)
        found = self._meant(node)
        if len(found) == 1:
            return found[0]
        if not found:
            hint = "Wait for it: run.wait()." if not self.over else "It was not part of this run."
            raise PipelineError(problem("E-USAGE", what=f'"{node}" has no run in {self.id} yet', hint=hint))
        hint = f"Take run.select({node!r}), or one by its id: {', '.join(one.id for one in found[:4])}."
        raise PipelineError(problem("E-USAGE", what=f'"{node}" has {len(found)} runs in {self.id}', hint=hint))

    @told_at_the_call
    def select(
        self, node: str | Node | None = None, *, state: State | str | None = None, **values: Value
    ) -> list[NodeRun]:
        """The node runs of a node, in a state, that ran with these values: `run.select("Train", harbor="aalborg")`.

        A value is a parameter of the node run itself, or of a grid that it descends from. Raises PipelineError
        (E-NODE-UNKNOWN, E-PARAM-UNKNOWN) with the nearest name.
        """
        wanted = None if node is None else title_of(node)
        return chosen(self.node_runs, self.nodes, wanted, None if state is None else str(state), values)

    def _meant(self, node: str | None) -> list[NodeRun]:
        """The node run of this id, or those of the node of this title, or all."""
        runs = self.node_runs
        return [one for one in runs if one.id == node] or chosen(runs, self.nodes, node, None, {})

    def rows(self) -> list[dict[str, object]]:
        """A flat row for each node run: node, id, state, seconds, its values, its tags."""
        return list(rows_of(self.node_runs))

    @told_at_the_call
    def table(self) -> pandas.DataFrame:
        """The rows as a table of pandas. Raises PipelineError (E-USAGE) where pandas is not installed."""
        try:
            import pandas
        except ImportError:
            hint = "Install it (pip install pandas), or take run.rows()."
            raise PipelineError(problem("E-USAGE", what="a table needs pandas", hint=hint)) from None
        return pandas.DataFrame(self.rows())

    @told_at_the_call
    def logs(self, node: str | Node | None = None) -> str:
        """What its nodes printed, or those runs of one; where they are several, each under a line with its name.

        Raises PipelineError (E-NODE-UNKNOWN).
        """
        found = self._meant(None if node is None else title_of(node))
        texts = [(str(one), one.log) for one in found]
        if len(texts) == 1:
            return texts[0][1]
        return "\n".join(f"── {name}\n{text}" for name, text in texts if text)

    # waiting

    def follow(self, timeout: float | None = None) -> Iterator[Change]:
        """Each change of state, from the run's beginning on, until it is over; waits for the next one.

        Raises TimeoutError after `timeout` seconds.
        """
        return follow([self], timeout)

    def wait(self, timeout: float | None = None) -> Run:
        """Wait until it is over; gives the run. Ctrl-C only stops waiting. Raises TimeoutError after `timeout` seconds.

        Whether it succeeded is in `state`; `check` raises where it did not.
        """
        for _ in self.follow(timeout):
            pass
        return self

    @told_at_the_call
    def check(self) -> Run:
        """The run, when it has succeeded.

        Raises RunFailed with the node, the line of your code and its traceback when it has not; PipelineError (E-USAGE)
        while it goes on.
        """
        if not self.over:
            hint = "Wait for it first: run.wait().check()"
            raise PipelineError(problem("E-USAGE", what=f"run {self.id} still goes on", hint=hint))
        if failure := failure_of(self, self._follower):
            raise failure
        return self

    # steering

    @told_at_the_call
    def cancel(self) -> None:
        """Ask for its end, which `wait` waits for; what is done is kept. Nothing happens to one that is over."""
        from ..steer import stop

        stop(self._store, self.id, "Run.cancel")

    @told_at_the_call
    def approve(self, node: str, by: str | None = None) -> None:
        """Let the runs of a node, or one by its id, start that wait for an approval; `by` is who decides, else you.

        Where nobody runs it any more, `resume` goes on with it. Raises PipelineError (E-NOT-PENDING, E-NOT-APPROVER;
        E-USAGE where somebody said no before).
        """
        self._decide(node, True, by)

    @told_at_the_call
    def reject(self, node: str, by: str | None = None) -> None:
        """Do not let them start: the run ends as rejected. Raises as `approve`."""
        self._decide(node, False, by)

    def _decide(self, node: str, approved: bool, by: str | None) -> None:
        from ..deciding import decide

        decided = decide(self._store, self.id, node, approved, by, "Run.approve" if approved else "Run.reject")
        if not decided.as_wanted:
            what = " ".join(decided.lines())
            raise PipelineError(problem("E-USAGE", what=what, hint="A decision is final."))

    @told_at_the_call
    def resume(self, *, force: Iterable[str] = (), no_wait: bool = False, **parameters: Value) -> Run:
        """Go on with a run that ended too early or waits, in a process of its own; gives the run.

        What is done is kept; what did not succeed runs again, and the titles in `force`; where all has succeeded,
        nothing is run. `parameters` change those of the pipeline. With `no_wait` it ends when nothing but an approval
        is left. Raises PipelineError (E-RUN-LIVE, E-RESUME, what planning finds), MachineError.
        """
        from ..steer import again, done_words, go_on

        values = {name: to_json(value) for name, value in parameters.items()}
        order = again(self.id, "Run.resume", values, tuple(force), waits=not no_wait)
        if done_words(self._store, order):
            return self
        self._launched = go_on(self._store, order, _silent)
        return self

    @told_at_the_call
    def retry(self, *nodes: str) -> Run:
        """Run nodes again, also those that succeeded, and what follows; without one the same as `resume`."""
        return self.resume(force=nodes)

    # for people

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Run) and (self.id, self.store) == (other.id, other.store)

    def __hash__(self) -> int:
        return hash((self.id, self.store))

    def __repr__(self) -> str:
        return f"<Run {self.id} of {self.pipeline}: {view.state_word(self.state)}>"

    def _repr_html_(self) -> str | None:
        """A picture of the run as it is now, for a notebook; not a second one below that of its end."""
        from ..board.page import run_bundle

        if self._shown:
            self._shown = False
            return None
        follower = Follower(self._store, self.id)
        follower.update()
        return run_bundle(follower, time.time())["text/html"]


def _silent(_: str) -> None:
    """Progress that nobody is told of."""
