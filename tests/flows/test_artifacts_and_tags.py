"""What a node sees of those before it, on real runs: files, variables, tags, references (rows 22-31)."""

from __future__ import annotations

import pytest

from tests.flows.conftest import MakeFlow
from tests.flows.flow import Ended, Flow

TASK_A = """\
%%pipeline_node "Task A" --param epochs=3
import os, subprocess, dagbook
open("output.txt", "w").write("from A")
os.makedirs("deep/er")
open("deep/er/weights.bin", "w").write("0101")
dagbook.log_tag("model accuracy", 0.93)
dagbook.log_param("route", "1,2,3")
for step in range(epochs):
    dagbook.log_metric("loss", 1 / (step + 1), step)
print("cnvrg_tag_from print: 7")
subprocess.run(["sh", "-c", "echo cnvrg_tag_child: deep"], check=True)
os.write(1, b"dagbook_tag_raw: 1.5\\n")
"""
PROCESSING = """\
%%pipeline_command "Processing the Data" --param seed=5
echo row > rows.csv
echo cnvrg_tag_rows: 100
env > env.txt
"""
BOTH = """\
%%pipeline_command "Best [of] both" --after "Task A" "Processing the Data" \
--param "accuracy={{ Task A.model accuracy }}" --param "spaced={ { Task A.model accuracy } }" \
--env "NOTE={{ Processing the Data.rows }} rows"
env > env.txt
cat /input/task_a/output.txt "$INPUT_PROCESSING_THE_DATA/rows.csv" > both.txt
(cd /input && find . -type f | sort) > files.txt
echo '{{ Task A.route }}' > script.txt
cat > refused.txt 2>&1 <<END
$( (echo changed > /input/task_a/output.txt) 2>&1 )
END
"""
LAST = """\
%%pipeline_command last --after "Best [of] both" --param "far={{ Task A.model accuracy }}"
env > env.txt
ls /input > seen.txt
"""


@pytest.fixture(scope="module", params=["process", pytest.param("docker", marks=pytest.mark.container)])
def ended(request: pytest.FixtureRequest, shared_flow: MakeFlow) -> Ended:
    """The four nodes, run once on each executor."""
    return shared_flow(TASK_A, PROCESSING, BOTH, LAST).run(executor=request.param)


def test_row_22_all_artifacts_of_each_node_before_are_there_and_of_no_other(ended: Ended) -> None:
    files = ["./processing_the_data/env.txt", "./processing_the_data/rows.csv"]
    files += ["./task_a/deep/er/weights.bin", "./task_a/output.txt"]
    assert ended.lines("best_of_both", "files.txt") == files
    assert ended.lines("last", "seen.txt") == ["best_of_both"]


def test_row_22_what_came_before_cannot_be_changed(ended: Ended) -> None:
    assert "ead-only" in ended.text("best_of_both", "refused.txt")
    assert ended.text("task_a", "output.txt") == "from A"


def test_rows_23_24_folder_and_variable_are_named_after_the_title(ended: Ended) -> None:
    seen = ended.environment("best_of_both")
    inputs = {name: value for name, value in seen.items() if name.startswith("INPUT_")}
    assert inputs == {
        "INPUT_TASK_A": "/input/task_a",
        "INPUT_PROCESSING_THE_DATA": "/input/processing_the_data",
    }
    assert ended.environment("last")["INPUT_BEST_OF_BOTH"] == "/input/best_of_both"


def test_row_25_a_file_written_by_a_relative_path_is_read_by_the_next_node(ended: Ended) -> None:
    assert ended.lines("best_of_both", "both.txt") == ["from Arow"]


def test_row_26_a_nodes_own_parameters_are_variables(ended: Ended) -> None:
    seen = ended.environment("processing_the_data")
    assert (seen["CNVRG_TAG_SEED"], seen["DAGBOOK_TAG_SEED"]) == ("5", "5")


TAGS = {
    "MODEL_ACCURACY": "0.93",
    "ROUTE": "1,2,3",
    "EPOCHS": "3",
    "LOSS": "0.3333333333333333",
    "FROM_PRINT": "7",
    "CHILD": "deep",
    "RAW": "1.5",
}


