"""The written form of flow in a real IPython shell: what is kept by cell, what is shown, what Tab offers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from dagbook.kernel_magics.completion import OBJECTIVES, complete
from dagbook.kernel_magics.draft import Draft, draft_of
from dagbook.runner.core.edge import Objective
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Kind


@pytest.fixture
def draft(shell: InteractiveShell, run: Any) -> Draft:
    return draft_of(shell)


def edges(draft: Draft) -> list[str]:
    """The edges of the pipeline as it stands."""
    return [str(edge) for edge in draft.to_pipeline().edges]


def refusal(ran: Any) -> PipelineError:
    """The PipelineError of a cell, of which nothing but its own words was shown."""
    assert isinstance(ran.error, PipelineError), ran.text
    assert ran.text.strip() == str(ran.error).strip()
    return ran.error


FACTS = [
    pytest.param("--when max:accuracy", "when max accuracy", id="row 48"),
    pytest.param("--when gt:acc:0.9 min:loss", "when acc gt 0.9 and min loss", id="row 45 row 49"),
    pytest.param("--approve leah", "asks leah", id="row 52 one"),
    pytest.param("--approve leah,yochay", "asks leah or yochay", id="row 52 row 56"),
    pytest.param("--approve leah,yochay,ann", "asks leah, yochay or ann", id="row 52 three"),
    pytest.param("--single", "single", id="single"),
    pytest.param("--input t=prepare/*.csv", "t from prepare/*.csv", id="row 78"),
    pytest.param(
        "--after a --grid lr=1,2 --approve leah --when max:x --single",
        "after a · single · lr: 2 runs · when max x · asks leah",
        id="together",
    ),
]


@pytest.mark.parametrize(("line", "told"), FACTS)
def test_the_defining_cell_tells_conditions_approvers_and_slots(run: Any, line: str, told: str) -> None:
    assert run(f"%%pipeline_node best {line}\n1", "a").text == f"○ best · defined · {told}"


def test_a_data_node_is_kept_and_told_without_being_read(run: Any, draft: Draft, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    ran = run("%pipeline_data images --path images", "a")
    assert ran.text == "○ images · data · path images"
    assert ran.shown[0].metadata == {"dagbook": {"node": "images"}}
    pin = "ab" * 32
    ran = run(f"%pipeline_data words --url https://example.org/w.txt --pin {pin}", "b")
    assert ran.text == "○ words · data · url https://example.org/w.txt · pinned to abababababab…"
    assert [(node.kind, node.pin) for node in draft.nodes()] == [(Kind.DATA, None), (Kind.DATA, pin)]
    (found,) = refusal(run("%pipeline_data more --path imagse", "c")).problems
    assert (found.code, found.hint) == ("E-FILE-MISSING", 'Did you mean "images"?')
    assert draft.titles() == ["images", "words"]


BAD = [
    ("%%pipeline_node a --when best:x\n1", "E-COND-OP"),
    ("%%pipeline_node a --when gt:x:high\n1", "E-COND-TARGET"),
    ("%%pipeline_node a --approve leah,\n1", "E-APPROVERS"),
    ("%%pipeline_node a --input ..=b\n1", "E-SLOT"),
    ("%pipeline_edge a.output.x b.parameter.y", "E-EDGE-KIND"),
    ("%pipeline_data a", "E-MAGIC-ARG"),
]


@pytest.mark.parametrize(("source", "code"), BAD)
def test_C1_C4_bad_flow_shows_only_the_message_and_stores_nothing(
    run: Any, draft: Draft, source: str, code: str
) -> None:
    (found,) = refusal(run(source, "a")).problems
    assert found.code == code
    assert "^" in found.message
    assert (draft.titles(), draft.edges()) == ([], ())


def test_P_7_references_in_braces_reach_the_node_as_typed(shell: InteractiveShell, run: Any, draft: Draft) -> None:
    shell.user_ns["Task"] = "EXPANDED"
    run('%%pipeline_node a --param "lr={{ Task.best lr }}" --env "E={ { Task.x } }" --grid "k={{ Task.a, b }},2"\n1')
    (node,) = draft.nodes()
    assert node.params == {"lr": "{{ Task.best lr }}"}
    assert node.env == {"E": "{ { Task.x } }"}
    assert node.grid == {"k": ["{{ Task.a, b }}", 2]}


def test_row_83_an_edge_is_told_and_kept_in_order_of_cells(run: Any, draft: Draft) -> None:
    ran = run('%pipeline_edge "Train model".output.*.csv best.input.models --optional', "x")
    assert ran.text == "● Train model.output.*.csv -> best.input.models · edge · optional"
    run("%pipeline_edge a.parameter.p b.parameter.q\n%pipeline_edge a.input.x b.input.y", "y")
    assert edges(draft) == [
        "Train model.output.*.csv -> best.input.models",
        "a.parameter.p -> b.parameter.q",
        "a.input.x -> b.input.y",
    ]


def test_M4_running_a_cell_again_replaces_its_edges_in_place(run: Any, draft: Draft) -> None:
    run("%pipeline_edge a.output.1 b.input.x\n%pipeline_edge a.output.2 b.input.x", "x")
    run("%pipeline_edge a.output.3 b.input.x", "y")
    run("%pipeline_edge a.output.4 b.input.x", "x")
    assert edges(draft) == ["a.output.4 -> b.input.x", "a.output.3 -> b.input.x"]


def test_M4_a_cell_that_has_become_a_node_has_no_edges_any_more(run: Any, draft: Draft) -> None:
    run("%pipeline_edge a.output.1 b.input.x", "x")
    run("%%pipeline_node a\n1", "x")
    assert edges(draft) == []


def test_a_node_and_edges_of_one_cell_are_all_kept(run: Any, draft: Draft, tmp_path: Path) -> None:
    (tmp_path / "d.csv").touch()
    cell = "%pipeline_edge d.output.* b.input.x\n%pipeline_data d --path d.csv\n%pipeline_edge d.output.* c.input.x"
    for _ in range(2):
        run(cell, "x")
        assert draft.titles() == ["d"]
        assert edges(draft) == ["d.output.* -> b.input.x", "d.output.* -> c.input.x"]


def test_row_82_without_cell_ids_an_edge_that_is_drawn_again_counts_once(run: Any, draft: Draft) -> None:
    run("%pipeline_edge a.output.1 b.input.x")
    run("%pipeline_edge a.output.2 b.input.x")
    run("%pipeline_edge a.output.1 b.input.x --optional")
    assert edges(draft) == ["a.output.2 -> b.input.x", "a.output.1 -> b.input.x"]
    assert draft.edges()[1].optional


def test_forget_takes_the_edges_of_a_node_and_reset_takes_all(run: Any, draft: Draft) -> None:
    run("%%pipeline_node a\n1", "n")
    run("%pipeline_edge a.output.1 b.input.x\n%pipeline_edge c.output.1 b.input.x", "x")
    run("%pipeline_edge d.output.1 A.input.x", "y")
    run("%pipeline --forget a", "z")
    assert (draft.titles(), edges(draft)) == ([], ["c.output.1 -> b.input.x"])
    assert refusal(run("%pipeline --forget x", "z")).problems[0].code == "E-NODE-UNKNOWN"
    run("%pipeline --forget c", "z")
    assert edges(draft) == []
    run("%pipeline_edge c.output.1 b.input.x", "x")
    run("%pipeline --reset", "z")
    assert edges(draft) == []


TITLES = ["prepare", "Train model"]
CASES = [
    ("pipeline_node", "x --when m", ["max:", "min:"]),
    ("pipeline_node", "x --when max:a g", ["gt:", "ge:"]),
    ("pipeline_node", "x --input table=p", ["table=prepare/"]),
    ("pipeline_node", 'x --input "table=Tr', ['"table=Train model/"']),
    ("pipeline_node", "x --input a=b t?=", ["t?=prepare/", '"t?=Train model/"']),
    ("pipeline_node", "prepare --input t=p", []),
    ("pipeline_node", "x --input t", []),
    ("pipeline_node", "x --approve ", []),
    ("pipeline_node", "x --si", ["--single"]),
    ("pipeline_data", "x --", ["--path", "--url", "--artifact", "--pin", "--left", "--top"]),
    ("pipeline_edge", "pre", ["prepare.output."]),
    ("pipeline_edge", "", ["prepare.output.", '"Train model.output."']),
    ("pipeline_edge", "prepare.output.*.csv Tr", ['"Train model.input."']),
    ("pipeline_edge", "a.output.x b.input.y --o", ["--optional"]),
]


@pytest.mark.parametrize(("magic", "line", "offered"), CASES)
def test_tab_offers_objectives_titles_in_slots_and_ends_of_edges(magic: str, line: str, offered: list[str]) -> None:
    assert complete(magic, line, TITLES)[1] == offered


def test_tab_offers_every_objective_there_is() -> None:
    assert list(OBJECTIVES) == list(Objective)


@pytest.mark.parametrize(
    ("magic", "told"), [("%%pipeline_node", "--when OP:[TITLE.]TAG"), ("%pipeline_edge", "--optional")]
)
def test_help_is_made_of_the_table(run: Any, shell: InteractiveShell, magic: str, told: str) -> None:
    kind = "cell" if magic.startswith("%%") else "line"
    assert told in str(shell.magics_manager.magics[kind][magic.strip("%")].__doc__)
