"""Jobs of node runs that are only foreseen: which may be started ahead of their time, and what they would be."""

from __future__ import annotations

import contextlib
import shutil

from .core.lifecycle import NodeRun
from .core.model import Kind
from .executors.launch import is_ours
from .jobs import Jobs
from .node_needs import needs_of
from .partition import has_parts
from .plan import Plan
from .records.store import Store


class ForeseenJobs:
    """What `ahead.Ahead` asks of one run; `jobs` makes jobs from what is foreseen."""

    def __init__(self, plan: Plan, store: Store, run: str, jobs: Jobs) -> None:
        self._plan = plan
        self._store = store
        self._run = run
        self._jobs = jobs
        self.executor_of = jobs.executor_of
        self.make = jobs.make
        self.output_of = jobs.output_of

    def may_wait(self, title: str) -> bool:
        """Whether node runs of this node may be started before it is known that they will run.

        Only what runs here and can be told variables later; not what a person or an earlier result decides on; nothing
        that takes more than a container: a device, a checkout, links to the files of edges; nothing that is to stay.
        """
        plan, node = self._plan, self._plan.pipeline.node(title)
        if title not in plan.executors or node.kind not in self.executor_of(title).holds or plan.asked.keep_failed:
            return False
        if node.dialect or has_parts(node):
            return False
        if node.kind is not Kind.COMMAND and not is_ours(plan.runtimes[title]):
            return False
        asked = needs_of(plan.asked, plan.pipeline, node).gpus or plan.pipeline.edges_into(title)
        return not (node.approve or asked or title in plan.reused or title in plan.repositories)

    def forget(self, run: NodeRun, attempt: int) -> None:
        """Remove the folders that were made for an attempt which is not to be."""
        folder = self._store.attempt_folder(self._run, run.id, attempt)
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()  # when it was the first
