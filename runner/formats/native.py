"""dagbook's own YAML: everything that a pipeline can say, under the names of the model; a document per pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from ..core.edge import Edge
from ..core.errors import PipelineError
from ..core.model import WHERE, Node, Pipeline
from ..core.values import from_json
from .documents import Entry
from .imported import Counts, Ledger
from .typed_reading import read_as
from .yaml_text import yaml_text

VERSION = 1
SCHEMA_FILE = "dagbook.schema.json"  # what `dagbook schema` is written to, for editors
_MODELINE = f"# yaml-language-server: $schema={SCHEMA_FILE}\n"


class PipelineFile(Pipeline):
    """A pipeline as a file: `dagbook` is the version of the format."""

    dagbook: Literal[1] = Field(description="the version of this format")


class _Frame(PipelineFile):
    """The file but for its nodes and edges, which are read one by one, for their places."""

    nodes: tuple[Any, ...] = ()
    edges: tuple[Any, ...] = ()


def is_native(documents: Sequence[Entry]) -> bool:
    """Whether it is dagbook's own format: each document says `dagbook: 1`."""
    return bool(documents) and all(isinstance(one.value, dict) and "dagbook" in one.value for one in documents)


def read_native(documents: Sequence[Entry], ledger: Ledger) -> list[tuple[Pipeline, Counts]]:
    """The pipelines that the documents tell; what is wrong is taken down in the ledger."""
    return [made for document in documents if (made := _read(document, ledger))]


def _read(document: Entry, ledger: Ledger) -> tuple[Pipeline, Counts] | None:
    frame = read_as(_Frame, document, ledger, what="the pipeline")
    if frame is None:
        return None
    before = len(ledger.records)
    nodes = [_node(entry, ledger, number) for number, entry in enumerate(_list(document, "nodes"))]
    edges = [
        read_as(Edge, entry, ledger, ("edges", number), what=f"edge {number + 1}")
        for number, entry in enumerate(_list(document, "edges"))
    ]
    if len(ledger.records) > before:
        return None
    said = {name: getattr(frame, name) for name in Pipeline.model_fields}
    pipeline = Pipeline(**{**said, "nodes": tuple(nodes), "edges": tuple(edges)})
    return pipeline, counts_of(pipeline)


def _list(document: Entry, key: str) -> list[Entry]:
    return list(document.value[key].value) if key in document.value else []


def _node(entry: Entry, ledger: Ledger, number: int) -> Node | None:
    title = entry.at(["title"]).value if isinstance(entry.value, dict) and "title" in entry.value else None
    named = title if isinstance(title, str) else None
    return read_as(
        Node, entry, ledger, ("nodes", number), what=f'the node "{title}"' if named else f"node {number + 1}"
    )


def counts_of(pipeline: Pipeline) -> Counts:
    """Nodes and edges of a pipeline, `after` among them."""
    kinds = ["after" for node in pipeline.nodes for _ in node.after]
    kinds += [f"{edge.source_port} -> {edge.target_port}" for edge in pipeline.all_edges]
    return Counts.of(len(pipeline.nodes), kinds)


def write_native(pipelines: Sequence[Pipeline], ledger: Ledger | None = None) -> str:
    """The pipelines as YAML documents, with a line for editors that know the schema. Nothing is lost."""
    return _MODELINE + "---\n".join(yaml_text(native_document(pipeline)) for pipeline in pipelines)


def native_document(pipeline: Pipeline) -> dict[str, Any]:
    """The pipeline as plain values: name, then what is not as by default, nodes last."""
    said = pipeline.model_dump(mode="json", exclude_defaults=True, exclude={"name", "nodes", "parameters"})
    if pipeline.parameters:
        said["parameters"] = _numbers(pipeline.model_dump(mode="json", include={"parameters"})["parameters"])
    edges = said.pop("edges", None)
    nodes = [_node_document(node) for node in pipeline.nodes]
    return {"dagbook": VERSION, "name": pipeline.name, **said, "nodes": nodes, **({"edges": edges} if edges else {})}


def _node_document(node: Node) -> dict[str, Any]:
    said = {"title": node.title, "kind": str(node.kind)}
    said |= node.model_dump(mode="json", exclude_defaults=True, exclude=set(WHERE))
    return said | {name: _numbers(said[name]) for name in ("params", "grid") if name in said}  # type: ignore[arg-type]


def _numbers(values: dict[str, Any]) -> dict[str, Any]:
    """The values by name, NaN and infinities as numbers: YAML can spell them, JSON could not."""
    return {name: from_json(value) for name, value in values.items()}


def json_schema() -> dict[str, Any]:
    """The JSON Schema of the format (draft 7, which editors know)."""
    made: dict[str, Any] = PipelineFile.model_json_schema(mode="validation")
    schema: dict[str, Any] = _draft_7(made)
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "title": "dagbook pipeline"}


def _draft_7(value: Any) -> Any:
    if isinstance(value, list):
        return [_draft_7(one) for one in value]
    if isinstance(value, str):
        return value.replace("#/$defs/", "#/definitions/")
    if not isinstance(value, dict):
        return value
    renamed = {"$defs": "definitions", "prefixItems": "items"}
    return {renamed.get(key, key): _draft_7(one) for key, one in value.items()}


def native_pipeline(text: str, file: str) -> Pipeline:
    """The only pipeline in a text. Raises PipelineError with all that is wrong with it."""
    from .documents import one_document

    ledger = Ledger(file)
    found = read_native([one_document(text, file)], ledger)
    if ledger.failed or not found:
        raise PipelineError(*(record.problem for record in ledger.records))
    return found[0][0]
