"""A node as a task of a cnvrg file."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from ...core.conditions import settled
from ...core.dialect import Dialect as Contract
from ...core.dialect import Serving, Setup
from ...core.edge import COMPARING, Condition
from ...core.errors import PipelineError
from ...core.model import Kind, Node, Pipeline
from ..imported import Ledger
from .conditions import OBJECTIVES, written_conditions
from .keeping import PARAM_TYPES, kept_in
from .params import written_params
from .schemas import Dialect, TaskType
from .serving import written_serving
from .tasks import MASTER, is_commit

_FORMAT = "a cnvrg file"
_TYPES = {Kind.DATA: TaskType.DATA, Kind.DEPLOY: TaskType.DEPLOY}  # all others are commands


def task_document(
    pipeline: Pipeline, node: Node, parents: Sequence[str], dialect: Dialect, ledger: Ledger, number: int
) -> dict[str, Any]:
    """The node as a mapping; `parents` are the titles before it. What a task cannot say is taken down."""
    return _Task(pipeline, node, parents, dialect, ledger, number).document()


class _Task:
    """Writes one task."""

    def __init__(
        self, pipeline: Pipeline, node: Node, parents: Sequence[str], dialect: Dialect, ledger: Ledger, number: int
    ) -> None:
        self._pipeline, self._node, self._parents, self._dialect = pipeline, node, parents, dialect
        self._ledger, self._number = ledger, number
        self._kept = kept_in(node.origin)
        self._types = kept_in(node.origin, PARAM_TYPES)
        self._branch, self._commit = (self._kept.pop(key, None) for key in ("git_branch", "git_commit"))

    def document(self) -> dict[str, Any]:
        node = self._node
        kind = _TYPES.get(node.kind, TaskType.EXEC)
        said: dict[str, Any] = {"title": node.title, "type": str(kind)}
        said |= {side: at for side, at in (("top", node.top), ("left", node.left)) if at is not None}
        if kind is TaskType.DATA:
            said |= self._data()
        else:
            said |= self._exec() if kind is TaskType.EXEC else written_serving(node.serving or Serving())
            said |= self._working()
        return said | {key: value for key, value in self._kept.items() if key not in said}

    def _data(self) -> dict[str, Any]:
        node = self._node
        if node.dataset is None:
            self._note("the place of its data (--path, --url)", "named after its title", "dataset")
            return {"dataset": "_".join(node.title.split())}
        name, at, version = node.dataset.partition("@")
        return {"dataset": name, **({"data_commit": version} if at else {}), **_given(data_query=node.query)}

    def _exec(self) -> dict[str, Any]:
        node = self._node
        command = "command" if self._dialect is Dialect.BLUEPRINT else "input"
        setup = node.setup or Setup()
        given = self._pipeline.parameters_of(node)
        for name, value in given.items():
            if value == "":
                self._note(f"the empty text in {name}", "written as a parameter without a value", "params")
        order = [argument.name for argument in node.arguments]
        params = written_params(given, node.grid, order, self._types, self._dialect)
        events = node.notify.events if node.notify else ()
        return _given(
            **{command: node.source or None},
            params=params or None,
            single_mode=node.single or None,
            restart_if_stuck=None if node.retries is None else node.retries > 0,
            notify_on_error=True if "failure" in events else None,
            notify_on_success=True if "success" in events else None,
            emails=list(node.notify.emails) if node.notify and node.notify.emails else None,
            requirements=None if setup.requirements else False,
            prerun=None if setup.prerun else False,
            output_dir=setup.output,
        )

    def _working(self) -> dict[str, Any]:
        node = self._node
        said = _given(image=node.image, computes=list(node.compute) if node.compute else None)
        if conditions := written_conditions(self._tests(), node.approve):
            said["conditions"] = conditions
        return said | self._git()

    def _git(self) -> dict[str, Any]:
        """The branch or commit of the project's own repository; of another one, what it is called."""
        url, _, ref = (self._node.git or "").rpartition("@")
        if not ref:
            return _given(git_branch=self._branch if self._branch in MASTER else None)
        if url != ".":
            self._note(f"the repository {self._node.git}", "left out", "git_branch")
            return {}
        if ref == self._commit or (is_commit(ref) and ref != self._branch):
            return _given(git_branch=self._branch, git_commit=ref)
        return {"git_branch": ref}

    def _tests(self) -> tuple[Condition, ...]:
        """The conditions, each of one task or of all."""
        return tuple(one for condition in self._node.when for one in self._test(condition))

    def _test(self, condition: Condition) -> list[Condition]:
        if condition.objective not in OBJECTIVES:
            self._note(f"the condition {condition}", "left out", "conditions")
            return []
        if self._node.dialect is not Contract.CNVRG:  # its tasks may stand in front of the tag
            with suppress(PipelineError):  # a fault of the pipeline, which its check tells
                condition = settled(self._pipeline, self._node, condition, self._parents)
        able = {title for title in self._parents if self._pipeline.node(title).kind is not Kind.DATA}
        if len(condition.tasks) > 1 and set(condition.tasks) == able:
            return [condition.model_copy(update={"tasks": ()})]
        if len(condition.tasks) < 2:
            return [condition]
        if condition.objective in COMPARING:
            self._note(f"the condition {condition}", "left out", "conditions")
            return []
        return [condition.model_copy(update={"tasks": (title,)}) for title in condition.tasks]

    def _note(self, what: str, done: str, key: str) -> None:
        facts = {"what": f'{what} of "{self._node.title}"', "format": _FORMAT}
        self._ledger.note("W-EXPORT", None, ("tasks", self._number, key), done, self._node.title, **facts)


def _given(**said: Any) -> dict[str, Any]:
    """What is not None."""
    return {key: value for key, value in said.items() if value is not None}