@pytest.mark.parametrize("prefix", ["CNVRG", "DAGBOOK"])
def test_row_27_tags_and_parameters_of_the_nodes_before_are_variables(ended: Ended, prefix: str) -> None:
    """Rows 27 and 134: upper case, spaces to _; of the nodes right before, on this route."""
    head = f"{prefix}_TASK_A_"
    seen = ended.environment("best_of_both")
    assert {name.removeprefix(head): value for name, value in seen.items() if name.startswith(head)} == TAGS
    assert seen[f"{prefix}_PROCESSING_THE_DATA_ROWS"] == "100"
    assert not [name for name in ended.environment("last") if name.startswith(head)]


def test_rows_28_133_references_take_the_tag_in_parameters_environment_and_script(ended: Ended) -> None:
    """Of a node further up, too, and with its type."""
    assert ended.runs["best_of_both"]["params"] == {"accuracy": 0.93, "spaced": 0.93}
    assert ended.environment("best_of_both")["NOTE"] == "100 rows"
    assert ended.text("best_of_both", "script.txt") == "1,2,3"
    assert ended.runs["last"]["params"] == {"far": 0.93}


def test_rows_29_30_tags_are_made_by_the_helper_and_by_lines_on_standard_output(ended: Ended) -> None:
    """Printed by the kernel, a child process, or straight to the descriptor; with both prefixes."""
    tags = ended.runs["task_a"]["tags"]
    wanted = {"model accuracy": 0.93, "route": "1,2,3", "from print": 7, "child": "deep", "raw": 1.5, "epochs": 3}
    assert {name: tags.get(name) for name in wanted} == wanted


def test_row_31_parameters_tags_and_metrics_are_kept_with_the_run(ended: Ended) -> None:
    run = ended.runs["task_a"]
    assert run["params"] == {"epochs": 3}
    assert run["metrics"] == {"loss": [[0, 1.0], [1, 0.5], [2, pytest.approx(1 / 3)]]}
    assert run["tags"]["loss"] == pytest.approx(1 / 3)


def test_row_31_a_run_is_shown_with_its_parameters_and_tags(flow: MakeFlow) -> None:
    made = flow("%%pipeline_command train --grid lr=0.1,0.2\necho cnvrg_tag_accuracy: 0.9$CNVRG_TAG_LR")
    made.run()
    shown = made.say("show").out
    assert "train [lr=0.1]" in shown
    assert "accuracy=0.9" in shown


# P-7: references that lead nowhere

BEFORE = "%%pipeline_command \"Task A\" --grid n=1,2\necho 'cnvrg_tag_model accuracy: 1'"
WRONG = [
    pytest.param("{{ Tsak A.x }}", "E-REF-TASK", '"Task A"', id="unknown task"),
    pytest.param("{{ next.x }}", "E-REF-UPSTREAM", "is the node itself", id="itself"),
    pytest.param("{{ later.x }}", "E-REF-UPSTREAM", "does not come before it", id="downstream"),
    pytest.param("{{ Task A.x", "E-REF-SYNTAX", "not closed", id="unclosed"),
    pytest.param("{{ {{ Task A.x }} }}", "E-REF-SYNTAX", "none inside another", id="nested"),
    pytest.param("{{ Task A.x | hyperx }}", "E-REF-FILTER", '"hyper"', id="hyperx"),
]


@pytest.mark.parametrize(("text", "code", "told"), WRONG)
def test_P7_a_reference_that_leads_nowhere_is_refused_before_anything_runs(
    flow: MakeFlow, text: str, code: str, told: str
) -> None:
    """The message has the code, the node and its cell."""
    made = flow(BEFORE, f'%%pipeline_command next --after "Task A" --param "x={text}"\n:', LATER)
    said = made.refused()
    assert code in said
    assert "cell 3" in said
    assert "next" in said
    assert told in said


LATER = "%%pipeline_command later --after next\n:"
PLACES = [
    pytest.param('--param "x={{ Task A.modle accuracy }}"', ":", id="param"),
    pytest.param('--env "X={{ Task A.modle accuracy }}"', ":", id="env"),
    pytest.param("", "echo {{ Task A.modle accuracy }}", id="script"),
]


