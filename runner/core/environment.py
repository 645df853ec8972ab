"""The environment variables that a node sees, and the names that are taken.

Rules: docs/semantics.md, "Tags, metrics, parameters".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from .errors import Problem, problem
from .model import Kind, Node, Pipeline
from .names import slug_of, variable_of
from .values import Value, shown

PREFIXES = ("CNVRG", "DAGBOOK")
LONGEST_VALUE = 32_768  # bytes of a variable; a process gets some two millions for all of its environment

_OWN = tuple(f"{prefix}_TAG_" for prefix in PREFIXES)
_TESTED = "_PASSED_CONDITION"

_MACHINE = frozenset({"PATH", "HOME", "USER", "SHELL", "PWD", "LANG", "IFS", "ENV", "HOSTNAME", "TMPDIR", "BASH_ENV"})
_OURS = frozenset({"MPLCONFIGDIR", "PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP"})
_PASSED = frozenset(f"{prefix}_TASKS_PASSED_CONDITION" for prefix in PREFIXES)
_RUN = frozenset({"DAGBOOK_OUTPUT", "DAGBOOK_IMAGES", "DAGBOOK_RUN", "DAGBOOK_NODE", "DAGBOOK_NODE_RUN"})
_SYSTEM = _MACHINE | _OURS | _PASSED | _RUN
_SYSTEM_PREFIXES = ("LD_", "DYLD_", "INPUT_", "DAGBOOK_", "CNVRG_", "VH_", "VALOHAI_", "PACH_", "JPY_")
_FREE = frozenset({"VALOHAI_API_TOKEN"})  # Valohai's own programs look there for a token, and people set it


def owner_of(variable: str) -> str:
    """Who sets `variable`, in words; empty when it is free for users."""
    if variable in _MACHINE:
        return "the system"
    if variable.startswith(("LD_", "DYLD_")):
        return "the loader"
    begins_so = variable.startswith(_SYSTEM_PREFIXES) and variable not in _FREE
    return "dagbook" if variable in _SYSTEM or begins_so else ""


def own_variables(params: Mapping[str, Value]) -> dict[str, str]:
    """CNVRG_TAG_<NAME> and DAGBOOK_TAG_<NAME> for the node's own parameters."""
    return {variable_of(prefix, "tag", name): shown(value) for prefix in PREFIXES for name, value in params.items()}


def upstream_variables(tags: Mapping[str, Mapping[str, Value]]) -> tuple[dict[str, str], list[str]]:
    """CNVRG_<SLUG>_<TAG> and DAGBOOK_<SLUG>_<TAG> for the tags of the runs before, by the parent's slug.

    Also returns the variables that are left unset: two tags claim them, a system name owns them, or no variable can
    hold the value.
    """
    claims: dict[str, list[str]] = {}
    for slug, named in tags.items():
        for tag, value in named.items():
            for prefix in PREFIXES:
                claims.setdefault(variable_of(prefix, slug, tag), []).append(shown(value))
    refused = {name for name, values in claims.items() if len(values) > 1 or not _can_hold(values[0])}
    refused |= {name for name in claims if name in _SYSTEM or name.startswith(_OWN) or name.endswith(_TESTED)}
    refused |= {variable_of(p, slug, tag) for slug in tags for tag in tags[slug] if not slug_of(tag) for p in PREFIXES}
    return {name: values[0] for name, values in claims.items() if name not in refused}, sorted(refused)


def _can_hold(text: str) -> bool:
    """Whether a process can be started with `text` in a variable."""
    try:
        return "\0" not in text and len(text.encode()) <= LONGEST_VALUE
    except UnicodeEncodeError:  # half of a pair of surrogates
        return False


def data_variable(slug: str) -> str:
    """DATA_<SLUG>: where that dataset is mounted."""
    return f"DATA_{slug.upper()}"


def passed_variables(slugs: Sequence[str]) -> dict[str, str]:
    """What tells a node which of its tested parents passed: the list of their folders, and one variable for each."""
    paths = ",".join(f"/input/{slug}" for slug in slugs)
    found = {f"{prefix}_TASKS_PASSED_CONDITION": paths for prefix in PREFIXES}
    return found | {f"{prefix}_{slug.upper()}_PASSED_CONDITION": "true" for prefix in PREFIXES for slug in slugs}


def input_variable(slug: str) -> str:
    """INPUT_<SLUG>: where the artifact of that node is mounted."""
    return f"INPUT_{slug.upper()}"


def environment_problems(pipeline: Pipeline) -> Iterable[Problem]:
    """Clashes that are known before a run: reserved names, and two known tags that become one variable."""
    parents = {node.slug: node for node in pipeline.nodes}
    for node in pipeline.nodes:
        for name in {**pipeline.defaults.env, **node.env}:
            if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
                yield problem("E-ENV-NAME", node.place, name=name)
            elif owner := owner_of(name) or _dataset_owner(node, name, parents):
                yield problem("E-ENV-RESERVED", node.place, name=name, owner=owner)
        yield from _own_collisions(node, _parameter_names(pipeline, node))
        yield from _upstream_collisions(pipeline, node, parents)


def _dataset_owner(node: Node, variable: str, by_slug: Mapping[str, Node]) -> str:
    """`dagbook` when the variable tells where a dataset of this node is."""
    before = (by_slug[slug_of(title)] for title in node.after)
    return "dagbook" if any(p.kind is Kind.DATA and variable == data_variable(p.slug) for p in before) else ""


def _parameter_names(pipeline: Pipeline, node: Node) -> list[str]:
    return list(dict.fromkeys([*pipeline.parameters_of(node), *node.grid]))


def _own_collisions(node: Node, names: list[str]) -> Iterable[Problem]:
    seen: dict[str, str] = {}
    for name in names:
        variable = variable_of("CNVRG", "tag", name)
        other = seen.setdefault(variable, name)
        if other != name:
            yield problem(
                "E-ENV-COLLIDES",
                node.place,
                first=f"parameter {other}",
                second=f"parameter {name}",
                name=variable,
            )


def _upstream_collisions(pipeline: Pipeline, node: Node, by_slug: Mapping[str, Node]) -> Iterable[Problem]:
    seen: dict[str, str] = {}
    gathered = {slug_of(title) for title in node.gather}  # runs.json tells of those, no variable does
    for parent in (by_slug[slug_of(title)] for title in node.after if slug_of(title) not in gathered):
        for name in _parameter_names(pipeline, parent):
            variable, *_ = both = [variable_of(prefix, parent.slug, name) for prefix in PREFIXES]
            label = f'parameter {name} of "{parent.title}"'
            other = seen.setdefault(variable, label)
            if other != label:
                yield problem("E-ENV-COLLIDES", node.place, first=other, second=label, name=variable)
            elif taken := next((v for v in both if v in _SYSTEM or v.startswith(_OWN)), ""):
                yield problem("E-ENV-RESERVED", node.place, name=taken, owner="dagbook")
