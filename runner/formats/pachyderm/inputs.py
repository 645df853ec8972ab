"""The input of a spec: what it may be, and what it is in the model."""

from __future__ import annotations

import re
from typing import Any

from ...core.dialect import DatumInput, DatumKind
from ...core.errors import PipelineError
from ...core.globs import Glob
from ..documents import bare
from ..imported import Path
from .amounts import cron_fault
from .findings import Findings
from .repos import DEFAULT_PROJECT, MASTER, NESTING, Repos, source_of
from .schemas import CronSpec, InputSpec, PfsSpec

_FOLDER = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9_.-]{1,255}")
RESERVED = ("out", ".env")  # of /pfs
_EXTRAS = ("project", "repo_type", "s3", "propagation_spec", "reference")  # of an input of files; only kept
_CRON_EXTRAS = ("project", "commit", "overwrite", "start")
_KINDS = ("pfs", "cron", "git", "atom", *NESTING)
Extras = dict[str, dict[str, Any]]  # by `key_of` of an input: what the model has no field for


class InputReader:
    """Reads the input of one spec; faults go to the findings, what the model cannot hold to `extras`."""

    def __init__(self, findings: Findings, repos: Repos, project: str) -> None:
        self._findings, self._repos, self._project = findings, repos, project
        self.extras: Extras = {}

    def read(self, spec: InputSpec, inner: Path = ("input",), position: str = "", within: str = "") -> DatumInput:
        """The input; after a fault something like it. `within` is the kind of the input around it that cuts by keys."""
        kinds = [kind for kind in _KINDS if getattr(spec, kind) not in (None, ())]
        if not kinds:
            hint = "Write one of pfs, cron, cross, union, join and group."
            self._findings.missing(inner, "the input", "pfs", hint)
            return DatumInput()
        if len(kinds) > 1:
            what = f"the input says {' and '.join(kinds)}, and may say one of them"
            self._findings.conflict(inner, what, "Put them into a cross or a union.")
        kind = kinds[0]
        inner = (*inner, kind)
        if kind == "git":
            hint = "Put the repository into a dataset, and take that as input."
            self._findings.note("E-UNSUPPORTED", inner, what="a git input", hint=hint)
        elif kind == "atom" and spec.atom:
            hint = "Newer versions call it pfs."
            self._findings.note("W-CHANGED", inner, "read as pfs", what="atom is an old name of pfs", hint=hint)
            return self._pfs(spec.atom, inner, position, within)
        elif spec.pfs:
            return self._pfs(spec.pfs, inner, position, within)
        elif spec.cron:
            return self._cron(spec.cron, inner, position)
        parts: tuple[InputSpec, ...] = getattr(spec, kind) if kind in NESTING else ()
        within = kind if kind in NESTING and kind != "cross" else within
        read = [
            self.read(one, (*inner, number), f"{position}.{number}".strip("."), within)
            for number, one in enumerate(parts)
        ]
        return DatumInput(kind=DatumKind(kind) if parts else DatumKind.UNION, parts=tuple(read))

    def _pfs(self, pfs: PfsSpec, inner: Path, position: str, within: str) -> DatumInput:
        glob = pfs.glob or ("/" if pfs.s3 else "")
        if not pfs.repo:
            self._findings.missing(inner, "the input", "repo", "Write the name of a repository.")
        if not glob:
            self._findings.missing(inner, "the input", "glob", "Write `glob: /` for all files at once, /* one by one.")
        if pfs.commit:
            hint = "Make a branch that begins at the commit, and write that."
            self._findings.note("E-UNSUPPORTED", (*inner, "commit"), what="an input from a commit", hint=hint)
        try:
            Glob(glob)
        except PipelineError as error:
            self._findings.take(error, (*inner, "glob"))
        self._check_s3(pfs, glob, inner, within)
        source = source_of(pfs, self._project)
        self._repos.check(source, inner, self._findings)
        self._keep(pfs, inner, position)
        return DatumInput(
            kind=DatumKind.GLOB,
            name=pfs.name or pfs.repo,
            repo=self._repos.title_of(source),
            branch=source.branch,
            glob=glob or "/",
            join_on=pfs.join_on,
            outer_join=pfs.outer_join,
            group_by=pfs.group_by,
            empty_files=pfs.empty_files,
            lazy=pfs.lazy,
        )

    def _check_s3(self, pfs: PfsSpec, glob: str, inner: Path, within: str) -> None:
        if not pfs.s3:
            return
        faults = [
            *([f"the glob {glob}"] if glob != "/" else []),
            *(name for name in ("lazy", "empty_files") if getattr(pfs, name)),
            *([f"a {within} around it"] if within else []),
        ]
        if faults:
            what = f"the input {pfs.name or pfs.repo} is read by s3, and that does not go with {' and '.join(faults)}"
            self._findings.conflict((*inner, "s3"), what, "Take s3 out, or take the whole repository.")
        hint = "Take s3 out; then the files are at /pfs."
        self._findings.not_here((*inner, "s3"), f"reading {pfs.repo} by s3", hint)

    def _keep(self, pfs: PfsSpec, inner: Path, position: str) -> None:
        """What the model has no field for, and what has no effect."""
        kept: dict[str, Any] = {}
        if pfs.trigger is not None:
            kept["trigger"] = bare(pfs.trigger.model_dump(exclude_unset=True, exclude={"branch"}))
            kept |= {"branch": pfs.branch} if pfs.branch else {}
            self._findings.without_effect((*inner, "trigger"))
        kept |= {name: bare(getattr(pfs, name)) for name in _EXTRAS if getattr(pfs, name)}
        if kept.get("repo_type") == "user":
            del kept["repo_type"]
        if "repo_type" in kept:
            hint = "Take a repository of files."
            self._findings.not_here((*inner, "repo_type"), f"the {pfs.repo_type} repository of {pfs.repo}", hint)
        for name in ("propagation_spec", "reference"):
            if name in kept:
                self._findings.without_effect((*inner, name))
        if pfs.project and pfs.project != DEFAULT_PROJECT:
            self._findings.without_effect((*inner, "project"))
        if pfs.lazy:
            self._findings.without_effect((*inner, "lazy"))
        if kept:
            self.extras[key_of(position, pfs.name or pfs.repo)] = kept

    def _cron(self, cron: CronSpec, inner: Path, position: str) -> DatumInput:
        if not cron.name:
            self._findings.missing(inner, "the input", "name", "Write the name of the folder at /pfs.")
        if why := cron_fault(cron.spec):
            hint = "Write minute, hour, day, month and weekday, or @daily, @every 10m and the like."
            where = f"the schedule of {cron.name}"
            self._findings.out_of_range((*inner, "spec"), where, f"is {cron.spec!r}: {why}", hint)
        hint = "Run it by hand, or by the schedule of another program."
        self._findings.not_here(inner, f"the cron input {cron.name}", hint)
        kept = {name: bare(getattr(cron, name)) for name in _CRON_EXTRAS if getattr(cron, name) is not None}
        if kept:
            self.extras[key_of(position, cron.name)] = kept
        return DatumInput(kind=DatumKind.CRON, name=cron.name, repo=cron.repo or "", branch=MASTER, spec=cron.spec)


