"""Which contract a node runs by, and a job with what its contract says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace

from ..core.dialect import Dialect
from ..core.model import Node
from ..executors.contract import Job
from . import cnvrg, valohai
from .terms import Facts, Terms

_TERMS: Mapping[Dialect, Callable[[Facts], Terms]] = {Dialect.CNVRG: cnvrg.terms, Dialect.VALOHAI: valohai.terms}


def terms_of(facts: Facts) -> Terms:
    """How the attempt is to be run by its contract."""
    assert facts.node.dialect
    return _TERMS[facts.node.dialect](facts)


def under(terms: Terms, job: Job) -> Job:
    """The job as its contract says. What people gave by hand and dagbook's own variables stand above the contract's."""
    return replace(
        job,
        script=terms.script,
        environment={**terms.environment, **job.environment},
        mounts=(*job.mounts, *terms.mounts),
        folder=terms.folder,
        json_tags=terms.json_tags,
    )


def leave(facts: Facts) -> list[str]:
    """Add to the output what the contract says that the node leaves elsewhere; returns warnings."""
    return cnvrg.leave(facts)


def contract_parts(node: Node) -> dict[str, str]:
    """What of a contract decides on a result, for the key of it."""
    if node.dialect is None and node.datums is None:
        return {}
    names = {"dialect", "arguments", "transform", "setup", "search", "edge_merge", "slots", "stop"}
    said = node.model_dump(mode="json", include=names, exclude_defaults=True)
    said["salt"] = node.datums.salt if node.datums else ""
    said["input"] = node.datums.input.model_dump(mode="json") if node.datums else None
    return {"contract": json.dumps(said, sort_keys=True)}
