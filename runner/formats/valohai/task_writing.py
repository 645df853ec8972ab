"""Tasks out of searches."""

from __future__ import annotations

from ...core.dialect import Rule, Search
from .spot import Document, plain, whole
from .tasks import NUMBERIFY

_USUAL = Rule(style="single")  # type: ignore[arg-type]


def task_of(name: str, step: str, search: Search, kept: Document) -> Document:
    """The task that a search is, as plain values. `kept` is what only Valohai knows of it."""
    parameters = [_varied(one, rule, kept) for one, rule in search.rules.items()]
    sets = plain(search.sets) or kept.get("parameter-sets")
    told: Document = {
        "name": name,
        "step": step,
        "type": str(search.kind),
        "parameters": parameters if parameters or not sets else None,
        "parameter-sets": sets or None,
        "execution-count": search.count,
        "maximum-queued-executions": search.at_once,
        "optimization-target-metric": search.target_metric,
        "optimization-target-value": None if search.target_value is None else whole(search.target_value),
        "on-child-error": str(search.on_child_error) if search.on_child_error else None,
        "stop-condition": search.stop,
        **kept.get("keys", {}),
    }
    return {name: one for name, one in told.items() if one is not None}


def _varied(name: str, rule: Rule, kept: Document) -> Document:
    extra = kept.get("extras", {}).get(name, {})
    numbers = {NUMBERIFY: kept[NUMBERIFY][name]} if name in kept.get(NUMBERIFY, {}) else {}
    rules = {**rules_of(rule), **numbers, **extra.get("rules", {})}
    return {"name": name, "style": str(rule.style), "rules": rules, **extra.get("parameter", {})}


def rules_of(rule: Rule) -> Document:
    """What a rule says, but for what is as by default."""
    told = {name: getattr(rule, name) for name in Rule.model_fields if name != "style"}
    found = {name: one for name, one in told.items() if one != getattr(_USUAL, name)}
    return {name: whole(one) if isinstance(one, float) else plain(one) for name, one in found.items()}
