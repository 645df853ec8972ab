"""The page of a run: the code that failed, each node's notebook, and that it stays one that a browser opens."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat import write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from dagbook.runner.board import document
from dagbook.runner.board.code_html import AROUND, code_html
from dagbook.runner.board.document import static_page
from dagbook.runner.board.markdown_html import markdown_html
from dagbook.runner.core.lifecycle import RunChanged, RunState, State
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.follow import Follower
from tests.board.by_hand import ByHand, stream
from tests.board.payloads import PAYLOADS
from tests.board.test_inspector import NOW, Elements
from tests.board.test_page import NEVER

TRACEBACK = [
    "ValueError   Traceback",
    "Cell In[2], line 3\n      1 # %%pipeline_node fit\n----> 3 fail()",
    "ValueError: no luck",
]
BEGUN = (State.QUEUED, State.STARTING, State.RUNNING)


def keep_notebook(made: ByHand, id: str, *cells: Any) -> str:
    """Put an executed notebook where the attempt has it."""
    folder = made.store.attempt_folder(made.run, id, 1)
    folder.mkdir(parents=True, exist_ok=True)
    about = {"language_info": {"name": "python"}}
    write(new_notebook(cells=list(cells), metadata=about), folder / "notebook.ipynb")  # type: ignore[no-untyped-call]
    return str(folder / "notebook.ipynb")


def code(source: str, *outputs: Any, number: int = 1, **metadata: Any) -> Any:
    return new_code_cell(source, outputs=list(outputs), execution_count=number, metadata=metadata)  # type: ignore[no-untyped-call]


def failing(folder: Path, runs: int = 1) -> Follower:
    """A grid whose runs failed in the second cell, after one that went well."""
    nodes = (Node(title="prepare"), Node(title="fit", grid={"n": list(range(runs))}))
    made = ByHand(folder, Pipeline(name="flow", nodes=nodes))
    made.create("prepare", "prepare")
    table = new_output("display_data", data={"text/html": "<b>rows</b>"})  # type: ignore[no-untyped-call]
    text = new_markdown_cell("# Heading\n\nof *mine*")  # type: ignore[no-untyped-call]
    path = keep_notebook(made, "prepare", text, code("rows = 3", table))
    made.go("prepare", *BEGUN, State.SUCCEEDED, notebook=path)
    error = {"name": "ValueError", "message": "no luck", "traceback": TRACEBACK, "cell": 1}
    for number in range(1, runs + 1):
        id = f"fit#{number}"
        made.create(id, "fit", {"n": number}, {"fit": {"n": number}})
        made.print(id, stream("trying\n"))
        raised = new_output("error", ename="ValueError", evalue="no luck", traceback=TRACEBACK)  # type: ignore[no-untyped-call]
        banner = new_markdown_cell("An exception was encountered")  # type: ignore[no-untyped-call]
        banner.metadata["tags"] = ["papermill-error-cell-tag"]
        shared, own = code("import math"), code("# %%pipeline_node fit\nx = 1\nfail()\ny = 2", raised, number=2)
        path = keep_notebook(made, id, shared, banner, own)
        made.go(id, *BEGUN, State.FAILED, reason="ValueError: no luck", error=error, notebook=path)
    made.tell(RunChanged(RunState.FAILED))
    return made.follower()


def plain(page: str) -> str:
    """The words of a piece of HTML."""
    return html.unescape(re.sub(r"<[^>]*>", "", page))


def test_the_code_that_failed_comes_first_its_line_marked_then_the_traceback(tmp_path: Path) -> None:
    page = static_page(failing(tmp_path), NOW)
    marked = re.findall(r"<span class=m>(.*?)\n</span>", page)
    assert [plain(one) for one in marked] == ["fail()", "fail()"]  # above all else, and in the notebook
    first, rest = page.index("<span class=m>"), page.index("Each node run")
    assert first < page.index("Traceback") < rest


def test_the_notebook_of_each_node_run_can_be_read_in_it(tmp_path: Path) -> None:
    page = static_page(failing(tmp_path), NOW)
    told = plain(page[page.index("Each node run") :])
    for words in ("rows = 3", "Heading", "of mine", "Notebook: the cell that failed", "The other cells", "import math"):
        assert words in told
    assert "An exception was encountered" not in told  # papermill's banner: the page says it better
    assert 'srcdoc="' in page[page.index("Each node run") :]


def test_the_notebook_of_a_failure_stands_open_at_its_failing_cell_the_rest_is_folded(tmp_path: Path) -> None:
    page = static_page(failing(tmp_path), NOW)
    assert re.search(r"<details [^>]* open><summary [^>]*>Notebook: the cell that failed", page)
    assert re.search(r"<details style=\"[^\"]*\"><summary [^>]*>The other cells", page)
    assert re.search(r"<details style=\"[^\"]*\"><summary [^>]*>Log", page)


def test_nothing_is_loaded_from_anywhere_and_nothing_runs(tmp_path: Path) -> None:
    page = static_page(failing(tmp_path), NOW)
    assert "Content-Security-Policy" in page
    found = {tag for tag, _ in Elements(page).found}
    assert not found & NEVER
    assert not re.findall(r"(?:src|href|action|data)=[\"']?(?!data:)[a-z]+:", page)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_what_stands_in_a_notebook_stays_harmless(tmp_path: Path, payload: str) -> None:
    """Code, text, tags, outputs and tracebacks may hold anything."""
    made = ByHand(tmp_path, Pipeline(name="flow", nodes=(Node(title="fit"),)))
    made.create("fit", "fit")
    shown = new_output("display_data", data={"text/html": payload, "text/plain": payload})  # type: ignore[no-untyped-call]
    raised = new_output("error", ename=payload, evalue=payload, traceback=[payload])  # type: ignore[no-untyped-call]
    text = new_markdown_cell(payload)  # type: ignore[no-untyped-call]
    path = keep_notebook(made, "fit", text, code(payload, shown, raised, tags=[payload.replace(",", "")]))
    error = {"name": payload, "message": payload, "traceback": [payload], "cell": 0}
    made.go("fit", *BEGUN, State.FAILED, reason=payload, error=error, notebook=path)
    made.tell(RunChanged(RunState.FAILED))
    page = Elements(static_page(made.follower(), NOW))
    assert not {tag for tag, _ in page.found} & NEVER
    assert not [name for _, names in page.found for name in names if name.startswith("on")]
    assert {address.partition(":")[0] for address in page.addresses} <= {"data"}
    assert {sandbox for sandbox, _ in page.frames} == {""}


def test_a_page_that_would_become_too_large_names_notebooks_instead_those_of_failures_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    follower = failing(tmp_path, runs=3)
    whole = static_page(follower, NOW)
    assert "would make this page too large" not in whole
    monkeypatch.setattr(document, "LARGEST_NOTEBOOKS", 3_000)
    small = static_page(follower, NOW)
    assert len(small) < len(whole)
    assert "Notebook: the cell that failed" in small
    assert "rows = 3" not in plain(small)
    named = follower.so_far.node_runs["prepare"].detail["notebook"]
    assert f"The notebook would make this page too large: {named}" in plain(small)


def test_of_many_failures_the_first_of_each_node_stands_open_and_the_rest_are_counted(tmp_path: Path) -> None:
    page = static_page(failing(tmp_path, runs=document.MOST_FAILURES + 4), NOW)
    above = page[: page.index("All node runs as a table")]
    assert above.count("Where and how") == document.MOST_FAILURES - 1
    assert "… and 4 more that failed" in plain(above)


CODE = st.text(st.characters(codec="utf-8", exclude_characters="\r"), max_size=80)


@settings(max_examples=100)
@given(CODE, st.sampled_from(["python", "bash", "r", "?"]))
def test_coloured_code_is_the_code(source: str, language: str) -> None:
    """Whatever a language's reader makes of it, no letter is lost or added."""
    wanted = source.rstrip("\n")
    shown = [plain(line) for line in re.findall(r"(?s)<span>(.*?)\n</span>", code_html(source, language))]
    assert shown == (wanted.split("\n") if source else [])


def test_of_a_long_cell_what_is_around_the_line_is_shown() -> None:
    page = code_html("\n".join(f"line_{number}" for number in range(1, 501)), marked=300)
    assert "counter-reset:line 281" in page
    assert page.count("\n</span>") == 2 * AROUND + 1
    assert "… 281 lines before" in page
    assert "… 182 lines after" in page


def test_a_text_cell_leads_nowhere_and_loads_nothing() -> None:
    text = "[here](https://example.org) ![x](https://example.org/x.png) <script>1</script>"
    page = markdown_html(f"{text}\n\n|a|\n|-|\n|1|\n")
    assert not {tag for tag, _ in Elements(page).found} & (NEVER | {"img"})
    assert "here (https://example.org)" in plain(page)
    assert "<td>1</td>" in page
