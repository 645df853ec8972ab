"""Planning: from what was asked to everything that is settled before the first node starts.

A plan finds all that can be wrong first (names, edges, parameters, images, kernels), so that a mistake starts
nothing and stores nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from .around import with_around
from .asked import Asked, first
from .asked_within import asked_within
from .core.check import check
from .core.dialect import Dialect
from .core.errors import PipelineError, Place, Problem, problem, raise_errors
from .core.graph import select, titles_of
from .core.model import WITHOUT_WORK, Kind, Node, Pipeline
from .core.reuse import Candidate
from .core.routes import count
from .denied_images import denied_images
from .earlier import find_earlier
from .executors.contract import Executor, Needs, Runtime
from .formats.notebook_file import notebook_text
from .node_needs import environment_problems, executor_named, needs_of, repository_of, unresolved_problems
from .open_files import few_open_files
from .records.code import Snapshot, TooLarge, is_sound, snapshot
from .records.glance import kept_out
from .records.repositories import Repository, resolve_all
from .records.room import NO_WRITING
from .records.secret_values import SecretValues
from .records.store import Store
from .secret_lookup import find_secrets, secret_files

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """All that is settled: the part of the pipeline to run, on what each node runs, and what it sees."""

    asked: Asked
    pipeline: Pipeline
    reused: frozenset[str]
    earlier: Mapping[str, Sequence[Candidate]]
    executors: Mapping[str, Executor]
    runtimes: Mapping[str, Runtime]
    code: Snapshot | None
    warnings: tuple[Problem, ...]
    computes: Mapping[str, str] = field(default_factory=dict)  # the compute template that a node got, by title
    repositories: Mapping[str, Repository] = field(default_factory=dict)  # what is at /cnvrg, by title
    contents: Mapping[str, str] = field(default_factory=dict)  # by title: image, commit and project files, as they are
    forced: frozenset[str] = frozenset()
    secrets: Mapping[str, SecretValues] = field(default_factory=dict, repr=False)  # for the nodes alone, by title
    looks: frozenset[str] = frozenset()  # titles of nodes for which earlier results are looked up
    inner: Mapping[str, Plan] = field(default_factory=dict)  # by title the plans of nodes that are pipelines
    told: tuple[Problem, ...] = ()  # those of the warnings that came up last

    @property
    def content(self) -> str:
        """What lies behind the words of the whole pipeline, as a digest: images, commits, project files."""
        words = json.dumps([sorted(self.contents.items()), self.code.digest if self.code else ""])
        return hashlib.sha256(words.encode()).hexdigest()

    def all(self, path: str = "") -> Iterator[tuple[str, Plan]]:
        """This plan and those of the pipelines within it, each with the slugs that lead there: `inner/deeper/`."""
        yield path, self
        for title, plan in self.inner.items():
            yield from plan.all(f"{path}{self.pipeline.node(title).slug}/")


def check_asked(asked: Asked) -> tuple[Pipeline, frozenset[str], list[Problem]]:
    """The part of the pipeline that was asked for, the titles in it that are not to run, and warnings.

    Touches nothing. Raises PipelineError with every finding.
    """
    found = raise_errors([*check(asked.pipeline), *environment_problems(asked), *denied_images(asked)])
    pipeline, reused, more = selected(asked)
    return pipeline, reused, found + more


def selected(asked: Asked) -> tuple[Pipeline, frozenset[str], list[Problem]]:
    """The part of a sound pipeline that was asked for, the titles in it that are not to run, and warnings.

    Touches nothing. Raises PipelineError for a node that is not there, one that cannot run, and too many node runs.
    """
    pipeline, reused = select(asked.pipeline, asked.nodes, asked.start, asked.until)
    reused -= {node.title for node in pipeline.nodes if node.kind is Kind.DATA}  # to look at one again costs little
    reused -= frozenset(titles_of(pipeline, asked.force))  # what is to run again runs, selected or not
    found = raise_errors(unresolved_problems(pipeline, reused))
    counts = count(pipeline)
    if counts.node_runs > asked.max_runs:
        known = {title: runs for title, runs in counts.by_node.items() if runs is not None}
        largest = sorted(known.items(), key=lambda item: -item[1])[:3]
        product = ", ".join(f'"{title}" {runs:,} times' for title, runs in largest)
        raise PipelineError(problem("E-GRID-SIZE", count=counts.node_runs, limit=asked.max_runs, product=product))
    return pipeline, reused, found


def prepare(
    asked: Asked, store_of: Callable[[], Store], tell: Tell, code: Snapshot | None = None
) -> tuple[Plan, Store]:
    """Settle everything. The store is opened (and made) only when no mistake is left to find.

    `code` is the project snapshot of a run that is resumed; else one is made.

    Raises PipelineError or MachineError; then nothing was started and nothing stored.
    """
    surveyed = _survey(asked, tell)
    store = store_of()
    plan = _settled(surveyed, store, tell, code)
    if store.remote:
        found = problem("W-STORE-REMOTE", store=store.folder, kind=store.remote, database=store.database)
        plan = replace(plan, warnings=(*plan.warnings, found))
    return replace(plan, warnings=(*plan.warnings, *few_open_files(asked))), store


@dataclass(frozen=True, slots=True)
class _Surveyed:
    """What can be settled without a store, and all mistakes are found by then; `inner` by title of its node."""

    asked: Asked
    pipeline: Pipeline
    reused: frozenset[str]
    needs: Mapping[str, Needs]
    computes: Mapping[str, str]
    secrets: Mapping[str, SecretValues] = field(repr=False)
    executors: Mapping[str, Executor]
    runtimes: Mapping[str, Runtime]
    warnings: list[Problem]
    inner: Mapping[str, _Surveyed]


def _survey(asked: Asked, tell: Tell) -> _Surveyed:
    from .executors.resources import with_computes

    pipeline, reused, warnings = check_asked(asked)
    pipeline, computes = with_computes(pipeline, asked.computes, asked.executor, reused)
    running = [node for node in pipeline.nodes if node.title not in reused]
    needs = {node.title: needs_of(asked, pipeline, node) for node in running if node.kind not in WITHOUT_WORK}
    secrets, said = find_secrets(asked, pipeline, [node for node in running if node.title in needs])
    warnings += said
    executors, runtimes, said = _on_executors(asked, pipeline, needs, tell)
    warnings += said
    inner = {}
    for node in running:
        if node.kind is Kind.PIPELINE:
            inner[node.title] = found = _survey_inner(asked, node, tell)
            known = {(one.code, one.message) for one in warnings}
            warnings += [one for one in found.warnings if (one.code, one.message) not in known]
    return _Surveyed(asked, pipeline, reused, needs, computes, secrets, executors, runtimes, warnings, inner)


def _survey_inner(asked: Asked, node: Node, tell: Tell) -> _Surveyed:
    """What can be settled of the pipeline that a node is; findings tell its file."""
    within = asked_within(asked, node)
    place = Place(file=str(within.file))
    try:
        found = _survey(within, tell)
    except PipelineError as error:
        raise PipelineError(*(one.at(place) for one in error.problems)) from None
    return replace(found, warnings=[one.at(place) for one in found.warnings])


def _settled(found: _Surveyed, store: Store, tell: Tell, code: Snapshot | None, path: str = "") -> Plan:
    """The plan, now that there is a store; `path` leads from the outermost pipeline to one within it."""
    asked, pipeline, needs = found.asked, found.pipeline, found.needs
    named = {title: text for title in needs if (text := repository_of(pipeline, pipeline.node(title)))}
    repositories, told = resolve_all(named, store.folder / "git", asked.folder, tell)
    sees_code = any(pipeline.node(title).dialect is not Dialect.PACHYDERM for title in needs) or bool(found.inner)
    if not code and sees_code:
        code, said = keep_code(asked, store)
        told += said
    inner = {}
    for title, within in found.inner.items():
        deeper = f"{path}{pipeline.node(title).slug}/"
        inner[title] = _settled(within, store, tell, _code_within(asked, within.asked, code, store, deeper), deeper)
    forced = frozenset(titles_of(pipeline, asked.force))
    contents = {title: _contents(found.runtimes[title], repositories.get(title), code) for title in needs}
    return Plan(
        asked,
        _with_notebooks(pipeline, asked.folder),
        found.reused,
        find_earlier(store, pipeline, found.reused),
        found.executors,
        found.runtimes,
        code,
        (*found.warnings, *told, *(one for plan in inner.values() for one in plan.told)),
        found.computes,
        repositories,
        contents=with_around(
            {**contents, **{title: plan.content for title, plan in inner.items()}},
            (node.title for node in pipeline.nodes),
            asked.around,
        ),
        forced=forced,
        secrets=found.secrets,
        looks=frozenset(looked_up(asked, pipeline, found.reused | forced)),
        inner=inner,
        told=tuple(told),
    )


def _code_within(asked: Asked, within: Asked, code: Snapshot | None, store: Store, path: str) -> Snapshot | None:
    """The project snapshot of a pipeline in another one, where there is one already: the same folder's, or the one that
    a resumed run had."""
    if code and _project(asked) == _project(within):
        return code
    digest = asked.codes.get(path)
    return Snapshot(digest, store.code / digest, 0) if digest and is_sound(store.code / digest) else None


def _project(asked: Asked) -> Path:
    return (asked.folder / (asked.code or ".")).resolve()


def _on_executors(
    asked: Asked, pipeline: Pipeline, needs: Mapping[str, Needs], tell: Tell
) -> tuple[dict[str, Executor], dict[str, Runtime], list[Problem]]:
    """By title the executor of each node and what it runs on, and warnings. Raises as `prepare`."""
    from .executors.choose import choose

    executors: dict[str, Executor] = {}
    runtimes: dict[str, Runtime] = {}
    warnings: list[Problem] = []
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
    return executors, runtimes, warnings


def _with_notebooks(pipeline: Pipeline, folder: Path) -> Pipeline:
    """The pipeline with the text of each notebook node in it: what is planned, approved and recorded is what runs."""
    nodes = [
        node.model_copy(update={"source": notebook_text(folder / str(node.path))})
        if node.kind is Kind.NOTEBOOK and not node.source
        else node
        for node in pipeline.nodes
    ]
    return pipeline.model_copy(update={"nodes": tuple(nodes)})


def _contents(runtime: Runtime, repository: Repository | None, code: Snapshot | None) -> str:
    parts = (runtime.digest, repository.commit if repository else "", code.digest if code else "")
    return " ".join(parts)


def looked_up(asked: Asked, pipeline: Pipeline, without: frozenset[str]) -> Iterator[str]:
    """The titles of the nodes for which an earlier result may stand."""
    for node in pipeline.nodes:
        if asked.cache and node.title not in without and first(node.cache, pipeline.defaults.cache, True):
            yield node.title


def keep_code(asked: Asked, store: Store) -> tuple[Snapshot | None, list[Problem]]:
    """The project snapshot for /code, and a warning where the folder is too large to be one."""
    if asked.code == "none":
        return None, []
    folder = (asked.folder / (asked.code or ".")).resolve()
    if not folder.is_dir():
        hint = "Give a folder, or --code none."
        raise PipelineError(problem("E-CODE", what=f"--code {asked.code} is not a folder", hint=hint))
    within = (asked.folder / str(node.path) for node in asked.pipeline.nodes if node.kind is Kind.PIPELINE)
    own = (*([asked.file] if asked.file else []), *within, *secret_files(asked, folder))
    files = (*asked.keep_out, *own, *map(Path, kept_out(store)))
    keep_out = frozenset({path.resolve() for path in files})
    try:
        return snapshot(folder, store.code, keep_out), []
    except TooLarge as error:
        if asked.code:
            hint = "List big files in .gitignore, or choose a smaller folder."
            raise PipelineError(problem("E-CODE", what=str(error), hint=hint)) from None
        return None, [problem("W-CODE-SIZE", why=error)]
    except OSError as error:
        place = Path(os.fsdecode(error.filename or store.folder))
        if error.errno in NO_WRITING or place.is_relative_to(store.folder):
            raise store.unusable(error) from None
        what = f"{place} is part of the project and cannot be read: {error.strerror}"
        hint = "Make it readable, list it in .gitignore, or choose with --code DIR (or --code none)."
        raise PipelineError(problem("E-CODE", what=what, hint=hint)) from None
