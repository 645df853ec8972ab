"""Which node an input's repository is: a pipeline of the file, or a source dataset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ...core.model import Kind, Node
from ..imported import Path
from .findings import Findings
from .schemas import InputSpec, PfsSpec, Spec

MASTER = "master"
DEFAULT_PROJECT = "default"
NESTING = ("union", "cross", "join", "group")


@dataclass(frozen=True, slots=True)
class Source:
    """A branch of a repository."""

    project: str
    repo: str
    branch: str


def project_of(spec: Spec) -> str:
    """The project of a pipeline."""
    return (spec.pipeline.project.name if spec.pipeline.project else "") or DEFAULT_PROJECT


def output_branch_of(spec: Spec) -> str:
    """The branch on which a pipeline leaves its output."""
    return spec.output_branch or MASTER


def source_of(pfs: PfsSpec, project: str) -> Source:
    """What an input reads. A branch with a trigger only follows another one, and that is read here."""
    branch = (pfs.trigger.branch or MASTER) if pfs.trigger else (pfs.branch or MASTER)
    return Source(pfs.project or project, pfs.repo, branch)


def repositories_in(spec: InputSpec | None, path: Path = ("input",)) -> Iterator[tuple[PfsSpec, Path]]:
    """Every mention of a repository's files in an input, with its path in the spec."""
    if spec is None:
        return
    for kind in ("pfs", "atom"):
        pfs = getattr(spec, kind)
        if pfs is not None and pfs.repo:
            yield pfs, (*path, kind)
    for kind in NESTING:
        for number, inner in enumerate(getattr(spec, kind) or ()):
            yield from repositories_in(inner, (*path, kind, number))


class Repos:
    """The repositories of a file: those of its pipelines, and those that come from elsewhere, each with its node."""

    def __init__(self, specs: Iterable[Spec]) -> None:
        specs = list(specs)
        self._outputs = {(project_of(spec), spec.pipeline.name): output_branch_of(spec) for spec in specs}
        found = (source_of(pfs, project_of(spec)) for spec in specs for pfs, _ in repositories_in(spec.input))
        self._titles = dict(self._named([source for source in dict.fromkeys(found) if not self._is_output(source)]))

    def title_of(self, source: Source) -> str:
        """The title of the node that holds the files."""
        return self._titles.get(source, source.repo)

    def kind_of(self, source: Source) -> str:
        """`pipeline` or `repo`."""
        return "pipeline" if self._is_output(source) else "repo"

    def check(self, source: Source, inner: Path, findings: Findings) -> None:
        """Take it down when a pipeline's repository is read on a branch that its output is not on."""
        output = self._outputs.get((source.project, source.repo))
        if output is not None and output != source.branch:
            what = f'the branch "{source.branch}" of "{source.repo}" is read, and its output is on "{output}"'
            nearest = f'Write "{output}" there, or as the output_branch of "{source.repo}".'
            findings.note("E-REF", inner, what=what, nearest=nearest)

    def data_node(self, source: Source) -> Node | None:
        """The node of a source dataset; None for a pipeline's repository. Raises PipelineError for an odd name."""
        if self._is_output(source):
            return None
        dataset = source.repo if source.branch == MASTER else f"{source.repo}@{source.branch}"
        return Node(title=self.title_of(source), kind=Kind.DATA, dataset=dataset)

    def _is_output(self, source: Source) -> bool:
        return (source.project, source.repo) in self._outputs

    def _named(self, sources: list[Source]) -> Iterator[tuple[Source, str]]:
        """Titles that differ: the repository's, with its branch or project where that alone would not tell."""
        for source in sources:
            title = source.repo
            if any(one.repo == source.repo and one.branch != source.branch for one in sources):
                title = f"{title} {source.branch}"
            elsewhere = any(one.repo == source.repo and one.project != source.project for one in sources)
            if elsewhere or any(name == source.repo for _project, name in self._outputs):
                title = f"{source.project} {title}"
            yield source, title
