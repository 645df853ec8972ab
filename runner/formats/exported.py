"""Pipelines as text, in any of the formats."""

from __future__ import annotations

import json
from collections.abc import Sequence

from ..core.errors import PipelineError, problem
from ..core.model import Pipeline
from .imported import Ledger


def write_as(pipelines: Sequence[Pipeline], form: str, ledger: Ledger) -> str:
    """The text of a file in the format `form`; what it cannot say is taken down in the ledger.

    Raises PipelineError (E-USAGE) when the format holds one pipeline and there are several.
    """
    if form == "native":
        from .native import write_native

        return write_native(pipelines)
    if form == "cnvrg":
        from .cnvrg import write_cnvrg

        return write_cnvrg(_one(pipelines, form), ledger)
    if form == "valohai":
        from .valohai import write_valohai

        return write_valohai(pipelines, ledger)
    if form == "valohai-api":
        from .valohai import write_valohai_api

        return write_valohai_api(_one(pipelines, form), ledger)
    if form == "notebook":
        from .pipeline_notebook import notebook_of

        (pipeline,) = _one(pipelines, form)
        return json.dumps(notebook_of(pipeline)[0], indent=1, ensure_ascii=False) + "\n"
    from .pachyderm import write_pachyderm

    return write_pachyderm(pipelines, ledger, form="yaml" if form.endswith("yaml") else "json")


def _one(pipelines: Sequence[Pipeline], form: str) -> Sequence[Pipeline]:
    real = [pipeline for pipeline in pipelines if "alone" not in pipeline.origin] or list(pipelines)
    if len(real) > 1:
        names = ", ".join(f'"{pipeline.name}"' for pipeline in real)
        what = f"the file holds {len(real)} pipelines, and {form} takes one"
        raise PipelineError(problem("E-USAGE", what=what, hint=f"Name one with --pipeline: {names}."))
    return real
