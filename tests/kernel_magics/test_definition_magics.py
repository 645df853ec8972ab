"""The defining magics in a real IPython shell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from dagbook.kernel_magics.draft import Draft, draft_of
from dagbook.runner.core.check import check
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.formats.notebook import read_notebook
from tests.conftest import write_notebook


@pytest.fixture
def draft(shell: InteractiveShell, run: Any) -> Draft:
    return draft_of(shell)


def refusal(ran: Any) -> PipelineError:
    """The PipelineError of a cell, of which nothing but its own words was shown."""
    assert isinstance(ran.error, PipelineError), ran.text
    assert ran.text.strip() == str(ran.error).strip()
    assert "Traceback" not in ran.text
    return ran.error


def test_load_tells_what_to_type_next_and_loads_once(shell: InteractiveShell, run: Any) -> None:
    before = len(shell.input_transformers_cleanup)
    ran = run("%reload_ext dagbook")
    assert ran.error is None
    assert len(shell.input_transformers_cleanup) == before


def test_a_node_is_kept_and_shown_with_a_handle(run: Any, draft: Draft) -> None:
    run("%%pipeline_node prepare\nprint(1)", "a")
    ran = run("%%pipeline_node 'Train <b>' --after prepare --grid lr=0.1,0.01 depth=3,5\nprint(lr, depth)", "b")
    assert ran.text == "○ Train <b> · defined · after prepare · lr × depth: 4 runs (2 × 2)"
    (shown,) = ran.shown
    assert shown.metadata == {"dagbook": {"node": "Train <b>"}}
    assert "<b>Train &lt;b&gt;</b>" in shown.data["text/html"]
    assert "Train <b>" not in shown.data["text/html"]
    assert draft.handle_of("Train <b>") == "dagbook-node-train_b"
    assert draft.handle_of("nobody") is None
    assert draft.titles() == ["prepare", "Train <b>"]


def test_a_mistake_in_a_magic_says_as_what_its_cell_ran(shell: InteractiveShell, run: Any) -> None:
    with capture_output():
        shell.run_cell("1", store_history=True)  # type: ignore[no-untyped-call]
        result = shell.run_cell("%%pipeline_node a --afer b\n1", store_history=True)  # type: ignore[no-untyped-call]
    assert str(result.error_in_exec).startswith("In[2], line 1\n  E-MAGIC-ARG: there is no option --afer")


def test_the_body_of_a_node_does_not_run_in_the_notebook(shell: InteractiveShell, run: Any) -> None:
    run("%%pipeline_node a\nleft_behind = 1", "a")
    assert "left_behind" not in shell.user_ns


def test_M4_running_the_same_cell_again_replaces_its_node_in_place(run: Any, draft: Draft) -> None:
    run("%%pipeline_node a\n1", "x")
    run("%%pipeline_node b\n1", "y")
    assert "replaced" in run("%%pipeline_node a\n2", "x").text
    assert "replaced" not in run("%%pipeline_node a\n2", "x").text
    assert [node.source.strip() for node in draft.nodes()] == ["2", "1"]
    assert 'replaces "a"' in run("%%pipeline_node a2\n2", "x").text
    assert draft.titles() == ["a2", "b"]


def test_M4_the_same_title_from_another_cell_is_refused_until_the_first_is_forgotten(run: Any, draft: Draft) -> None:
    run("%%pipeline_node a\n1", "x")
    error = refusal(run("%%pipeline_node a\n2", "y"))
    (found,) = error.problems
    assert found.code == "E-NODE-DUP"
    assert found.hint.endswith('%pipeline --forget "a"')
    assert [node.source.strip() for node in draft.nodes()] == ["1"]
    assert run('%pipeline --forget "a"', "z").error is None
    assert run("%%pipeline_node a\n2", "y").error is None
    assert [node.source.strip() for node in draft.nodes()] == ["2"]


def test_N1_another_title_with_the_same_folder_is_refused(run: Any) -> None:
    run("%%pipeline_node 'Train Model'\n1", "x")
    (found,) = refusal(run("%%pipeline_node train_model\n2", "y")).problems
    assert found.code == "E-NAME-COLLIDES"
    assert "/input/train_model" in found.message


def test_M4_without_cell_ids_a_person_may_run_a_cell_again(run: Any, draft: Draft) -> None:
    run("%%pipeline_node a\n1")
    assert "replaces the node of In[" in run("%%pipeline_node a\n2").text
    run("%%pipeline_node b\n2")
    assert draft.titles() == ["a", "b"]


def test_two_notebook_nodes_of_one_cell_are_both_kept(run: Any, draft: Draft, tmp_path: Path) -> None:
    (tmp_path / "n.ipynb").write_text('{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}')
    both = "%pipeline_notebook one --path n.ipynb\n%pipeline_notebook two --path n.ipynb --after one"
    assert run(both, "x").error is None
    assert draft.titles() == ["one", "two"]
    assert run(both, "x").error is None
    assert draft.titles() == ["one", "two"]
    assert run("%pipeline_notebook two --path n.ipynb", "x").error is None
    assert draft.titles() == ["two"]
    twice = "%pipeline_notebook t --path n.ipynb\n%pipeline_notebook t --path n.ipynb"
    assert "in the same cell" in str(refusal_of_second(run(twice, "y")))


def refusal_of_second(ran: Any) -> PipelineError:
    assert isinstance(ran.error, PipelineError)
    return ran.error


BAD = [
    ("%%pipeline_node\n1", "E-MAGIC-USAGE", 1),
    ("%%pipeline_node a --parms x\n1", "E-MAGIC-ARG", 1),
    ("%%pipeline_node a --param p=C:\\new\n1", "E-MAGIC-ARG", 1),
    ("%%pipeline_node a\nx = (", "E-SYNTAX", 2),
    ("%%pipeline_node a\n\ninput()", "E-STDIN", 3),
    ("%%pipeline_node a\n1\n%%pipeline_node b\n2", "E-MAGIC-PLACE", 3),
    ("%%pipeline_node a\n%%bash\nls", "E-MAGIC-PLACE", 2),
    ("%%pipeline_noed a\n1", "E-MAGIC-UNKNOWN", 1),
    ("%%pipline_node a\n1", "E-MAGIC-UNKNOWN", 1),
    ("%pipeline_rum", "E-MAGIC-UNKNOWN", 1),
    ("x = 1\n%%pipeline_node a\n1", "E-MAGIC-PLACE", 2),
    ("%pipeline_notebook a --path none.ipynb", "E-FILE-MISSING", None),
    ("%%pipeline_node a --requirements none.txt\n1", "E-FILE-MISSING", None),
    ("%pipeline a b", "E-MAGIC-ARG", None),
    ("%pipeline --forget nobody", "E-NODE-UNKNOWN", None),
    ("%%pipeline_shared --x\n1", "E-MAGIC-ARG", None),
    ("%%pipeline_shared\nx = (", "E-SYNTAX", 2),
    ("%%pipeline_node a --image 'x y'\n1", "E-IMAGE-REF", 1),
]


@pytest.mark.parametrize(("source", "code", "line"), BAD)
def test_M1_M7_bad_cells_show_only_the_message_and_store_nothing(
    run: Any, draft: Draft, source: str, code: str, line: int | None
) -> None:
    (found,) = refusal(run(source, "x")).problems
    assert (found.code, found.place.line) == (code, line)
    assert (draft.titles(), draft.shared(), draft.name) == ([], [], None)


def test_M6_variables_of_the_notebook_are_not_put_into_the_line(
    shell: InteractiveShell, run: Any, draft: Draft
) -> None:
    shell.user_ns["x"] = "EXPANDED"
    run("%%pipeline_node a --param p=$x q={x}\n1", "a")
    run("%pipeline churn --env A={x}", "b")
    assert draft.nodes()[0].params == {"p": "$x", "q": "{x}"}
    assert draft.to_pipeline().defaults.env == {"A": "{x}"}


def test_warnings_are_shown_below_the_status_line(run: Any) -> None:
    ran = run("%%pipeline_node a\nprint(df)", "a")
    assert ran.error is None
    assert ran.text.startswith("○ a · defined\nW-FREE-NAME: df is defined nowhere")


def test_shared_code_runs_here_and_in_the_nodes(shell: InteractiveShell, run: Any, draft: Draft) -> None:
    ran = run("%%pipeline_shared\nimport os\ndef helper():\n    return 1\nfiles = !echo hi\n", "s")
    assert ran.error is None, ran.text
    assert shell.user_ns["helper"]() == 1
    assert list(shell.user_ns["files"]) == ["hi"]
    assert "W-FREE-NAME" not in run("%%pipeline_node a\nprint(helper())", "a").text
    run("%%pipeline_shared --nodes-only\nonly_there = 1", "t")
    assert "only_there" not in shell.user_ns
    assert len(draft.shared()) == 2
    run("%%pipeline_shared\nimport sys\n", "s")
    assert draft.shared() == ["import sys", "only_there = 1"]


def test_shared_code_that_fails_shows_the_users_line_and_is_not_kept(run: Any, draft: Draft) -> None:
    ran = run("%%pipeline_shared\nx = 1\n1 / 0", "s")
    assert isinstance(ran.error, ZeroDivisionError)
    assert "line 3" in ran.text
    assert "magics.py" not in ran.text
    assert draft.shared() == []


def test_parameters_are_taken_from_the_notebooks_variables(shell: InteractiveShell, run: Any, draft: Draft) -> None:
    run("%%pipeline_node a --param epochs\nprint(epochs)", "a")
    with pytest.raises(PipelineError) as missing:
        draft.to_pipeline({"epoch": 3})
    (found,) = missing.value.problems
    assert (found.code, found.place.node) == ("E-PARAM-MISSING", "a")
    assert 'Did you mean "epoch"?' in found.hint
    with pytest.raises(PipelineError, match="E-PARAM-TYPE"):
        draft.to_pipeline({"epochs": {1}})
    run("epochs = 5", "b")
    assert draft.to_pipeline(shell.user_ns).parameters == {"epochs": 5}


def test_values_of_numpy_become_plain(run: Any, draft: Draft) -> None:
    numpy = pytest.importorskip("numpy")
    run("%%pipeline_node a --param lr\nprint(lr)", "a")
    value = draft.to_pipeline({"lr": numpy.float64(0.5)}).parameters["lr"]
    assert type(value) is float


def test_secrets_of_a_pipeline_are_told_by_name(run: Any, draft: Draft) -> None:
    ran = run("%pipeline churn --secret hub T=vault:token --retries 2", "p")
    assert ran.text == "● churn · retries 2 · secret hub, vault:token"


def test_the_draft_makes_a_sound_pipeline_and_can_be_reset(run: Any, draft: Draft) -> None:
    ran = run("%pipeline churn --image python:3.12 --retries 2 --env SECRET=hush", "p")
    assert ran.text == "● churn · image python:3.12 · retries 2 · env SECRET"
    run("%%pipeline_node b --after a\n1", "b")
    run("%%pipeline_command a\necho", "a")
    made = draft.to_pipeline()
    assert check(made) == []
    assert (made.name, made.defaults.image, [str(node.kind) for node in made.nodes]) == (
        "churn",
        "python:3.12",
        ["cell", "command"],
    )
    run("%pipeline --reset", "p")
    assert (draft.titles(), draft.name) == ([], None)


def test_question_mark_shows_the_help_made_from_the_table(run: Any) -> None:
    text = run("%%pipeline_node?").text
    assert "usage: %%pipeline_node TITLE" in text
    assert "--after TITLE" in text


def test_asking_whether_a_mistyped_cell_is_complete_is_no_error(shell: InteractiveShell, run: Any) -> None:
    assert shell.input_transformer_manager.check_complete("x = 1\n%%pipeline_noed a\n")[0] in ("complete", "invalid")


def test_nodes_of_a_live_notebook_are_those_of_its_file(run: Any, draft: Draft, tmp_path: Path) -> None:
    """To the letter: otherwise what `dagbook run FILE` did would be done again in the notebook."""
    cells = ("%%pipeline_shared\nimport math", "%%pipeline_node a\nprint(math.pi)", "%%pipeline_command b\necho hi")
    for source in cells:
        assert run(source).error is None
    live = draft.to_pipeline()
    filed = read_notebook(write_notebook(tmp_path / "flow.ipynb", *cells)).pipeline
    assert live.shared == filed.shared
    assert [(node.title, node.source) for node in live.nodes] == [(node.title, node.source) for node in filed.nodes]
