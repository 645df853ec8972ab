"""A text in any of the formats of pipelines: which one it is, and what it holds."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import PipelineError, Place, Problem, nearest, problem
from ..core.model import Pipeline
from .documents import Entry, documents_of
from .imported import Counts, Imported, Ledger, Record

if TYPE_CHECKING:
    from .valohai import Items

FORMATS = ("native", "cnvrg", "valohai", "pachyderm")
_MODULES = {name: f".{name}" for name in FORMATS}
_MARKS = {
    "native": "dagbook: 1",
    "cnvrg": "flow: and tasks:",
    "valohai": "- step: or - pipeline:",
    "pachyderm": "pipeline:",
}

_PYTHON = re.compile(r"\A\s*\{[^#]*[:,\s](?:True|False|None)\s*[,}\]]")  # words that JSON does not have
_JSONNET = re.compile(r"\A(?:\s|//[^\n]*\n|/\*(?:[^*]|\*(?!/))*\*/|#[^\n]*\n)*(?:function\s*\(|local\s)", re.DOTALL)

Read = list[tuple[Pipeline, Counts]]


@dataclass(frozen=True, slots=True)
class Wishes:
    """How a text is to be read.

    `format` None is found out; `strict` makes doubts errors; `repair` mends broken YAML; `csv_grid` takes a text with
    commas in a cnvrg file for several values; `name` is for formats that have none; `folder` is where files are that a
    file refers to.
    """

    format: str | None = None
    strict: bool = False
    repair: bool = False
    csv_grid: bool = False
    name: str = "pipeline"
    folder: Path | None = None


AS_USUAL = Wishes()


def read_pipelines(text: str, file: str, wishes: Wishes = AS_USUAL) -> Imported:
    """What a text holds; faults are among the records, and then there are no pipelines. Nothing in it is executed."""
    ledger = Ledger(file, strict=wishes.strict)
    format = wishes.format or ""
    found: Read = []
    try:
        documents = _documents(text, file, wishes, ledger)
        format = wishes.format or _format_of(documents, file)
        found = _READERS[format](documents, ledger, wishes)
        if not found and not ledger.failed:
            ledger.take(problem("E-NO-PIPELINE", Place(file), file=file))
    except PipelineError as error:
        for one in error.problems:
            ledger.take(one.at(Place(file)))
    if ledger.failed:
        return Imported(format, (), tuple(ledger.records))
    return Imported(
        format,
        tuple(pipeline for pipeline, _ in found),
        tuple(ledger.records),
        tuple(counts for _, counts in found),
    )


def _documents(text: str, file: str, wishes: Wishes, ledger: Ledger) -> list[Entry]:
    """The documents of the text, mended where that was asked for. Raises PipelineError."""
    if _JSONNET.match(text):
        what = "a Jsonnet template"
        raise PipelineError(problem("E-UNSUPPORTED", Place(file), what=what, hint="Render it first: jsonnet FILE"))
    try:
        documents = (_literal(text) if _PYTHON.search(text) else None) or documents_of(text, file)
    except PipelineError as error:
        mended = _mended(text, file, ledger) if wishes.repair else None
        if mended is None:
            raise _with_hint(error, text, wishes.repair) from None
        documents = mended
    if not documents:
        raise PipelineError(problem("E-YAML-EMPTY", Place(file)))
    return documents


def _literal(text: str) -> list[Entry] | None:
    """The documents in a Python literal, as the bodies of calls are printed; None for a text that is none."""
    from .valohai import python_literal_document

    return python_literal_document(text)


def _mended(text: str, file: str, ledger: Ledger) -> list[Entry] | None:
    from .valohai import repair

    made = repair(text)
    if made is None:
        return None
    mended, lines = made
    for line, what in lines:
        found = problem("W-CHANGED", Place(file, line=line), what=what, hint="Look whether it is what you mean.")
        ledger.take(found, (), "mended")
    return documents_of(mended, file)


def _with_hint(error: PipelineError, text: str, repaired: bool) -> PipelineError:
    """The error; where mending was tried and failed, its hint no longer proposes it."""
    if not repaired:
        return error
    hint = "It could not be mended; look at the indentation there."
    return PipelineError(*(Problem(p.code, p.message, hint, p.place) for p in error.problems))


def _format_of(documents: Sequence[Entry], file: str) -> str:
    """The format that the content shows. Raises PipelineError (E-FORMAT, E-YAML-ROOT)."""
    for name in FORMATS:
        is_it: Callable[[Sequence[Entry]], bool] = getattr(_module(name), f"is_{name}")
        if is_it(documents):
            return name
    root = documents[0]
    marks = "; ".join(f"{name}: {mark}" for name, mark in _MARKS.items())
    hint = f"Name the format with --from, or begin as it does ({marks})."
    if isinstance(root.value, dict):
        close = nearest(
            next(iter(root.value), ""), ["flow", "tasks", "dagbook", "pipeline", "transform", "nodes", "edges"]
        )
        hint = f"{close} {hint}" if close.startswith("Did you mean") else hint
        if "nodes" in root.value:
            hint = "A pipeline of dagbook's own begins with the line `dagbook: 1`. Or name the format with --from."
        raise PipelineError(problem("E-FORMAT", Place(file, line=root.line), file=file, hint=hint))
    found = "a list" if isinstance(root.value, list) else "a single value"
    wanted = "a mapping, or a list of steps and pipelines"
    raise PipelineError(problem("E-YAML-ROOT", Place(file, line=root.line), found=found, wanted=wanted, hint=hint))


def _module(name: str) -> object:
    return import_module(_MODULES[name], __package__)


def _native(documents: Sequence[Entry], ledger: Ledger, wishes: Wishes) -> Read:
    from .native import read_native

    return read_native(documents, ledger)


def _cnvrg(documents: Sequence[Entry], ledger: Ledger, wishes: Wishes) -> Read:
    from .cnvrg import read_cnvrg

    return read_cnvrg(documents, ledger, csv_grid=wishes.csv_grid)


def _valohai(documents: Sequence[Entry], ledger: Ledger, wishes: Wishes) -> Read:
    from .valohai import read_valohai, read_valohai_api

    if isinstance(documents[0].value, list) or wishes.folder is None:
        return read_valohai(documents, ledger)
    project = _items_beside(wishes.folder)
    found = (read_valohai_api(document, ledger, project) for document in documents)
    return [one for one in found if one is not None]


def _items_beside(folder: Path) -> Items | None:
    """The steps and tasks of the project's `valohai.yaml`, to which the body of a call refers; faults are its own."""
    from .documents import one_document, text_of
    from .valohai import read_items

    place = folder / "valohai.yaml"
    try:
        return read_items(one_document(text_of(place.read_bytes(), place.name), place.name), Ledger(place.name))
    except (OSError, PipelineError):
        return None


