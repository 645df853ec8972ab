"""`dagbook.Pipeline` before it runs: what its methods make, where mistakes are told, drawing, writing, reading back."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import dagbook
from dagbook.runner.core.edge import Port
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.model import Kind


def prepare(harbor: str, size: int = 3) -> None:
    print(harbor, size)  # noqa: T201


def train(epochs, lr):  # type: ignore[no-untyped-def]
    return {"score": epochs * lr}


@pytest.fixture
def flow(tmp_path: Path) -> dagbook.Pipeline:
    return dagbook.Pipeline("harbors", parameters={"epochs": 3}, folder=tmp_path, shared="import os")


def line_here() -> int:
    """The line of the caller."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def test_row_102_code_builds_a_pipeline_whose_number_of_nodes_follows_values(flow: dagbook.Pipeline) -> None:
    """And a last node that is linked to all of them (row 103)."""
    harbors, epochs = ("aalborg", "oslo", "tallinn"), (1, 5)
    trainings = []
    for harbor in harbors:
        ready = flow.node(f"Preprocess {harbor}", prepare, params={"harbor": harbor})
        for count in epochs:
            title = f"Train {harbor} {count}"
            trainings.append(flow.node(title, train, after=ready, params={"epochs": count, "lr": 0.1}))
    flow.node("Predict", "pass", after=trainings)
    assert len(flow.nodes) == 3 + 3 * 2 + 1
    assert flow.plan().node_run_count == 10
    assert len(flow.nodes[-1].after) == 6


def test_a_node_of_a_function_takes_parameters_from_where_they_are_said(flow: dagbook.Pipeline) -> None:
    """By the node, an edge, the pipeline, a default, in this order; settled when the pipeline is known."""
    flow.node("Preprocess", prepare, params={"harbor": "oslo"})
    flow.node("Train", train)
    with pytest.raises(PipelineError, match="train has no value for its argument 'lr'"):
        _ = flow.model
    flow.edge("Preprocess.metadata.rate", "Train.parameter.lr")
    first, second = flow.model.nodes
    assert first.params == {"harbor": "oslo", "size": 3}
    assert (second.params, second.uses) == ({}, ("epochs",))
    assert second.source.endswith("dagbook.returned(train(epochs=epochs, lr=lr))")
    assert flow.model.parameters_of(second) == {"epochs": 3, "lr": "{{ Preprocess.rate }}"}