def key_of(position: str, name: str) -> str:
    """What tells an input from the others of its spec: where it stands among them, and its name."""
    return f"{position}:{name}"


def check_names(source: DatumInput, findings: Findings, inner: Path = ("input",)) -> None:
    """Take down names that are reserved or given twice; only inputs of a union may share one."""
    _names(source, set(), findings, inner)


def _names(source: DatumInput, taken: set[str], findings: Findings, inner: Path) -> set[str]:
    """The names in the input, those already `taken` among them."""
    if source.kind in (DatumKind.GLOB, DatumKind.CRON):
        inner = (*inner, str(source.kind))
        if source.name and not _FOLDER.fullmatch(source.name):
            what = f"is {source.name!r}, which names no folder at /pfs"
            findings.out_of_range(inner, "the name of an input", what, "Use letters, digits, _ - and dots.")
        elif source.name in RESERVED:
            what = f'an input is called "{source.name}", and /pfs/{source.name} is there already'
            findings.conflict(inner, what, "Give it another `name:`.")
        elif source.name in taken:
            what = f'two inputs are called "{source.name}", and would both be at /pfs/{source.name}'
            findings.conflict(inner, what, "Give one of them another `name:`.")
        return {*taken, source.name}
    found = set(taken)
    for number, part in enumerate(source.parts):
        known = taken if source.kind is DatumKind.UNION else found
        found |= _names(part, set(known), findings, (*inner, str(source.kind), number))
    return found
