"""Valohai: reading and writing `valohai.yaml`, and the body of the API call that creates a pipeline."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.model import Pipeline
from ..documents import Entry
from ..imported import Counts, Ledger
from .api_reading import is_call, read_valohai_api
from .api_writing import write_valohai_api
from .items import Items, is_list_of_items
from .python_literal import python_literal_document
from .reading import read_items, read_list
from .repair import repair
from .writing import write_valohai

__all__ = [
    "Items",
    "is_valohai",
    "python_literal_document",
    "read_items",
    "read_valohai",
    "read_valohai_api",
    "repair",
    "write_valohai",
    "write_valohai_api",
]


def is_valohai(documents: Sequence[Entry]) -> bool:
    """Whether the documents are a list of Valohai's items, or bodies of API calls."""
    return bool(documents) and (all(map(is_call, documents)) or is_list_of_items(documents[0]))


def read_valohai(documents: Sequence[Entry], ledger: Ledger) -> list[tuple[Pipeline, Counts]]:
    """The pipelines that the documents tell, and the steps and tasks that none of them uses, as one-node pipelines.

    What is wrong, and what is not kept as it was, is taken down in the ledger.
    """
    if all(map(is_call, documents)):
        return [made for one in documents if (made := read_valohai_api(one, ledger))]
    for extra in documents[1:]:
        ledger.note("E-YAML-MULTI", extra, (), "not read", count=len(documents))
    return read_list(documents[0], ledger) if documents else []