def test_every_kind_of_node_can_be_added(flow: dagbook.Pipeline, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    flow.data("images", "data", left=10)
    flow.data("table", "https://example.org/t.csv", pin="a" * 64)
    flow.data("models", artifacts=["10c7e5ad/train", "10c7e5ad/train#2"])
    flow.command("list", "ls /data/images", after="images")
    flow.notebook("score", Path("score.ipynb"), after="list", params={"n": 1})
    flow.node("text", "print(1)", after="score")
    flow.add(dagbook.Node(title="model", source="pass", after=("text",)))
    made = {node.title: node for node in flow.model.nodes}
    kinds = [node.kind for node in made.values()]
    assert kinds == [Kind.DATA, Kind.DATA, Kind.DATA, Kind.COMMAND, Kind.NOTEBOOK, Kind.CELL, Kind.CELL]
    assert (made["images"].path, made["images"].left) == ("data", 10)
    assert (made["table"].url, made["table"].pin) == ("https://example.org/t.csv", "a" * 64)
    assert made["models"].artifacts == ("10c7e5ad/train", "10c7e5ad/train#2")
    assert made["score"].path == "score.ipynb"
    assert all(node.defined for node in made.values())
    assert flow.model.shared == ("import os",)


def test_edges_are_those_of_pipeline_edge(flow: dagbook.Pipeline) -> None:
    edge = flow.edge("Preprocess.output.*.csv", "Train.input.table", optional=True)
    assert (edge.source_port, edge.source_key, edge.target_key, edge.optional) == (Port.OUTPUT, "*.csv", "table", True)
    with pytest.raises(PipelineError, match="E-EDGE-KIND") as caught:
        flow.edge("Preprocess.outptu.x", "Train.input.table")
    assert caught.value.problems[0].place.line == line_here() - 1


SOURCES: list[tuple[dict[str, Any], str]] = [
    ({}, "nothing says where the data is"),
    ({"source": "a", "artifacts": ["10c7e5ad/a"]}, "the data has two sources"),
    ({"source": 3}, "3 is no path and no URL"),
    ({"artifacts": []}, "there is no node run in artifacts"),
    ({"artifacts": ["latest/train"]}, "does not name what a node run left"),
    ({"artifacts": [3]}, "3 is no node run"),
    ({"source": "a", "pin": "abc"}, "'abc' is not a sha256"),
]


@pytest.mark.parametrize(("said", "message"), SOURCES, ids=[message for _, message in SOURCES])
def test_data_has_one_source(flow: dagbook.Pipeline, said: dict[str, Any], message: str) -> None:
    with pytest.raises(PipelineError) as caught:
        flow.data("data", **said)
    assert message in str(caught.value)
    assert caught.value.problems[0].hint


def test_a_title_is_given_once(flow: dagbook.Pipeline) -> None:
    flow.node("Train it", "pass")
    first = line_here() - 1
    with pytest.raises(PipelineError, match=f"E-NODE-DUP(.|\n)*test_pipeline.py, line {first}"):
        flow.node("Train it", "pass")
    with pytest.raises(PipelineError, match="E-NAME-COLLIDES"):
        flow.node("train-it", "pass")


def test_a_cell_of_a_notebook_that_runs_again_replaces_its_nodes(shell: InteractiveShell) -> None:
    """Twice in one cell is a mistake all the same."""

    def run(source: str) -> Any:
        return shell.run_cell(source, store_history=True)  # type: ignore[no-untyped-call]

    run("import dagbook\nflow = dagbook.Pipeline('p')\nflow.node('b', 'pass')").raise_error()
    run("n = flow.node('a', 'x = 1', after='b')").raise_error()
    run("n = flow.node('a', 'x = 2', after='b')").raise_error()
    flow = shell.user_ns["flow"]
    assert [(node.title, node.source) for node in flow.nodes] == [("b", "pass"), ("a", "x = 2")]
    assert flow.nodes[1].defined.file == "In[3]"
    with pytest.raises(PipelineError, match="E-NODE-DUP"):
        run("for _ in range(2):\n    flow.node('c', 'pass')").raise_error()


def test_a_function_of_a_notebooks_cell_is_found_there(shell: InteractiveShell) -> None:
    for source in (
        "import dagbook\nflow = dagbook.Pipeline('p')",
        "def work(n):\n    return {'n': missing}",
        "flow.node('a', work, params={'n': 1})",
    ):
        shell.run_cell(source, store_history=True).raise_error()  # type: ignore[no-untyped-call]
    (found,) = shell.user_ns["flow"].check()
    assert (found.code, found.place.file, found.place.line) == ("W-FREE-NAME", "In[2]", 2)
    assert shell.user_ns["flow"].nodes[0].defined.file == "In[3]"


def test_mistakes_are_told_with_the_line_that_they_stand_in(flow: dagbook.Pipeline) -> None:
    """Of the pipeline as a whole: the call; of code: the line in it."""
    flow.node("a", "pass", after="Preproces")
    call = line_here() - 1
    flow.node(
        "b",
        """
        import os
        prnt(os.getcwd())
        """,
    )
    body = line_here() - 3
    found = {one.code: one for one in flow.problems()}
    assert found["E-EDGE-UNKNOWN"].place.line == call
    assert (found["W-FREE-NAME"].place.line, found["W-FREE-NAME"].place.node) == (body, "b")
    assert "Pipeline(shared=...)" in found["W-FREE-NAME"].hint
    with pytest.raises(PipelineError, match="E-EDGE-UNKNOWN"):
        flow.check()
    with pytest.raises(PipelineError, match="E-EDGE-UNKNOWN"):
        flow.start()


def test_code_that_stands_nowhere_is_told_at_the_call(flow: dagbook.Pipeline) -> None:
    flow.node("a", "\n".join(["x = 1", "y ="]))
    (found,) = flow.problems()
    assert (found.code, found.place.line) == ("E-SYNTAX", line_here() - 2)


def test_files_that_are_not_there_are_told(flow: dagbook.Pipeline) -> None:
    flow.data("images", "data/imgaes")
    flow.node("a", "pass", requirements="reqs.txt")
    assert [one.code for one in flow.problems() if one.is_error] == ["E-FILE-MISSING", "E-FILE-MISSING"]


def test_functions_are_shared_code_too(tmp_path: Path) -> None:
    flow = dagbook.Pipeline("p", folder=tmp_path, shared=["import os", prepare])
    flow.node("a", "prepare(os.getcwd())")
    assert flow.model.shared[1].startswith("from __future__ import annotations\ndef prepare(")
    assert flow.check() == []


def test_what_is_no_code_is_refused(flow: dagbook.Pipeline) -> None:
    with pytest.raises(PipelineError, match="3 is no code"):
        flow.node("a", 3)  # type: ignore[arg-type]
    with pytest.raises(PipelineError, match=r"'a-' cannot|E-PARAM-NAME"):
        dagbook.Pipeline("p", parameters={"a-": 1})
    with pytest.raises(PipelineError, match="E-NAME-CHARS"):
        dagbook.Pipeline("a/b")


def test_a_plan_tells_what_would_run(flow: dagbook.Pipeline) -> None:
    """With the words of a run: a mistyped one is told, and a value of a node by NODE.NAME is taken."""
    flow.node("Preprocess", prepare, params={"harbor": "oslo"})
    flow.node("Train", train, after="Preprocess", grid={"lr": [0.1, 0.2]})
    plan = flow.plan(epochs=7, parameters={"Preprocess.size": 4})
    assert (plan.node_run_count, plan.route_count, list(plan.unknown)) == (3, 2, [])
    assert [(step.node, step.state) for step in plan.steps] == [
        ("Preprocess", "run"),
        ("Train", "run"),
        ("Train", "run"),
    ]
    assert plan.steps[0].params == {"harbor": "oslo", "size": 4}
    assert plan.steps[1].params == {"epochs": 7, "lr": 0.1}
    assert "Train ×2" in str(plan)
    with pytest.raises(PipelineError, match='Did you mean "epochs"'):
        flow.plan(epoch=7)


def test_it_is_drawn_as_text_mermaid_and_svg(flow: dagbook.Pipeline) -> None:
    flow.node("Preprocess", prepare, params={"harbor": "oslo"})
    flow.node("Train", train, after="Preprocess", grid={"lr": [0.1, 0.2]})
    assert "Train ×2" in flow.graph()
    assert flow.graph("mermaid").startswith(("flowchart", "graph"))
    assert flow.graph("svg").startswith("<svg")
    assert flow._repr_mimebundle_()["image/svg+xml"] == flow.graph("svg")
    with pytest.raises(PipelineError, match="there is no drawing 'png'"):
        flow.graph("png")  # type: ignore[arg-type]
    assert repr(flow) == "<Pipeline harbors: 2 nodes>"


@pytest.mark.parametrize("name", ["flow.yaml", "flow.ipynb"])
def test_what_is_written_is_read_back_and_can_be_built_on(flow: dagbook.Pipeline, tmp_path: Path, name: str) -> None:
    flow.node("Preprocess", prepare, params={"harbor": "oslo"})
    flow.node("Train", train, after="Preprocess", grid={"lr": [0.1, 0.2]}, memory="2g")
    flow.edge("Preprocess.output.*", "Train.input.table")
    read = dagbook.read(flow.write(tmp_path / name))
    plain = {"defined", "code_at", "cell", "cell_id"}
    wanted = [node.model_dump(exclude=plain) for node in flow.model.nodes]
    assert [node.model_dump(exclude=plain) for node in read.model.nodes] == wanted
    assert (read.name, read.parameters, read.model.edges) == ("harbors", flow.parameters, flow.model.edges)
    read.node("Report", "pass", after="Train")
    assert read.plan(epochs=9).node_run_count == 5
    assert read.folder == tmp_path


def test_only_formats_that_commands_read_are_written(flow: dagbook.Pipeline, tmp_path: Path) -> None:
    with pytest.raises(PipelineError, match=r"Let its name end in \.yaml or \.ipynb"):
        flow.write(tmp_path / "flow.txt")


def test_files_with_mistakes_and_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("dagbook: 1\nname: p\nnodes:\n- titel: a\n")
    with pytest.raises(PipelineError, match="titel"):
        dagbook.read(tmp_path / "bad.yaml")
    with pytest.raises(PipelineError, match="E-FILE-MISSING"):
        dagbook.read(tmp_path / "none.ipynb")


def test_a_node_prints_what_was_said_of_it_and_no_more(flow: dagbook.Pipeline) -> None:
    assert repr(flow.node("a", "pass", memory="2g")).startswith("Node(title='a', source='pass', memory=2147483648, def")
