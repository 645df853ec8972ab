"""Building by hand: what the forms say is text that is read back as what was meant."""

from __future__ import annotations

import re
import threading
from typing import Any

import pytest

from dagbook.extension.building import Building, result_html
from dagbook.extension.building_forms import STEP, without_secrets
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.errors import PipelineError, problem
from dagbook.runner.core.model import Kind, Node, Pipeline
from dagbook.runner.core.routes import count
from dagbook.runner.formats.cells import parse_edge, parse_node
from dagbook.runner.formats.edited import Link, changed, connected, moved, with_node, words_of
from dagbook.runner.formats.node_yaml import node_from_yaml

PREPARE = parse_node("pipeline_node", "prepare --param rows=10", "x = 1\n", 2, "c2")
TRAIN = parse_node(
    "pipeline_node", '"Train model" --after prepare --grid lr=0.1,0.01 --param epochs=3 "a=b c"', "fit()\n"
)
PIPELINE = Pipeline(name="churn", nodes=(PREPARE, TRAIN))


# the text


def test_a_new_node_is_told_as_a_cell() -> None:
    edited = with_node(PIPELINE, Kind.COMMAND, "report", ["Train model"], {"--param": ["note=two words"]})
    assert edited.text == '%%pipeline_command report --after "Train model" --param "note=two words"\necho hello\n'
    assert edited.findings == ()
    assert edited.pipeline.nodes[-1].after == ("Train model",)


def test_a_title_that_is_there_already_is_found() -> None:
    assert [found.code for found in with_node(PIPELINE, Kind.CELL, "prepare").findings] == ["E-NODE-DUP"]


@pytest.mark.parametrize(
    ("kind", "title", "options", "code"),
    [
        (Kind.CELL, "  ", {}, "E-NAME-EMPTY"),
        (Kind.CELL, "a", {"--grid": ["lr"]}, "E-MAGIC-ARG"),
        (Kind.CELL, "a", {"--image": ["A B"]}, "E-IMAGE-REF"),
        (Kind.NOTEBOOK, "a", {}, "E-MAGIC-USAGE"),
    ],
)
def test_what_means_nothing_is_told_as_in_a_cell(
    kind: Kind, title: str, options: dict[str, list[str]], code: str
) -> None:
    with pytest.raises(PipelineError) as caught:
        with_node(PIPELINE, kind, title, (), options)
    assert [found.code for found in caught.value.problems] == [code]


CANARY = "hunter2hunter2"


def test_secrets_are_dots_in_the_yaml_of_a_node() -> None:
    node = Node(
        title="fit",
        params={"api_token": CANARY, "size": 3},
        grid={"password": [CANARY, "other"]},
        env={"AWS_SECRET_ACCESS_KEY": CANARY, "MODE": "fast"},
        git=f"https://me:{CANARY}@example.org/repository.git@main",
        when=(Condition(objective=Objective.EQ, tag="access_token", target=CANARY),),
    )
    building = Building(Pipeline(nodes=(node,)))
    building.mode.value = "YAML"
    told = shown(building)
    assert "MODE: fast" in told
    assert "size: 3" in told
    assert CANARY not in told
    assert "Dots stand for" in told
    assert without_secrets(TRAIN) == TRAIN


def test_two_nodes_are_connected_in_the_line_of_the_second() -> None:
    alone = Pipeline(nodes=(PREPARE, Node(title="b", cell=4)))
    edited = connected(alone, "prepare", "b", Link.AFTER)
    assert edited.text == "%%pipeline_node b --after prepare"
    assert edited.where.startswith("In cell 4, put this in place of the line that begins with %%pipeline_node")
    assert connected(alone, "prepare", "b", Link.GATHER).text == "%%pipeline_node b --after prepare --gather"


@pytest.mark.parametrize(
    ("link", "keys", "text"),
    [
        (Link.FILES, ("", ""), '%pipeline_edge prepare.output.* "Train model.input.prepare"'),
        (Link.FILES, ("*.csv", "table"), '%pipeline_edge prepare.output.*.csv "Train model.input.table"'),
        (Link.PARAMETER, ("rows", ""), '%pipeline_edge prepare.parameter.rows "Train model.parameter.rows"'),
        (Link.TAG, ("mean", "start"), '%pipeline_edge prepare.metadata.mean "Train model.parameter.start"'),
    ],
)
def test_edges_of_other_kinds_are_lines_of_their_own(link: Link, keys: tuple[str, str], text: str) -> None:
    edited = connected(PIPELINE, "prepare", "Train model", link, *keys)
    assert edited.text == text
    assert edited.pipeline.edges == (parse_edge(text.removeprefix("%pipeline_edge ")),)


def test_a_cycle_is_found_before_anybody_writes_it() -> None:
    edited = connected(PIPELINE, "Train model", "prepare", Link.AFTER)
    assert [found.code for found in edited.findings] == ["E-CYCLE"]
    assert "prepare -> Train model -> prepare" in edited.findings[0].message


@pytest.mark.parametrize(
    ("link", "keys", "code"),
    [
        (Link.TAG, ("", "x"), "E-MAGIC-ARG"),
        (Link.FILES, ("", "a b"), "E-CELL-TEXT"),
        (Link.TAG, ("t", "1"), "E-CELL-TEXT"),
    ],
)
def test_an_edge_that_is_none_is_an_error(link: Link, keys: tuple[str, str], code: str) -> None:
    with pytest.raises(PipelineError) as caught:
        connected(PIPELINE, "prepare", "Train model", link, *keys)
    assert caught.value.problems[0].code == code