def _pachyderm(documents: Sequence[Entry], ledger: Ledger, wishes: Wishes) -> Read:
    from .pachyderm import read_pachyderm

    return read_pachyderm(documents, ledger, wishes.name)


_READERS: dict[str, Callable[[Sequence[Entry], Ledger, Wishes], Read]] = {
    "native": _native,
    "cnvrg": _cnvrg,
    "valohai": _valohai,
    "pachyderm": _pachyderm,
}


def chosen(imported: Imported, name: str | None, file: str) -> Pipeline:
    """The pipeline that is meant: the one called so, else the only one that is a pipeline in its system's eyes.

    Raises PipelineError: the faults of the file, or E-USAGE with the names there are.
    """
    if not imported.pipelines:
        raise PipelineError(*(one for one in imported.problems if one.is_error))
    names = [pipeline.name for pipeline in imported.pipelines]
    if name is not None:
        for pipeline in imported.pipelines:
            if pipeline.name == name:
                return pipeline
        what = f"{file} has no pipeline {name!r}"
        raise PipelineError(problem("E-USAGE", what=what, hint=nearest(name, names)))
    real = [pipeline for pipeline in imported.pipelines if "alone" not in pipeline.origin] or list(imported.pipelines)
    if len(real) > 1:
        known = ", ".join(f'"{pipeline.name}"' for pipeline in real)
        hint = f"Name one with --pipeline: {known}."
        raise PipelineError(problem("E-USAGE", what=f"{file} holds {len(real)} pipelines", hint=hint))
    return real[0]


def name_from(file: str) -> str:
    """A name for a pipeline whose file gives it none: the file's, without folder, ending and query."""
    stem = re.split(r"[/\\]", file.partition("?")[0])[-1].rpartition(".")[0] or file
    return re.sub(r"[^\w -]+", "-", stem).strip("- ") or "pipeline"


def as_findings(records: Sequence[Record]) -> list[Problem]:
    """The records as findings, those of one place and message once."""
    return list(dict.fromkeys(record.problem for record in records))
