"""The failed node runs of a run whose kernels stay: which there are, which one is meant, and what is told of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from . import view
from .chosen_runs import chosen_runs
from .core.errors import PipelineError, Problem, problem
from .core.lifecycle import Changed, NodeRun, State
from .core.model import Kind
from .executors.kept import Kept
from .records.follow import Follower


@dataclass(frozen=True, slots=True)
class KeptRun:
    """A node run whose kernel stayed after it failed, and the reason of that failure."""

    follower: Follower
    run: NodeRun
    reason: str
    cell: int | None
    kept: Kept

    @property
    def where(self) -> str:
        """Its container, or that it is a process."""
        return f"container {self.kept.container[:12]}" if self.kept.container else "a process of this machine"


def kept_runs(follower: Follower) -> list[KeptRun]:
    """What was kept of a run, living or not; of several attempts of a node run, the last that lives or the last."""
    found: dict[str, KeptRun] = {}
    for entry in follower.store.facts(follower.row.id):
        if not (isinstance(entry.fact, Changed) and entry.fact.detail.get("kept")):
            continue
        fact = entry.fact
        kept = Kept.of(fact.detail["kept"])
        known = found.get(fact.id)
        if known is None or kept.lives or not known.kept.lives:
            cell = (fact.detail.get("error") or {}).get("cell")
            found[fact.id] = KeptRun(follower, follower.so_far.node_runs[fact.id], fact.reason, cell, kept)
    return [found[id] for id in follower.so_far.node_runs if id in found]


def stays(run: NodeRun) -> bool:
    """Whether the kernel of a failed node run stays, and can be gone into from this machine."""
    kept = Kept.of(run.detail["kept"]) if run.detail.get("kept") else None
    return kept is not None and kept.here and kept.lives


def find_kept(follower: Follower, node: str) -> KeptRun:
    """The node run that `node` (a title, a slug, one id) means, whose kernel was kept, living or not.

    Raises PipelineError: E-NODE-UNKNOWN, or E-ATTACH where nothing was kept of it or several node runs may be meant.
    """
    chosen = chosen_runs(follower, node)
    found = [one for one in kept_runs(follower) if one.run.id in chosen]
    living = [one for one in found if one.kept.lives]
    if len(living) > 1:
        which = ", ".join(f"{one.run.id} ({view.route_words(one.run.created.route)})" for one in living)
        hint = f"Name one of them: dagbook attach {follower.row.id} {living[0].run.id}"
        raise PipelineError(problem("E-ATTACH", what=f"several runs of {node} are kept: {which}", hint=hint))
    if living or found:
        return (living or found)[0]
    raise PipelineError(_nothing_kept(follower, follower.so_far.node_runs[chosen[0]]))


def check_lives(one: KeptRun) -> None:
    """Raise PipelineError (E-ATTACH) for a kernel that is gone or on another machine."""
    run = f"{view.label(one.run)} of run {one.follower.row.id}"
    if not one.kept.here:
        host = one.kept.keeper["host"]
        raise PipelineError(problem("E-ATTACH", what=f"{run} is kept on {host}", hint="Attach on that machine."))
    if not one.kept.lives:
        why = "it was ended, its kernel ended by itself, or its time was over"
        hint = "Run it again: dagbook run FILE --keep-failed"
        raise PipelineError(problem("E-ATTACH", what=f"the kernel of {run} is gone: {why}", hint=hint))


def unreachable(one: KeptRun, error: Exception) -> PipelineError:
    """E-ATTACH for a kept kernel that could not be reached: it went at this moment, is stuck, or is not ours."""
    run = f"{view.label(one.run)} of run {one.follower.row.id}"
    why = {
        "KernelGone": "has ended",
        "KernelSilent": "does not answer: it is stuck in code that nothing can interrupt",
    }.get(type(error).__name__, f"cannot be reached: {error}")
    hint = f"End it: dagbook attach {one.follower.row.id} {one.run.id} --done"
    return PipelineError(problem("E-ATTACH", what=f"the kernel of {run} {why}", hint=hint))


def _nothing_kept(follower: Follower, run: NodeRun) -> Problem:
    label, id = view.label(run), follower.row.id
    nodes = follower.row.record["pipeline"]["nodes"]
    kind = next((node["kind"] for node in nodes if node["title"] == run.node), Kind.CELL)
    if kind == Kind.COMMAND:
        folder = follower.folder_of(run) / "output"
        what = f"{label} is a command: it has no kernel that could stay"
        return problem("E-ATTACH", what=what, hint=f"Its files: {folder}\nIts log:   dagbook logs {id} {run.id}")
    if run.state is not State.FAILED:
        what = f"{label} {view.state_word(run.state)}; only a failed node's kernel stays"
    elif (follower.row.record.get("settings") or {}).get("keep_failed"):
        what = f"the kernel of {label} could not stay: {run.reason}"
    else:
        what = f"{label} failed, and its kernel was ended, as nobody asked for it to stay"
    living = [one.run.id for one in kept_runs(follower) if one.kept.lives]
    hint = f"Kept are: {', '.join(living)}" if living else "Run it again: dagbook run FILE --keep-failed"
    return problem("E-ATTACH", what=what, hint=hint)


def end_kept(one: KeptRun) -> str:
    """End what is kept, and tell in a sentence what came of it. Raises PipelineError (E-ATTACH)."""
    label = view.label(one.run)
    if one.kept.here and not one.kept.lives:
        return f"{label} is gone already: nothing of it is kept."
    check_lives(one)
    try:
        gone = one.kept.end()
    except PermissionError as error:
        raise unreachable(one, error) from None
    place = "its container is removed" if one.kept.container else "its process is gone"
    return f"{label} is ended: {place}." if gone else f"{label} was asked to end, and has not yet."


def header(one: KeptRun, done: str) -> str:
    """Where one is: the node, its container, what failed in it, what is as it was; and `done`, how it is ended."""
    kept = one.kept
    clock = time.strftime("%H:%M", time.localtime(kept.until))
    cell = one.follower.cell_of(one.run.node)
    where = f" (cell {cell})" if cell else ""
    seen = "/input and /output are" if kept.output == "/output" else f"Its inputs and its folder {kept.output} are"
    return (
        f"{view.label(one.run)} of run {one.follower.row.id}, {one.where}, kept until {clock}\n"
        f"{one.reason}{where}\n{seen} as they were. To end it: {done}"
    )


def listing(found: Sequence[KeptRun]) -> str:
    """What is kept, a line each."""
    lines = [f"{one.run.id}  {view.label(one.run)}  {one.where}  {one.reason}" for one in found if one.kept.lives]
    return "\n".join(lines) or "Nothing is kept of this run. A failed node's kernel stays with: --keep-failed"
