"""What a run leaves for machines and for people who were not there: JUnit XML, a Markdown summary, the notebook."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import cell_view, diagram, view, view_json
from .asking import questions
from .core.errors import PipelineError, Place, problem
from .core.lifecycle import PASSED, NodeRun, State
from .core.masking import masked
from .core.model import Pipeline
from .formats.commands import going_on
from .records.follow import Follower, Watched

if TYPE_CHECKING:
    from .formats.notebook import Definition

LONGEST_SUMMARY = 900_000  # bytes; GitHub refuses a job summary above 1 MiB


def write_junit(path: Path, follower: Follower) -> None:
    """Write JUnit XML: the pipeline is the suite, each node run a test case with its log."""
    from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

    suite = TestSuite(follower.row.pipeline)
    for watched in follower.listed():
        run = watched.run
        case = TestCase(view.label(run), classname=follower.row.pipeline, time=_seconds(run))
        if run.state in (State.FAILED, State.TIMED_OUT, State.REJECTED):
            case.result = [_with_text(Failure(run.reason, _failure_type(run)), run)]
        elif run.state is State.LOST:
            case.result = [_with_text(Error(run.reason, str(run.state)), run)]
        elif run.state is State.PENDING_APPROVAL:
            case.result = [Skipped(run.reason)]
        elif run.state not in PASSED:
            case.result = [Skipped(f"{view.state_word(run.state)}: {run.reason}")]
        case.system_out = _xml_safe(log_of(watched))
        suite.add_testcase(case)
    report = JUnitXml()
    report.add_testsuite(suite)
    path.parent.mkdir(parents=True, exist_ok=True)
    report.write(str(path), pretty=True)


def _seconds(run: NodeRun) -> float:
    """How long it took in this run: nothing, where an earlier result stands for it."""
    return 0.0 if run.state is State.CACHED else run.detail.get("duration_s") or 0.0


def _failure_type(run: NodeRun) -> str:
    return str((run.detail.get("error") or {}).get("name") or run.state)


def _with_text(result: Any, run: NodeRun) -> Any:
    error = run.detail.get("error")
    if error:
        result.text = _xml_safe(view.plain("\n".join(error["traceback"])))
    return result


def _xml_safe(text: str) -> str:
    """`text` without the control characters that XML cannot hold."""
    return "".join(c for c in text if c in "\n\t" or (c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c < "\ufffe"))


def log_of(watched: Watched) -> str:
    """What a node run printed, as plain text."""
    texts = (cell_view.output_text(output) for output in cell_view.own_outputs(watched))
    return view.plain("\n".join(text for text in texts if text))


def summary_path(wanted: str) -> Path | None:
    """Where `--summary` writes; `auto` is the job summary of GitHub Actions, when there is one."""
    if wanted != "auto":
        return Path(wanted)
    found = os.environ.get("GITHUB_STEP_SUMMARY")
    return Path(found) if found else None


def summary(pipeline: Pipeline, follower: Follower) -> str:
    """A run in Markdown: how it ended, the graph with states, a table, tracebacks folded."""
    so_far = follower.so_far
    now = follower.row.ended or max((w.ended or 0 for w in follower.listed()), default=0)
    took = view.age(max(now - follower.row.started, 0))
    states = view.up_to_date(so_far) or view.tally(run.state for run in view.listed(so_far))
    lines = [f"## {follower.row.pipeline}: {view.state_word(so_far.state)}", ""]
    lines += [f"Run `{follower.row.id}`, {took}: {states}.", ""]
    lines += _asking(follower)
    lines += ["```mermaid", diagram.mermaid(pipeline, view.states_by_node(so_far)), "```", ""]
    lines += ["| | node | parameters | state | time | tags | why |", "|---|---|---|---|---|---|---|"]
    for run in view.listed(so_far):
        lines.append(_row(run))
    for run in view.failed_first(so_far):
        error = run.detail.get("error") or {}
        text = view.plain("\n".join(error.get("traceback") or [run.reason])).replace("```", "'''")
        title = _cell(f"{view.label(run)}: {run.reason}")
        lines += ["", f"<details><summary>✕ {title}</summary>", "", "```text", text, "```", "", "</details>"]
    return _cut("\n".join(lines) + "\n")


def _asking(follower: Follower) -> list[str]:
    """Whom the run waits for, and the commands that decide."""
    found = []
    for asked in questions(follower.so_far.node_runs.values()):
        typed = asked.command(follower.store.folder, follower.row.id)
        found += [f"**{_cell(asked.words)}.** Decide with `{typed}`, or with `reject` in place of `approve`.", ""]
    if found:
        found += [f"Then go on with `{going_on(follower.store.folder, follower.row.id)}`.", ""]
    return found


def _row(run: NodeRun) -> str:
    seconds = _seconds(run) if "duration_s" in run.detail else None
    logged = {name: value for name, value in run.tags.items() if name not in run.created.params}
    decided = [f"approved by {run.answer.by}"] if run.answer and run.answer.approved else []
    cells = [
        view.GLYPHS[run.state],
        run.node,
        view.route_words(run.created.route),
        view.state_word(run.state),
        view.age(seconds) if seconds is not None else "",
        " ".join(f"{name}={masked(name, value)}" for name, value in logged.items()),
        "; ".join(text for text in (*decided, run.reason, view.because(run)) if text),
    ]
    return f"| {' | '.join(_cell(text) for text in cells)} |"


def _cell(text: str) -> str:
    for mark, escaped in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("\n", " "), ("`", "\\`")):
        text = text.replace(mark, escaped)
    return text[:500]


def _cut(text: str) -> str:
    data = text.encode()
    if len(data) <= LONGEST_SUMMARY:
        return text
    return data[:LONGEST_SUMMARY].decode(errors="ignore") + "\n\n… cut here: the summary was too long.\n"


def write_notebook(path: Path, definition: Definition, follower: Follower) -> None:
    """Write the pipeline's notebook with every node's outputs, tags and metrics in its cell."""
    from .formats.notebook import save_notebook, write_back

    by_node: dict[str, list[Watched]] = {}
    for watched in follower.listed():
        by_node.setdefault(watched.run.node, []).append(watched)
    by_cell: dict[int, list[Watched]] = {}
    for title, cell in definition.cells.items():  # several in one cell where that is a whole pipeline
        by_cell.setdefault(cell, []).extend(by_node.get(title, []))
    cells = {cell: cell_view.outputs(shown, follower.row.id) for cell, shown in by_cell.items()}
    about = view_json.run_json(
        follower.store.run(follower.row.id), follower.so_far, follower.store.artifacts, follower.row.started
    )
    save_notebook(write_back(definition.notebook, cells, about), path)


def write_summary(path: Path, pipeline: Pipeline, follower: Follower) -> None:
    """Append the Markdown summary to `path`, as job summaries are appended to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(summary(pipeline, follower))


