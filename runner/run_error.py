"""The error that a cell raises whose run did not succeed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from . import view
from .core.errors import PipelineError, Place, problem
from .formats.commands import as_seen, going_on
from .records.follow import Follower


def run_error(follower: Follower, numbers: Mapping[str, int] | None = None) -> PipelineError:
    """What a cell that waited for a run raises when it did not succeed: each failure with the user's own traceback.

    `numbers` tell by title as what the defining cell ran in this kernel, the 6 of `In[6]`, where no file tells more.
    """
    problems = []
    for run in view.failed_first(follower.so_far)[:5]:
        traceback = "\n".join((run.detail.get("error") or {}).get("traceback", []))
        number = (numbers or {}).get(run.node)
        notebook = run.detail.get("notebook")
        told = (f"  cell:     In[{number}]" if number else "", f"  notebook: {as_seen(notebook)}" if notebook else "")
        place = Place(cell=follower.cell_of(run.node))
        hint = "\n".join(line for line in (traceback, *told) if line)
        problems.append(problem("E-NODE-FAILED", place, node=view.label(run), reason=run.reason, hint=hint))
    if not problems:
        state = view.state_word(follower.so_far.state)
        problems.append(problem("E-RUN-ENDED", run=follower.row.id, state=state, reason=follower.so_far.reason))
    else:
        command = f"  go on:    {going_on(follower.store.folder, follower.row.outermost)}"
        problems[-1] = replace(problems[-1], hint=f"{problems[-1].hint}\n{command}")
    return PipelineError(*problems)
