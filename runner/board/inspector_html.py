"""The inspector as HTML without a script: of a node run, of a node's definition, of all runs of a node."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from ..core.lifecycle import State
from ..core.model import who_decides
from ..records.below import read_below
from ..view import age, size
from .artifact_listing import ArtifactListing
from .curves_svg import curve_svg
from .inspector_parts import (
    block,
    boxed,
    code,
    facts_table,
    folded,
    heading,
    line,
    listing,
    more,
    section,
    sendable,
    shortened,
    soft,
    state_html,
    table,
    tinted,
)
from .inspector_values import (
    Approval,
    Attempt,
    Command,
    Failure,
    Inspected,
    InspectedGroup,
    InspectedNode,
    Named,
    Picture,
    Verdict,
)
from .lettering import in_order
from .output_html import Room, guarded, image_html, log_html, traceback_html

MOST_CURVES = 12  # metrics that are drawn
LARGEST_PICTURE = 1_000_000  # bytes of a logged image that is put in
FEW = 8  # rows that stand open; more are folded


def inspected_html(inspected: Inspected | InspectedNode | InspectedGroup) -> str:
    """All that is known, most telling first. Whatever a node showed stands in frames in which nothing runs."""
    return sendable(block(_parts(inspected)))


def inspected_parts(inspected: Inspected | InspectedNode | InspectedGroup) -> list[str]:
    """The same in pieces, so that those that did not change can stay as somebody has opened and scrolled them."""
    return [sendable(block([part])) for part in _parts(inspected) if part]


def _parts(inspected: Inspected | InspectedNode | InspectedGroup) -> Iterable[str]:
    match inspected:
        case Inspected():
            return [_head(inspected), *_run_parts(inspected)]
        case InspectedNode():
            return _node_parts(inspected)
        case InspectedGroup():
            return _group_parts(inspected)


def body_html(inspected: Inspected, notebook: str = "") -> str:
    """The same of a node run without its heading and commands, for a page that has a heading and is read elsewhere.

    With its `notebook` as HTML that stands in place of the outputs, and the log is folded.
    """
    return block([_about(inspected), *_run_parts(replace(inspected, commands=()), notebook)])


def _head(one: Inspected) -> str:
    route = f"<div>{soft(in_order(one.route))}</div>" if one.route else ""
    return f"{heading(one.title)}{route}{_about(one)}"


def _about(one: Inspected) -> str:
    """The line below the title: state, how long, which cell."""
    parts = [state_html(one.state)]
    if one.seconds is not None and one.state is not State.CACHED:
        parts.append(soft(age(max(one.seconds, 0))))
    parts += [soft(f"cell {one.progress[0]} of {one.progress[1]}")] if one.progress else []
    parts += [soft(text) for text in (one.line, one.id) if text]
    below = one.failure is not None or one.state is State.PENDING_APPROVAL  # a box says it
    reason = "" if below else line(one.reason)
    return f"<div>{' · '.join(parts)}</div>{reason}"


def _run_parts(one: Inspected, notebook: str = "") -> Iterator[str]:
    yield guarded(_failure, one.failure, one.notebook)
    yield guarded(_approval, one.approval, one.state)
    yield "".join(boxed(State.CANCELLED, line(f"warning: {text}")) for text in one.warnings)
    yield guarded(_commands, one.commands)
    yield guarded(_named, "Parameters", one.parameters)
    yield guarded(_named, "Tags", one.tags)
    yield from _metrics(one)
    yield guarded(_pictures, one.pictures)
    yield notebook or guarded(_outputs, one)
    yield guarded(_log, one, not notebook)
    yield guarded(_artifact, one.artifact)
    yield guarded(_conditions, one)
    yield guarded(_attempts, one.attempts)
    yield guarded(_where, one)
    yield folded("Environment", _rows(one.environment), count=len(one.environment))


def _failure(failure: Failure | None, notebook: str) -> str:
    if failure is None:
        return ""
    place = f"cell {failure.cell} of the executed notebook" if failure.cell else ""
    told = line(f"{failure.name}: {failure.message}" if failure.message else failure.name)
    where = f"<div>{soft(place)} {code(notebook, whole=True)}</div>" if place and notebook else ""
    hint = line(failure.hint) if failure.hint else ""
    return boxed(State.FAILED, told, hint, where, traceback_html(failure.traceback))


def _approval(approval: Approval | None, state: State) -> str:
    if approval is None:
        return ""
    asked = " or ".join(approval.asked)
    if approval.approved is None:
        return boxed(State.PENDING_APPROVAL, line(f"waits for {asked}" if asked else "waits for an approval"))
    word = "approved" if approval.approved else "rejected"
    how = f", with {approval.how}" if approval.how else ""
    when = f" at {_clock(approval.at)}" if approval.at else ""
    parts = [line(f"{word} by {approval.by}{when}{how}"), line(f"asked: {asked}") if asked else ""]
    return boxed(State.SUCCEEDED if approval.approved else State.REJECTED, *parts)


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%Y-%m-%d %H:%M:%S")


def _commands(commands: tuple[Command, ...]) -> str:
    rows = []
    for one in commands:
        rows += [(soft(one.does), code(one.terminal, whole=True))]
        rows += [(soft("in the notebook"), code(one.magic, whole=True))] if one.magic else []
    return folded("Commands", table(rows))


def _named(title: str, found: tuple[Named, ...]) -> str:
    if len(found) > FEW:
        return folded(title, _rows(found), count=len(found))
    return section(title, _rows(found))


def _rows(found: tuple[Named, ...]) -> str:
    return facts_table([(one.name, code(one.value), one.origin) for one in found])


def _metrics(one: Inspected) -> Iterator[str]:
    metrics = one.metrics or {}
    curves = [guarded(curve_svg, points, name) for name, points in list(metrics.items())[:MOST_CURVES]]
    rest = more(len(metrics) - MOST_CURVES, "metrics")
    yield section("Metrics", _beside(curves), rest)


def _beside(curves: Iterable[str]) -> str:
    """Curves below one another in a narrow place, beside one another in a wide one."""
    inner = "".join(f'<div style="flex:1 1 260px;max-width:420px">{curve}</div>' for curve in curves if curve)
    return f'<div style="display:flex;flex-wrap:wrap;gap:8px 28px;margin:4px 0 8px">{inner}</div>' if inner else ""


def _pictures(pictures: tuple[Picture, ...]) -> str:
    parts = []
    for one in pictures:
        told = f"step {one.step:g}" + (f", the last of {one.count}" if one.count > 1 else "")
        try:
            inside = one.file.relative_to(one.store).parts
            image = image_html(read_below(one.store, inside, LARGEST_PICTURE), one.name)
        except (OSError, ValueError):
            image = ""
        shown = image or f"<div>{soft('not shown:')} {code(str(one.file), whole=True)}</div>"
        parts.append(f'<div style="margin:4px 0">{shortened(one.name)} {soft(told)}{shown}</div>')
    return section("Images", *parts)


def _outputs(one: Inspected) -> str:
    before = more(one.outputs_left_out, "before; the executed notebook has them all")
    room = Room(one.notebook)
    parts = [f'<div style="margin:4px 0;overflow-x:auto">{room.html_of(out)}</div>' for _, out in one.outputs]
    return folded("Outputs", before, *parts, count=len(one.outputs) + one.outputs_left_out, opened=True)


def _log(one: Inspected, opened: bool) -> str:
    if not one.log:
        return ""
    return folded("Log", more(one.log_left_out, "lines before"), log_html(one.log), opened=opened)


def _artifact(artifact: ArtifactListing | None) -> str:
    if artifact is None:
        return ""
    files = "1 file" if artifact.files == 1 else f"{artifact.files} files"
    about = f"{files}, {size(artifact.bytes)}"
    rows = [(code(path), soft(size(bytes_))) for path, bytes_ in artifact.entries]
    listed = table(rows) + more(artifact.left_out, "files") + line(artifact.fault)
    return section(
        "Artifact",
        f"<div>{soft(about)}</div><div>{code(artifact.path, whole=True)}</div>",
        folded("Files", listed, count=artifact.files, opened=len(rows) <= FEW),
    )


def _conditions(one: Inspected) -> str:
    parts = [] if one.because == one.reason else [line(one.because)]
    for condition in dict.fromkeys(verdict.condition for verdict in one.verdicts):
        rows = [_verdict(verdict) for verdict in one.verdicts if verdict.condition == condition]
        parts += [f'<div style="margin:4px 0 2px">{code(condition)}</div>', table(rows, ("", "run", "value", ""))]
    parts.append(more(one.verdicts_left_out, "verdicts"))
    return section("Conditions", *parts)


def _verdict(one: Verdict) -> tuple[str, ...]:
    marks = {True: tinted("✓ yes", State.SUCCEEDED), False: tinted("✕ no", State.FAILED), None: soft("open")}
    label = f"<b>{shortened(one.label, 40)}</b>" if one.here else shortened(one.label, 40)
    passed = f'<span style="white-space:nowrap">{marks[one.passed]}</span>'
    value = f'<span style="white-space:nowrap">{shortened(_short(one.value), 24)}</span>'
    return passed, label, value, soft(one.why)


def _attempts(attempts: tuple[Attempt, ...]) -> str:
    rows = []
    for one in attempts:
        told = soft(one.reason) + (f"<div>{code(one.notebook, whole=True)}</div>" if one.notebook else "")
        took = soft(age(max(one.seconds, 0)) if one.seconds is not None else "")
        rows.append((str(one.number), state_html(one.state), took, told))
    heads = ("", "ended", "after", "why, and its notebook")
    return folded("Attempts", table(rows, heads), count=len(attempts), opened=1 < len(attempts) <= FEW)


def _where(one: Inspected) -> str:
    """Where it ran, on what, with which limits, when; and where its notebook is."""
    rows = [("executor", code(one.executor), "")] if one.executor else []
    rows += [(f"image {part.name}", code(part.value, whole=True), "") for part in one.image]
    rows += [(part.name, code(part.value), part.origin) for part in (*one.limits, *one.used)]
    times = (("created", one.created), ("started", one.began), ("ended", one.ended))
    rows += [(name, code(_clock(at)), "") for name, at in times if at is not None]
    rows += [("run", code(one.nested), "")] if one.nested else []
    rows += [("notebook", code(one.notebook, whole=True), "")] if one.notebook else []
    rows += [("after", code(", ".join(one.parents)), "")] if one.parents else []
    rows += [("cache", code(one.cached), "")] if one.cached else []
    return folded("Where and when", facts_table(rows))


def _node_parts(one: InspectedNode) -> Iterator[str]:
    yield heading(one.title)
    expected = "the run decides how often" if one.expected is None else f"runs {one.expected} times"
    place = f"cell {one.cell}" if one.cell else ""
    told = [one.kind, place, "runs once" if one.expected == 1 else expected]
    yield f"<div>{soft(' · '.join(part for part in told if part))}</div>"
    if one.approve:
        yield boxed(State.PENDING_APPROVAL, line(f"starts only after {who_decides(one.approve)} said yes"))
    yield section("Grid", _rows(one.grid))
    yield _named("Parameters", one.parameters)
    yield section("Conditions", *map(line, one.conditions))
    yield section("After", _rows(one.before))
    yield section("Before", line(", ".join(one.after)))
    yield section("Options", _rows(one.options))
    yield folded("Environment", _rows(one.environment), count=len(one.environment))
    source = listing(one.source) if one.source else ""
    yield folded("Code", source, more(one.source_left_out, "lines"), opened=True)


def _group_parts(one: InspectedGroup) -> Iterator[str]:
    yield heading(one.title)
    yield f"<div>{soft(one.states)}</div>"
    rows = []
    for row in one.rows:
        mark = tinted("★", State.RUNNING) if row.best else ""
        took = soft(age(max(row.seconds, 0)) if row.seconds is not None else "")
        values = [code(row.values.get(name, "")) for name in one.columns]
        tags = [code(_short(row.tags.get(name, ""))) for name in one.tags]
        rows.append((mark, state_html(row.state), *values, took, *tags))
    yield section(
        "Runs", table(rows, ("", "state", *one.columns, "took", *one.tags), wraps=False), more(one.left_out, "runs")
    )
    curves = [curve_svg(series, name) for name, series in list((one.metrics or {}).items())[:MOST_CURVES]]
    yield section("Metrics", _beside(curves))


def _short(value: str) -> str:
    """A number with the digits that people compare; anything else as it is."""
    try:
        return f"{float(value):.4g}" if "." in value else value
    except ValueError:
        return value
