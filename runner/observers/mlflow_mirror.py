"""The mirror in MLflow: a run there for the run, and nested in it one for each attempt of a node run.

What is in MLflow is asked of MLflow: each of its runs carries, from its first moment, the key of what it stands for. So
a run that was killed and resumed goes on in the same ones, and what was sent before may be sent again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ..core.errors import Problem, problem
from ..core.lifecycle import RunState
from ..formats.commands import command
from ..formats.mlflow_address import without_password
from ..records.settling import OVER
from .contract import Sight
from .mlflow_files import files_of, log_of
from .mlflow_tracking import Tracking, is_refusal
from .mlflow_words import (
    ENDS,
    Numbers,
    facts_of,
    milliseconds,
    name_of,
    parameters_of,
    plain,
    tags_of,
    tags_of_run,
    told_of_run,
    written,
)
from .tries import Tries, Try

_FIRST_REST = 1.0  # seconds until it is tried again; doubled each time
_LONGEST_REST = 30.0
_END_TRIES = 3  # when the run is over, and somebody waits
_END_REST = 1.0


@dataclass(slots=True)
class _Copy:
    """What MLflow has of one try."""

    id: str
    points: int = 0  # of its points, so many were sent
    numbers: Numbers = field(default_factory=Numbers)


class Mirror:
    """Mirrors one run to `tracking`, with up to `most_bytes` of output files of each node run."""

    name = "mlflow"

    def __init__(self, tracking: Tracking, most_bytes: int) -> None:
        self._tracking = tracking
        self._most_bytes = most_bytes
        self._run = ""  # the id there of the run itself
        self._run_told: dict[str, str] = {}  # the tags that it has
        self._copies: dict[str, _Copy] = {}  # by key of a try
        self._done: set[str] = set()
        self._rest = 0.0
        self._not_before = 0.0
        self._ending = False
        self._told: set[str] = set()  # what is told once

    @property
    def place(self) -> str:
        """The server and the experiment, as they may be shown."""
        return f"{without_password(self._tracking.uri)}, experiment {self._tracking.experiment}"

    @property
    def moved(self) -> float:
        """See `Observer.moved`."""
        return self._tracking.moved

    def begin(self, sight: Sight) -> None:
        """See `Observer.begin`."""
        self._see(sight)
        self.news()

    def _see(self, sight: Sight) -> None:
        self._sight = sight
        self._tries = Tries(sight.pipeline)
        sight.keep(self.name, uri=without_password(self._tracking.uri), experiment=self._tracking.experiment)

    def news(self) -> None:
        """See `Observer.news`."""
        self._tries.take(self._sight.follower.entries)
        if time.monotonic() >= self._not_before:
            self._try()

    def end(self) -> None:
        """See `Observer.end`."""
        self._ending = True
        self._tries.take(self._sight.follower.entries)
        for _ in range(_END_TRIES):
            if self._try():
                return
            if self._sight.left.wait(_END_REST):
                return  # what is left was told
        self._sight.warn(self.unsaid())

    def send_all(self, sight: Sight) -> tuple[int, int]:
        """Send all that is known of a run that nobody runs; how many attempts were sent, and how many were there.

        Raises what MLflow raises.
        """
        self._ending = True
        self._see(sight)
        self._tries.take(sight.follower.entries)
        self._tracking.open()
        self._find_or_create()
        there = len(self._done)
        self._send()
        return len(self._done) - there, there

    def unsaid(self) -> Problem:
        """See `Observer.unsaid`."""
        left = len(self._tries.all.keys() - self._done)
        what = f"MLflow ({self.place}) has not all of this run: {left} of {len(self._tries.all)} attempts are left"
        return problem("W-MLFLOW", what=what, hint=self._send_the_rest())

    def _send_the_rest(self) -> str:
        return f"Send the rest: {command(self._sight.folder, 'mirror', self._sight.run)}"

    def _try(self) -> bool:
        """Send what is new; False when that did not go through, and is to be tried again after a rest."""
        try:
            self._send()
        except Exception as error:  # whatever a server, a database or a network can come up with
            self._run, self._copies = "", {}  # it may have arrived all the same: what is there is asked anew
            self._rest = min(max(self._rest * 2, _FIRST_REST), _LONGEST_REST)
            self._not_before = time.monotonic() + self._rest
            what = f"the run goes on, but MLflow ({self.place}) does not take it: {words_of(error)}"
            self._warn_once("down", what, f"It is tried again. {self._send_the_rest()}")
            return False
        self._rest = 0.0
        return True

    def _warn_once(self, kind: str, what: str, hint: str) -> None:
        if kind not in self._told:
            self._told.add(kind)
            self._sight.warn(problem("W-MLFLOW", what=what, hint=hint))

    # the run

    def _send(self) -> None:
        self._tracking.open()
        if not self._run:
            self._find_or_create()
        for one in list(self._tries.all.values()):
            if one.key not in self._done:
                self._send_safely(one)
        self._tell_of_run()

    def _find_or_create(self) -> None:
        row, tracking = self._sight.follower.row, self._tracking
        own = {"dagbook_store": self._sight.store.id, "dagbook_run": row.id}
        parameters = written(self._sight.pipeline.parameters)
        found = next(tracking.find(**own, dagbook_kind="run"), None)
        before: dict[str, str] = {}
        if found is None:
            shown = command(self._sight.folder, "show", row.id)
            tags = tags_of_run(row, self._sight.store.id, shown)
            id = tracking.create(f"{row.pipeline} {row.id}", milliseconds(row.started), tags)
        else:
            id, status, _, before = found
            if status != "RUNNING":
                tracking.reopen(id)
            for child, status, tags, _ in tracking.find(**own, dagbook_kind="attempt"):
                self._copies[tags["dagbook.key"]] = _Copy(child)
                if status in ENDS.values():  # it is ended last, when all else is there
                    self._done.add(tags["dagbook.key"])
        tracking.log(id, {name: value for name, value in parameters.items() if name not in before})
        changed = {name: value for name, value in parameters.items() if before.get(name, value) != value}
        tracking.log(id, tags=plain({f"dagbook.changed.{name}": value for name, value in changed.items()}))
        self._run = id
        if "where" not in self._told:
            self._told.add("where")
            self._sight.keep(self.name, experiment_id=tracking.experiment_id, run=id)
            self._sight.say(f"Mirrored to MLflow: {self.place}")

    def _tell_of_run(self) -> None:
        """What is known of the whole run now; when it is over, its end, after all else."""
        so_far = self._sight.follower.so_far
        told = told_of_run(so_far, self._tries)
        new = {name: value for name, value in told.items() if self._run_told.get(name) != value}
        if new:
            self._tracking.log(self._run, tags=new)
            self._run_told |= new
        if not self._ending:
            return
        if so_far.state in OVER:
            self._end_run()
        elif so_far.state is RunState.PENDING_APPROVAL:
            self._tracking.suspend(self._run)

    def _end_run(self) -> None:
        row = self._sight.store.run(self._sight.run)
        notebook = self._sight.folder / "runs" / row.id / "pipeline.ipynb"
        if notebook.is_file():
            self._guarded(lambda: self._tracking.put(self._run, notebook, ""))
        ended = row.ended or time.time()
        self._tracking.end(self._run, ENDS[self._sight.follower.so_far.state], milliseconds(ended))

    # its attempts

    def _send_safely(self, one: Try) -> None:
        """Send a try; one that MLflow refuses is told and left, as it would refuse it again."""
        try:
            self._send_try(one)
        except Exception as error:
            if not is_refusal(error):
                raise
            self._done.add(one.key)
            what = f"MLflow does not take {name_of(one)}: {words_of(error)}"
            self._warn_once(f"refused {one.created.node}", what, "The run itself is not touched by that.")

    def _send_try(self, one: Try) -> None:
        copied = self._copies.get(one.key)
        if copied is None:
            copied = self._copies[one.key] = _Copy(self._create(one))
            self._tracking.log(copied.id, parameters_of(one))
        new = one.points[copied.points :]
        if new:
            self._tracking.log(copied.id, numbers=copied.numbers.of(new))
            copied.points += len(new)
        if one.ended is None:
            return
        self._tracking.log(copied.id, tags={**tags_of(one), **facts_of(one)})
        if one.attempt:  # an earlier result has its files where it came from
            self._guarded(lambda: self._send_files(one, copied.id))
        self._tracking.end(copied.id, ENDS[one.state], milliseconds(one.ended))
        self._done.add(one.key)

    def _create(self, one: Try) -> str:
        tags = {
            "mlflow.parentRunId": self._run,
            "dagbook.kind": "attempt",
            "dagbook.key": one.key,
            "dagbook.run": self._sight.run,
            "dagbook.store": self._sight.store.id,
            "dagbook.node": one.created.node,
            "dagbook.node_run": one.created.id,
            "dagbook.attempt": str(one.attempt),
            "mlflow.user": str(self._sight.follower.row.record.get("user") or ""),
        }
        return self._tracking.create(name_of(one), milliseconds(one.began), plain(tags))

    def _send_files(self, one: Try, id: str) -> None:
        folder = self._sight.store.attempt_folder(self._sight.run, one.created.id, one.attempt)
        chosen = files_of(one, self._sight.store, folder, self._most_bytes)
        for file, place in chosen.files:
            self._tracking.put(id, file, place)
        if log := log_of(folder):
            self._tracking.put_text(id, log, "log.txt")
        if chosen.left_out:
            self._tracking.log(id, tags=plain({"dagbook.left_out": chosen.left_out}))
            what = f"output files of {name_of(one)} were not copied to MLflow: {chosen.left_out}"
            self._warn_once("left out", what, "Raise mlflow_files in dagbook.toml, or leave them where they are.")

    def _guarded(self, put: Callable[[], None]) -> None:
        """Put files; where MLflow has no place for them, all else goes there without."""
        try:
            put()
        except Exception as error:
            what = f"files could not be put where MLflow keeps them: {words_of(error)}"
            self._warn_once("files", what, "Look at the experiment's artifact location; the rest is mirrored.")


def words_of(error: Exception) -> str:
    """What an error of MLflow's says, in a line."""
    words = " ".join(str(error).split())
    return without_password(words[:300]) or type(error).__name__