def run_error(follower: Follower, numbers: Mapping[str, int] | None = None) -> PipelineError:
    """What a cell that waited for a run raises when it did not succeed: each failure with the user's own traceback.

    `numbers` tell by title as what the defining cell ran in this kernel, the 6 of `In[6]`, where no file tells more.
    """
    problems = []
    for run in view.failed_first(follower.so_far)[:5]:
        traceback = "\n".join((run.detail.get("error") or {}).get("traceback", []))
        number = (numbers or {}).get(run.node)
        notebook = run.detail.get("notebook")
        told = (f"  cell:     In[{number}]" if number else "", f"  notebook: {notebook}" if notebook else "")
        place = Place(cell=follower.cell_of(run.node))
        hint = "\n".join(line for line in (traceback, *told) if line)
        problems.append(problem("E-NODE-FAILED", place, node=view.label(run), reason=run.reason, hint=hint))
    if not problems:
        state = view.state_word(follower.so_far.state)
        problems.append(problem("E-RUN-ENDED", run=follower.row.id, state=state, reason=follower.so_far.reason))
    else:
        command = f"  go on:    {going_on(follower.store.folder, follower.row.id)}"
        problems[-1] = replace(problems[-1], hint=f"{problems[-1].hint}\n{command}")
    return PipelineError(*problems)
