"""Planning: from what was asked to everything that is settled before the first node starts.

A plan finds all that can be wrong first (names, edges, parameters, images, kernels), so that a mistake starts
nothing and stores nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from .core.errors import PipelineError, Place, Problem, problem, raise_errors
from .core.events import Earlier
from .core.graph import check, select
from .core.lifecycle import PASSED, NodeRun
from .core.model import Defaults, ExecutorName, Kind, Node, OnError, Pipeline, Written
from .core.names import slug_of
from .core.routes import count
from .core.scheduler import planner
from .executors.contract import Executor, Needs, Runtime
from .formats.attachments import read_requirements, read_text
from .formats.nbformat_import import import_nbformat
from .formats.settings import Settings
from .records.code import Snapshot, TooLarge, snapshot
from .records.store import Store

Tell = Callable[[str], None]


class Asked(Written):
    """What somebody wants run, as plain data; it crosses to the run process as JSON.

    `folder` is what relative paths mean; `file` the notebook, `keep_out` files that are no part of the project
    snapshot. `code` is a folder, "none", or None for the notebook's folder. `nodes`, `start`, `until` are titles.
    """

    pipeline: Pipeline
    folder: Path
    file: Path | None = None
    keep_out: tuple[Path, ...] = ()
    executor: ExecutorName = ExecutorName.AUTO
    image: str
    build_network: str | None = None
    transport: str = "auto"
    jobs: int = 1
    on_error: OnError | None = None
    code: str | None = None
    max_runs: int = 10_000
    env: dict[str, str] = Field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    until: tuple[str, ...] = ()
    started_by: str = "dagbook run"


def ask(pipeline: Pipeline, settings: Settings, folder: Path, **more: Any) -> Asked:
    """What is to be run of `pipeline` under these settings; `more` are further fields of `Asked`.

    A flag overrules what the pipeline says for all its nodes; a node's own word stands above both.
    """
    flags = {n: getattr(settings, n) for n in ("executor", "image") if settings.from_where(n) == f"--{n}"}
    defaults = Defaults.model_validate({**pipeline.defaults.model_dump(), **flags})
    return Asked(
        pipeline=pipeline.model_copy(update={"defaults": defaults}),
        folder=folder,
        executor=ExecutorName(settings.executor),
        image=settings.image,
        build_network=settings.build_network,
        transport=settings.transport,
        jobs=settings.jobs,
        code=settings.code,
        max_runs=settings.max_runs,
        env=dict(settings.env),
        **more,
    )


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is settled: the part of the pipeline to run, on what each node runs, and what it sees."""

    asked: Asked
    pipeline: Pipeline
    reused: frozenset[str]
    earlier: Mapping[str, Earlier]
    executors: Mapping[str, Executor]
    runtimes: Mapping[str, Runtime]
    code: Snapshot | None
    warnings: tuple[Problem, ...]


def check_asked(asked: Asked) -> tuple[Pipeline, frozenset[str], list[Problem]]:
    """The part of the pipeline that was asked for, the titles in it that are not to run, and warnings.

    Touches nothing. Raises PipelineError with every finding.
    """
    found = raise_errors(check(asked.pipeline))
    pipeline, reused = select(asked.pipeline, asked.nodes, asked.start, asked.until)
    counts = count(pipeline)
    if counts.node_runs > asked.max_runs:
        largest = sorted(counts.by_node.items(), key=lambda item: -item[1])[:3]
        product = ", ".join(f'"{title}" {runs:,} times' for title, runs in largest)
        raise PipelineError(problem("E-GRID-SIZE", count=counts.node_runs, limit=asked.max_runs, product=product))
    return pipeline, reused, found


def prepare(asked: Asked, store_of: Callable[[], Store], tell: Tell) -> tuple[Plan, Store]:
    """Settle everything. The store is opened (and made) only when no mistake is left to find.

    Raises PipelineError or MachineError; then nothing was started and nothing stored.
    """
    from .executors.choose import choose

    import_nbformat()
    pipeline, reused, warnings = check_asked(asked)
    needs = {node.title: needs_of(asked, pipeline, node) for node in pipeline.nodes if node.title not in reused}
    executors: dict[str, Executor] = {}
    runtimes: dict[str, Runtime] = {}
    for wanted in dict.fromkeys(executor_named(asked, pipeline, pipeline.node(title)) for title in needs):
        group = [n for t, n in needs.items() if executor_named(asked, pipeline, pipeline.node(t)) is wanted]
        executor, said = choose(
            wanted,
            group,
            default_image=asked.pipeline.defaults.image or asked.image,
            build_network=asked.build_network,
            transport=asked.transport,
            tell=tell,
        )
        warnings += said
        found, problems = executor.prepare(group, tell)
        warnings += raise_errors(problems)
        runtimes |= found
        executors |= {one.title: executor for one in group}
    store = store_of()
    earlier = find_earlier(store, pipeline, reused)
    code, said = keep_code(asked, store)
    if store.remote:
        warnings.append(problem("W-STORE-REMOTE", store=store.folder, kind=store.remote, database=store.database))
    return Plan(asked, pipeline, reused, earlier, executors, runtimes, code, tuple(warnings + said)), store


