"""Texts of node runs as reports take them: what failed and how, what was printed, bounded and without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .. import cell_view, view
from ..core.lifecycle import ENDED, Changed, NodeRun, State
from ..core.masking import looks_secret
from ..core.spellings import SHORTEST, forms_of
from ..core.values import from_json
from ..executors.hiding import Hiding
from ..records.follow import Follower, Watched

LAST_LINES = 30  # of its log, that tell why a command failed
_WORD = re.compile(r"[a-z_ -]*")  # a value that could be anything: hiding it would hide words of the code


def hiding_of(follower: Follower) -> Hiding | None:
    """What hides the values of parameters, variables and tags that look like secrets; None when there are none.

    What a node got with --secret is hidden where it is recorded already; this is for what people gave in the open.
    """
    record = follower.row.record
    named: list[tuple[str, object]] = [(n, from_json(v)) for n, v in (record.get("parameters") or {}).items()]
    named += ((record.get("settings") or {}).get("env") or {}).items()
    for node in record["pipeline"]["nodes"]:
        named += (node.get("env") or {}).items()
    for run in follower.so_far.node_runs.values():
        named += [*run.created.params.items(), *run.tags.items()]
    values = {value for name, value in named if isinstance(value, str) and _is_secret(name, value)}
    forms = {form for value in values for form in forms_of(value.encode("utf-8", "replace")) if len(form) >= SHORTEST}
    return Hiding(forms) if forms else None


def _is_secret(name: str, value: str) -> bool:
    return looks_secret(name, value) and not _WORD.fullmatch(value)


def traceback_of(run: NodeRun | Changed) -> str:
    """The user's traceback as plain text; empty where there is none, as of a command."""
    error = run.detail.get("error") or {}
    return view.plain("\n".join(map(str, error.get("traceback") or ())))


def failure_text(watched: Watched) -> str:
    """Why a node run failed: its traceback, else its reason and the last that it printed; and what would help."""
    run = watched.run
    hint = [f"hint: {run.detail['advice']}"] if run.detail.get("advice") else []
    if told := traceback_of(run):
        return "\n".join([told, *hint])
    last = printed(watched).splitlines()[-LAST_LINES:]
    return "\n".join([run.reason, *hint, *(["", *last] if last else [])])


def printed(watched: Watched) -> str:
    """What a node run printed and showed, as plain text; without the traceback, which is told by itself."""
    kept = (output for output in cell_view.own_outputs(watched) if output["output_type"] != "error")
    return view.plain("\n".join(text for output in kept if (text := cell_view.output_text(output))))


def shortened(text: str, most: int) -> str:
    """`text` of at most about `most` characters: its beginning, and its end, which tells more."""
    if len(text) <= most:
        return text
    first, last = most // 5, most - most // 5
    left_out = len(text) - first - last
    return f"{text[:first]}\n[… {left_out:,} characters are left out here …]\n{text[-last:]}"


def was_at_work(run: NodeRun) -> bool:
    """Whether it was cancelled after it had started."""
    return run.state is State.CANCELLED and State.STARTING in run.story


def earlier_failures(watched: Watched) -> Iterable[Changed]:
    """The attempts that failed and were followed by another one, in order."""
    for _at, fact in watched.story:
        if isinstance(fact, Changed) and fact.state in ENDED and 0 < fact.attempt < watched.run.attempt:
            yield fact
