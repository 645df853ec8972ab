"""A pipeline as Pachyderm's pipeline specs, one for each node that is a command."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

from ...core.dialect import Dialect, Transform
from ...core.errors import Place, problem
from ...core.model import WHERE, Defaults, Kind, Node, Pipeline
from ...core.names import slug_of
from ..imported import Ledger
from .amounts import amount_of, duration_of, seconds_in
from .input_writing import InputWriter, mapping, repo_name
from .nodes import LIMITS as _LIMITS
from .nodes import SMALLEST_MEMORY, USUAL_IMAGE, USUAL_TRIES, meant_by
from .repos import MASTER
from .schemas import Resources

_FORMAT = "a Pachyderm spec"
_SAID = {
    "title", "kind", "source", "after", "image", "env", "timeout", "cache", "cpus", "memory", "gpus", "dialect",
    "transform", "secrets", "datums", "publishes", "origin",
}  # fmt: skip
_OURS = WHERE | {"unresolved", "top", "left"}  # of no meaning to others
_DATA_SAID = {"title", "kind", "dataset"}
_PIPELINE_SAID = {"name", "nodes", "defaults", "origin"}
_DEFAULTS_SAID = {"image", "env", "cpus", "memory", "gpus", "timeout", "cache"}
_NEEDED = {"params", "grid", "uses", "edges", "when", "search", "targets", "shared"}  # without, it is another pipeline
_ELSEWHERE = {"inputs", "written", "image", "project", "transform", "parallelism_spec"}  # of origin: merged by hand
_LAST = ("service", "spout", "egress", "s3_out")


def write_pachyderm(pipelines: Sequence[Pipeline], ledger: Ledger, form: Literal["json", "yaml"] = "json") -> str:
    """The specs as JSON objects, or YAML documents, one after the other; what they cannot say goes to the ledger."""
    specs = [spec for pipeline in pipelines for spec in _Writer(pipeline, ledger).specs()]
    if form == "yaml":
        from ..yaml_text import yaml_text

        return "---\n".join(yaml_text(spec) for spec in specs)
    return "".join(json.dumps(spec, indent=2, ensure_ascii=False) + "\n" for spec in specs)


class _Writer:
    """Writes the specs of one pipeline."""

    def __init__(self, pipeline: Pipeline, ledger: Ledger) -> None:
        self._pipeline, self._ledger = pipeline, ledger
        self._inputs = InputWriter(pipeline, self._cannot)

    def specs(self) -> Iterator[dict[str, Any]]:
        """The specs in the order of the nodes."""
        self._tell_others(self._pipeline, _PIPELINE_SAID, None)
        self._tell_others(self._pipeline.defaults, _DEFAULTS_SAID, None)
        used: set[str] = set()
        for node in self._pipeline.nodes:
            if node.kind is Kind.COMMAND:
                used |= {slug_of(title) for title in node.after}
                self._tell_others(node, _SAID | _OURS, node.title)
                yield self._spec(node)
        for node in self._pipeline.nodes:
            if node.kind is Kind.DATA:
                self._tell_others(node, _DATA_SAID | _OURS, node.title)
                if node.slug not in used:
                    self._cannot("data that no pipeline takes", node.title)
            elif node.kind is not Kind.COMMAND:
                self._cannot(f'the {node.kind} "{node.title}"', node.title, needed=True)

    def _cannot(
        self, what: str, node: str | None = None, inner: Sequence[str | int] = (), *, needed: bool = False
    ) -> None:
        found = problem("E-EXPORT" if needed else "W-EXPORT", Place(node=node), what=what, format=_FORMAT)
        self._ledger.take(found, inner, "left out")

    def _tell_others(self, model: Pipeline | Defaults | Node, said: Iterable[str], node: str | None) -> None:
        """Take down each field that says something and has no place in a spec."""
        for name in model.model_dump(exclude_defaults=True, exclude=set(said)):
            what = f'"{name}" of "{node}"' if node else f'"{name}"'
            self._cannot(what, node, [name], needed=name in _NEEDED)

    def _spec(self, node: Node) -> dict[str, Any]:
        if node.dialect is not Dialect.PACHYDERM:  # what another system keeps there is nothing to this one
            node = node.model_copy(update={"origin": {}})
        origin, defaults = node.origin, self._pipeline.defaults
        spec: dict[str, Any] = {name: origin[name] for name in ("$schema",) if name in origin}
        project = {"project": {"name": origin["project"]}} if "project" in origin else {}
        spec["pipeline"] = {"name": repo_name(node), **project}
        if node.title != repo_name(node):
            self._cannot(f'the title "{node.title}"', node.title, ["title"])
        spec |= {name: origin[name] for name in ("description", "metadata") if name in origin}
        spec["transform"] = self._transform(node)
        spec |= self._inputs.said(node)
        spec |= _datums(node)
        spec |= _resources(node, defaults)
        if timeout := node.timeout or defaults.timeout:
            spec["job_timeout"] = _written(timeout, node, "job_timeout")
        if (defaults.cache if node.cache is None else node.cache) is False:
            spec["reprocess_spec"] = "every_job"
        spec |= self._output_branch(node)
        others = {name: value for name, value in origin.items() if name not in {*_ELSEWHERE, *_LAST, *_LIMITS, *spec}}
        return spec | others | {name: origin[name] for name in _LAST if name in origin}

    def _transform(self, node: Node) -> dict[str, Any]:
        image = node.image or self._pipeline.defaults.image
        implied = node.origin.get("image") == "usual" and image == USUAL_IMAGE
        said: dict[str, Any] = {"image": image} if image and not implied else {}
        transform = node.transform or Transform(argv=("/bin/sh",), stdin=tuple(node.source.splitlines()))
        if node.transform and node.source:
            self._cannot("source", node.title, ["source"])
        fields = {
            "cmd": list(transform.argv),
            "stdin": None if transform.stdin is None else list(transform.stdin),
            "err_cmd": list(transform.rescue_argv),
            "err_stdin": None if transform.rescue_stdin is None else list(transform.rescue_stdin),
            "accept_return_code": list(transform.accepted),
            "env": {**self._pipeline.defaults.env, **node.env},
            "secrets": [
                _present({"name": one.name, "key": one.key, "env_var": one.variable, "mount_path": one.path})
                for one in node.secrets
            ],
            "working_dir": transform.folder,
            "user": transform.user,
        }
        said |= {name: value for name, value in fields.items() if value or (value == [] and "stdin" in name)}
        return said | mapping(node.origin, "transform")

    def _output_branch(self, node: Node) -> dict[str, Any]:
        if node.publishes is None:
            return {}
        name, _, branch = node.publishes.partition("@")
        if name != repo_name(node):
            self._cannot(f"the dataset {name}, under another name than the pipeline's,", node.title, ["publishes"])
        return {"output_branch": branch} if branch not in ("", MASTER) else {}


def _datums(node: Node) -> dict[str, Any]:
    """How the work on datums is done, where it is not as usual."""
    if node.datums is None:
        return {}
    workers = {"constant": node.datums.workers} if node.datums.workers != 1 else {}
    said = {
        "parallelism_spec": workers | mapping(node.origin, "parallelism_spec"),
        "datum_timeout": _written(node.datums.timeout, node, "datum_timeout") if node.datums.timeout else "",
        "datum_tries": node.datums.tries if node.datums.tries != USUAL_TRIES else 0,
        "salt": node.datums.salt,
    }
    return {name: value for name, value in said.items() if value}


def _resources(node: Node, defaults: Defaults) -> dict[str, Any]:
    """Limits and requests as they were, but for what the node now says otherwise."""
    limits, requests = (mapping(node.origin, name) for name in _LIMITS)
    meant = {**_meant(requests), **_meant(limits)}
    gpus = defaults.gpus if node.gpus is None else node.gpus
    wanted = {"cpus": node.cpus or defaults.cpus, "memory": node.memory or defaults.memory, "gpus": gpus}
    for quantity, name in (("cpus", "cpu"), ("memory", "memory"), ("gpus", "gpu")):
        said, value = meant.get(quantity), wanted[quantity]
        if (value or None) == said or (not value and quantity == "memory" and (said or 0) < SMALLEST_MEMORY):
            continue
        target = requests if name in requests and name not in limits else limits
        if not value:
            for one in (limits, requests):
                one.pop(name, None)
        elif name == "gpu":
            target[name] = {"type": "nvidia.com/gpu", **mapping(target, name), "number": value}
        else:
            target[name] = amount_of(int(value)) if name == "memory" else value
    said_by = {"resource_limits": limits, "resource_requests": requests}
    return {name: value for name, value in said_by.items() if value or node.origin.get(name) == {}}


def _meant(resources: dict[str, Any]) -> dict[str, Any]:
    """What the resources that were kept say; nothing when they were changed into what says nothing."""
    try:
        return meant_by(Resources.model_validate(resources))
    except ValueError:
        return {}


def _written(seconds: float, node: Node, name: str) -> str:
    """The duration as it was written, if that still says the same."""
    text = mapping(node.origin, "written").get(name)
    try:
        return text if isinstance(text, str) and seconds_in(text) == seconds else duration_of(seconds)
    except ValueError:
        return duration_of(seconds)


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
