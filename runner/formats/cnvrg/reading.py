"""A cnvrg file as pipelines: the flow itself, its tasks, its relations, when it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ...core.model import Node, Pipeline
from ...core.names import slug_of
from ..documents import Entry, Whole, bare
from ..imported import Counts, Ledger
from .dates import cron_fault, moment_of
from .keeping import DIALECT, OF_CNVRG
from .part import Part
from .relations import Arrow, before, check_cycles, read_relations
from .schemas import BlueprintTop, Dialect, FlowTop, TaskType, Top
from .tasks import read_task
from .titles import Titles

_OTHERS = ("dagbook", "pipeline", "transform", "nodes")  # keys that other formats begin with
_SCHEMAS: dict[Dialect, type[Top]] = {Dialect.FLOW: FlowTop, Dialect.BLUEPRINT: BlueprintTop}
_OWN = ("tasks", "relations", "schedule", "recurring", "flow", "title")  # keys that have a field in a pipeline


def is_cnvrg(documents: Sequence[Entry]) -> bool:
    """Whether each document has a `flow` or a list of `tasks`."""
    return bool(documents) and all(_is_flow(one.value) for one in documents)


def _is_flow(value: Any) -> bool:
    return (
        isinstance(value, dict) and ("flow" in value or "tasks" in value) and not any(key in value for key in _OTHERS)
    )


def read_cnvrg(
    documents: Sequence[Entry], ledger: Ledger, *, csv_grid: bool = False, now: datetime | None = None
) -> list[tuple[Pipeline, Counts]]:
    """The pipelines that the documents tell, with the counts of tasks and relations in the file.

    What is wrong, and what is not kept as it was, is taken down in the ledger. With `csv_grid` a text with commas is
    several values of a parameter.
    """
    found = []
    for document in documents:
        start = len(ledger.records)
        if (made := _Flow(document, ledger, csv_grid, now or datetime.now()).read()) is not None:
            found.append(made)
        ledger.records[start:] = sorted(ledger.records[start:], key=lambda record: record.problem.place.line or 0)
    return found


class _Flow:
    """Reads one document."""

    def __init__(self, document: Entry, ledger: Ledger, csv_grid: bool, now: datetime) -> None:
        named = document.value if isinstance(document.value, dict) else {}
        self._dialect = Dialect.BLUEPRINT if "title" in named and "flow" not in named else Dialect.FLOW
        self._part = Part(document, (), ledger, f"the {self._dialect}")
        self._csv_grid = csv_grid
        self._now = now

    def read(self) -> tuple[Pipeline, Counts] | None:
        """The pipeline and its counts. None, and the faults are taken down."""
        told = self._with_lists().read(_SCHEMAS[self._dialect])
        tasks, relations = (_items(self._part.entry, key) for key in ("tasks", "relations"))
        if told is not None and not tasks:
            self._part.note("E-PIPELINE-EMPTY", "not read", "tasks")
        titles = Titles(_title(entry) for entry in tasks)
        nodes = [
            read_task(self._task(number, entry), self._dialect, titles, self._csv_grid)
            for number, entry in enumerate(tasks)
        ]
        self._check_names(tasks)
        data = frozenset(title for entry in tasks if (title := titles.of(_title(entry))) and _is_data(entry))
        arrows = read_relations(self._part.inner("relations"), titles, data) if relations else []
        when = self._when(told) if told is not None else {}
        if told is None or None in nodes or self._part.ledger.failed:
            return None
        pipeline = self._pipeline(told, [node for node in nodes if node is not None], arrows, when)
        return (pipeline, Counts.of(len(tasks), ["relation"] * len(relations))) if pipeline is not None else None

    def _with_lists(self) -> Part:
        """The document, in which lists that are there and say nothing are empty."""
        named = self._part.entry.value
        if not isinstance(named, dict):
            return self._part
        lists = {
            key: replace(named[key], value=[])
            for key in ("tasks", "relations")
            if key in named and named[key].value in (None, "")
        }
        return replace(self._part, entry=replace(self._part.entry, value={**named, **lists}))

    def _task(self, number: int, entry: Entry) -> Part:
        title = _title(entry)
        what = f'the task "{title}"' if title else f"task {number + 1}"
        return replace(self._part.inner("tasks", number, what=what), node=title or None)

    def _check_names(self, tasks: Sequence[Entry]) -> None:
        seen: dict[str, tuple[str, int, int]] = {}
        for number, entry in enumerate(tasks):
            title = " ".join(_title(entry).split())
            slug = slug_of(title)
            if not slug:
                continue
            other, first, line = seen.setdefault(slug, (title, number, entry.line))
            if first == number:
                continue
            part = self._task(number, entry)
            if other == title:
                part.note("E-NODE-DUP", "not read", "title", title=title, other=f"line {line}")
            else:
                part.note("E-NAME-COLLIDES", "not read", "title", title=title, other=other, slug=slug)

    def _when(self, told: Top) -> dict[str, str]:
        found: dict[str, str] = {}
        if told.schedule is not None and told.recurring is not None:
            what = f"{self._part.what} has both `schedule` and `recurring`"
            self._part.note("E-CONFLICT", "not read", "recurring", what=what, hint="Keep one of the two.")
        if told.schedule is not None:
            moment = moment_of(told.schedule)
            if moment is None:
                self._part.note("E-DATE", "not read", "schedule", where="schedule", value=told.schedule)
            else:
                found["schedule"] = moment.isoformat(timespec="minutes")
                if moment < self._now:
                    self._part.note("W-DATE-PAST", "kept", "schedule", where="schedule", value=told.schedule)
        if told.recurring is not None:
            found["recurring"] = told.recurring.strip()
            if why := cron_fault(told.recurring):
                what = f"is {told.recurring!r}, which is no cron expression: {why}"
                hint = 'Write minute, hour, day, month and day of the week: "30 * * * *".'
                self._part.note("E-TYPE", "not read", "recurring", where="recurring", what=what, hint=hint)
        return found

    def _pipeline(
        self, told: Top, nodes: Sequence[Node], arrows: Sequence[Arrow], when: dict[str, str]
    ) -> Pipeline | None:
        after = before(arrows)
        made = [node.model_copy(update={"after": after.get(node.title, ())}) for node in nodes]
        name = told.flow if isinstance(told, FlowTop) else told.title if isinstance(told, BlueprintTop) else ""
        kept = {key: self._part.raw(key) for key in type(told).model_fields if key not in _OWN and self._part.has(key)}
        kept |= {key: bare(value) for key, value in (told.model_extra or {}).items()}
        origin = {OF_CNVRG: kept, DIALECT: str(self._dialect) if self._dialect is not Dialect.FLOW else None}
        fields: dict[str, Any] = {"name": name.strip(), "nodes": tuple(made), **when}
        fields["origin"] = {key: value for key, value in origin.items() if value}
        pipeline = self._part.attempt(lambda: Pipeline.model_validate(fields))
        if pipeline is not None:
            check_cycles(pipeline, arrows)
        return pipeline


def _items(entry: Entry, key: str) -> list[Entry]:
    found = entry.value.get(key) if isinstance(entry.value, dict) else None
    return list(found.value) if found is not None and isinstance(found.value, list) else []


def _title(entry: Entry) -> str:
    """The title of a task as it stands there; empty when there is none."""
    value = entry.value["title"].value if isinstance(entry.value, dict) and "title" in entry.value else None
    if isinstance(value, Whole):
        return value.written
    return value.strip() if isinstance(value, str) else ""


def _is_data(entry: Entry) -> bool:
    return "type" in entry.value and entry.value["type"].value == TaskType.DATA
