"""A file of pipelines written again, in its own format, after one of them was changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..core.model import Pipeline
from .exported import write_as
from .imported import Ledger
from .notebook import Definition
from .pipeline_file import TEXTS, read_text_file, without_places
from .recognised import Wishes, chosen, name_from, read_pipelines

NOTEBOOK = ".ipynb"


@dataclass(frozen=True, slots=True)
class Whole:
    """All that a file holds: its format (`notebook`, or one of `recognised.FORMATS`), its pipelines, the one meant."""

    format: str
    pipelines: Sequence[Pipeline]
    meant: Pipeline


def read_whole(definition: Definition, name: str | None, text: str | None = None) -> Whole:
    """All of the file that `definition` is from, as it is written there; `text` is what it holds, where it was fetched.

    Raises PipelineError.
    """
    file = definition.path
    if text is None and file.suffix not in TEXTS:
        pipeline = without_places(definition.pipeline)
        return Whole("notebook", [pipeline], pipeline)
    wishes = Wishes(name=name_from(file.name))
    imported = read_pipelines(read_text_file(file) if text is None else text, str(file), wishes)
    return Whole(imported.format, imported.pipelines, chosen(imported, name, file.name))


def write_whole(whole: Whole, changed: Pipeline, output: Path, ledger: Ledger) -> str:
    """The text of the file `output` with `changed` in place of the pipeline that is meant.

    It is in the file's own format, but a notebook where `output` is called so, and dagbook's own format where a
    notebook becomes YAML. What cannot be said is taken down in the ledger. Raises PipelineError (E-USAGE).
    """
    if output.suffix == NOTEBOOK:
        return write_as([changed], "notebook", ledger)
    pipelines = [changed if one is whole.meant else one for one in whole.pipelines]
    form = {"notebook": "native", "pachyderm": "pachyderm-yaml"}.get(whole.format, whole.format)
    if whole.format == "pachyderm" and output.suffix == ".json":
        form = "pachyderm"
    return write_as(pipelines, form, ledger)