@pytest.mark.parametrize(("words", "script"), PLACES)
def test_P7_an_unknown_tag_fails_the_node_when_it_would_start(flow: MakeFlow, words: str, script: str) -> None:
    """Known only then; node and route are named, the nearest tag told, and no attempt was made."""
    made = flow(BEFORE, f'%%pipeline_command next --after "Task A" {words}\n{script}', LATER)
    ended = made.run(code=1)
    assert ended.states == {
        "task_a#1": "succeeded",
        "task_a#2": "succeeded",
        "next#1": "failed",
        "next#2": "failed",
        "later#1": "upstream_failed",
        "later#2": "upstream_failed",
    }
    failed = ended.runs["next#2"]
    assert failed["attempts"] == 0
    assert failed["reason"].startswith('E-REF-TAG: "Task A" (task_a#2) logged no tag "modle accuracy"')
    assert 'Did you mean "model accuracy"?' in failed["reason"]
    assert not list(made.store.glob("runs/*/next*"))
    assert "E-REF-TAG" in made.say("show").out


# names that clash


def test_N6_two_parameters_that_become_one_variable_are_refused(flow: MakeFlow) -> None:
    made = flow(
        "%%pipeline_command a_b --param c=1\n:",
        "%%pipeline_command a --param b_c=2\n:",
        "%%pipeline_command join --after a_b a\n:",
    )
    said = made.refused()
    assert "E-ENV-COLLIDES" in said
    assert all(word in said for word in ("CNVRG_A_B_C", '"a_b"', '"a"', "join"))


def test_N6_two_tags_that_become_one_variable_leave_it_unset_with_a_warning(flow: MakeFlow) -> None:
    made = flow(
        "%%pipeline_command a_b\necho cnvrg_tag_c: 1",
        "%%pipeline_command a\necho cnvrg_tag_b_c: 2",
        "%%pipeline_command join --after a_b a\nenv > env.txt",
    )
    ended = made.run()
    assert "CNVRG_A_B_C" not in ended.environment("join")
    assert any("CNVRG_A_B_C is left unset" in one for one in ended.runs["join"]["warnings"])


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("--env PATH=/x", "E-ENV-RESERVED"),
        ("--env LD_PRELOAD=x", "E-ENV-RESERVED"),
        ("--env PYTHONSTARTUP=x", "E-ENV-RESERVED"),
        ("--env INPUT_X=1", "E-ENV-RESERVED"),
        ("--env CNVRG_TASKS_PASSED_CONDITION=1", "E-ENV-RESERVED"),
        ("--env 1X=1", "E-ENV-NAME"),
        ("--env a-b=1", "E-ENV-NAME"),
        ("--param 1x=1", "E-PARAM-NAME"),
    ],
)
def test_N7_reserved_and_impossible_names_are_refused(flow: MakeFlow, words: str, code: str) -> None:
    said = flow(f"%%pipeline_command only {words}\n:").refused()
    assert code in said
    assert words.split()[1].split("=")[0] in said
    assert "cell 2" in said


def test_N7_a_tag_named_like_a_system_variable_changes_none(flow: MakeFlow) -> None:
    """Tags get a prefix, so PATH stays; a name that the system gives itself is left to it."""
    made = flow(
        "%%pipeline_command a\necho cnvrg_tag_PATH: /x\necho cnvrg_tag_passed condition: false\necho 'cnvrg_tag_!: 1'",
        "%%pipeline_command next --after a\nenv > env.txt",
    )
    ended = made.run()
    seen = ended.environment("next")
    assert seen["CNVRG_A_PATH"] == "/x"
    assert "/bin" in seen["PATH"]
    assert "CNVRG_A_PASSED_CONDITION" not in seen
    assert any("CNVRG_A_PASSED_CONDITION is left unset" in one for one in ended.runs["next"]["warnings"])


def test_N5_long_titles(flow: MakeFlow) -> None:
    """100 characters run; more are refused; no path or name of a container grows with them."""
    long = "a" * 100
    ended = flow(f"%%pipeline_command {long}\n:", f"%%pipeline_command b --after {long}\nls /input > l.txt").run()
    assert ended.text("b", "l.txt") == long


@pytest.mark.parametrize("length", [101, 256, 1_000, 10_000])
def test_N5_longer_titles_are_refused(flow: MakeFlow, length: int) -> None:
    said = flow(f"%%pipeline_command {'a' * length}\n:").refused()
    assert "E-NAME-LONG" in said
    assert str(length) in said
    assert len(said) < 1_000


@pytest.mark.container
def test_N5_a_title_of_100_characters_runs_in_a_container(flow: MakeFlow) -> None:
    made: Flow = flow(f"%%pipeline_node {'b' * 100}\nopen('x.txt', 'w').write('1')")
    assert made.run(executor="docker").text("b" * 100, "x.txt") == "1"