def executor_named(asked: Asked, pipeline: Pipeline, node: Node) -> ExecutorName:
    """Where the node is to run: its own word, else the pipeline's, else as asked."""
    return node.executor or pipeline.defaults.executor or asked.executor


def needs_of(asked: Asked, pipeline: Pipeline, node: Node) -> Needs:
    """What a node asks of the machine, its own words before the pipeline's. Raises PipelineError (E-FILE-MISSING)."""
    defaults = pipeline.defaults
    kernel = node.kernel or defaults.kernel
    prerun = node.prerun or defaults.prerun
    command = node.kind is Kind.COMMAND
    return Needs(
        node.title,
        node.kind,
        image=node.image or defaults.image,
        requirements=read_requirements(first(node.requirements, defaults.requirements) or (), asked.folder),
        prerun=read_text(prerun, asked.folder) if prerun else "",
        kernel=None if command else kernel,
        language=pipeline.language,
        cpus=first(node.cpus, defaults.cpus),
        memory=first(node.memory, defaults.memory),
        network=bool(first(node.network, defaults.network)),
        source="\n".join([*([] if command else pipeline.shared), node.source]),
        place=Place(str(asked.file) if asked.file else None, node.cell, None, node.title),
    )


def first(*values: Any) -> Any:
    """The first of `values` that is not None; None when all are."""
    return next((value for value in values if value is not None), None)


def keep_code(asked: Asked, store: Store) -> tuple[Snapshot | None, list[Problem]]:
    """The project snapshot for /code, and a warning where the folder is too large to be one."""
    if asked.code == "none":
        return None, []
    folder = (asked.folder / (asked.code or ".")).resolve()
    if not folder.is_dir():
        hint = "Give a folder, or --code none."
        raise PipelineError(problem("E-CODE", what=f"--code {asked.code} is not a folder", hint=hint))
    keep_out = frozenset({path.resolve() for path in (*asked.keep_out, *([asked.file] if asked.file else []))})
    try:
        return snapshot(folder, store.code, keep_out), []
    except TooLarge as error:
        if asked.code:
            hint = "List big files in .gitignore, or choose a smaller folder."
            raise PipelineError(problem("E-CODE", what=str(error), hint=hint)) from None
        return None, [problem("W-CODE-SIZE", why=error)]
    except OSError as error:
        what = f"{error.filename or folder} is part of the project and cannot be read: {error.strerror}"
        hint = "Make it readable, list it in .gitignore, or choose with --code DIR (or --code none)."
        raise PipelineError(problem("E-CODE", what=what, hint=hint)) from None


def find_earlier(store: Store, pipeline: Pipeline, reused: frozenset[str]) -> dict[str, Earlier]:
    """The latest results of the node runs that are not to run. Raises PipelineError (E-NO-EARLIER)."""
    if not reused:
        return {}
    wanted = [run.created for run in planner(pipeline, reused).node_runs.values() if run.node in reused]
    found: dict[str, Earlier] = {}
    for row in store.runs(most=50, pipeline=pipeline.name):
        past = store.state_of(row.id).node_runs
        for created in wanted:
            run = past.get(created.id)
            if created.id not in found and run and run.created.params == created.params and _is_kept(store, run):
                detail = {**run.detail, "from_run": run.detail.get("from_run", row.id)}
                found[created.id] = Earlier(detail, run.tags)
    missing = {created.node: None for created in wanted if created.id not in found}
    raise_errors(problem("E-NO-EARLIER", node=title, slug=slug_of(title)) for title in missing)
    return found


def _is_kept(store: Store, run: NodeRun) -> bool:
    digest = str(run.detail.get("artifact", ""))
    return run.state in PASSED and bool(digest) and (store.artifacts / digest[:2] / digest).is_dir()