def test_changed_parameters_are_told_as_the_line_of_the_cell() -> None:
    words = words_of(TRAIN)
    assert words == {"--param": ["epochs=3", "a=b c"], "--grid": ["lr=0.1,0.01"], "--image": []}
    assert changed(PIPELINE, "Train model", words).where == '"Train model" is written like this now.'
    edited = changed(PIPELINE, "Train model", {**words, "--param": ["epochs=5"], "--image": ["python:3.12"]})
    assert (
        edited.text
        == '%%pipeline_node "Train model" --after prepare --param epochs=5 --grid lr=0.1,0.01 --image python:3.12'
    )


def test_row_4_a_moved_card_is_told_by_top_and_left() -> None:
    """Row 4: nodes are placed by `top` and `left`, which the line of the cell keeps."""
    edited = moved(PIPELINE, "prepare", 120, -5)
    assert edited.text == "%%pipeline_node prepare --param rows=10 --left 120 --top 0"
    node = parse_node("pipeline_node", edited.text.removeprefix("%%pipeline_node "))
    assert (node.left, node.top) == (120, 0)


# the panel


def shown(building: Building) -> str:
    return re.sub("</?span[^>]*>", "", str(building.result.value))


def form(building: Building, name: str) -> Any:
    building.mode.value = name
    return building.forms[name]


def test_a_node_is_added_with_the_form() -> None:
    """Nothing is complained of before something was typed; then text and preview follow each field."""
    assert count(PIPELINE).node_runs == 3
    previews: list[Pipeline] = []
    building = Building(PIPELINE)
    building.draw_with(previews.append, lambda _: (0, 0), threading.RLock())
    add = form(building, "Add a node")
    assert "Give the node a title." in shown(building)
    assert "E-" not in shown(building)
    add.title.value = "Best <b>"
    add.after.value = ("Train model",)
    add.grid.value = "k=1,2\n\n"
    assert "%%pipeline_node &quot;Best &lt;b&gt;&quot; --after &quot;Train model&quot; --grid k=1,2" in shown(building)
    assert "<b>" not in shown(building)
    assert previews[-1].node("Best <b>").after == ("Train model",)
    assert count(previews[-1]).node_runs == 7
    add.title.value = "prepare"
    assert "E-NODE-DUP" in shown(building)
    assert previews[-1] == PIPELINE


def test_a_card_that_is_chosen_on_the_board_is_what_the_forms_are_about() -> None:
    building = Building(PIPELINE)
    building.draw_with(lambda _: None, lambda title: (17, 4) if title == "prepare" else (300, 80), threading.RLock())
    change = form(building, "Change")
    building.select("Train model")
    assert (change.params.value, change.grid.value) == ("epochs=3\na=b c", "lr=0.1,0.01")
    change.node.value = "prepare"
    assert change.params.value == "rows=10"
    move = form(building, "Move")
    assert (move.chosen, move.left.value, move.top.value) == ("prepare", 17, 4)
    assert "--left" not in shown(building)  # nothing was moved
    move.arrows["right"].click()
    move.arrows["up"].click()
    assert f"--left {17 + STEP} --top 0" in shown(building)
    building.select("prepare")  # where it was moved to
    assert f"--left {17 + STEP} --top 0" in shown(building)
    building.select("nobody")
    assert move.chosen == "prepare"


def test_a_text_follows_each_key_and_is_not_replaced_under_a_click() -> None:
    """A field that tells its value only when it is left changes the text between a mouse's down and up."""
    building = Building(PIPELINE)
    fields = [field for form in building.forms.values() for field in form.fields]
    assert all(field.continuous_update for field in fields if field.has_trait("continuous_update"))


def test_row_20_each_node_is_seen_as_yaml() -> None:
    building = Building(PIPELINE)
    form(building, "YAML").node.value = "Train model"
    text = shown(building).partition('tabindex="0">')[2].partition("</pre>")[0]
    assert node_from_yaml(text).model_copy(update={"source": TRAIN.source}) == TRAIN


def test_two_nodes_are_connected_with_the_form() -> None:
    building = Building(PIPELINE)
    connect = form(building, "Connect")
    assert connect.source_key.layout.display == "none"
    connect.link.value = Link.TAG
    assert connect.source_key.layout.display == ""
    assert "E-MAGIC-ARG" in shown(building)
    connect.source_key.value = "mean"
    assert "%pipeline_edge prepare.metadata.mean &quot;Train model.parameter.mean&quot;" in shown(building)
    connect.source.value, connect.target.value, connect.link.value = "Train model", "prepare", Link.AFTER
    assert "E-CYCLE" in shown(building)


def test_an_empty_pipeline_offers_its_first_node() -> None:
    building = Building(Pipeline())
    assert list(building.forms) == ["Add a node"]
    building.forms["Add a node"].title.value = "first"  # type: ignore[attr-defined]
    assert "%%pipeline_node first" in shown(building)


def test_what_is_told_is_escaped() -> None:
    told = result_html("<script>", "<img src=x>", [problem("E-VALUE", what="<svg onload=1>", hint='"<b>')])
    assert not any(word in told for word in ("<script", "<img", "<svg", "<b>"))
