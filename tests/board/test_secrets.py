"""What looks like a secret is shown nowhere: one value, looked for in all that dagbook shows of a run."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dagbook.extension import pictures
from dagbook.runner import diagram
from dagbook.runner.board.document import static_page
from dagbook.runner.board.graph_svg import graph_svg
from dagbook.runner.board.inspector import inspect_group, inspect_node, inspect_run
from dagbook.runner.board.inspector_html import inspected_html
from dagbook.runner.board.listing import listing_html
from dagbook.runner.board.page import run_bundle
from dagbook.runner.board.pictured import planned_scene, run_scene
from dagbook.runner.board.timeline import timeline
from dagbook.runner.board.timeline_svg import timeline_html
from dagbook.runner.compared import compare_in
from dagbook.runner.comparison_html import bundle
from dagbook.runner.core.conditions import Gate, fault
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.lifecycle import State, Tagged
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.values import Value
from dagbook.runner.formats.flow_words import condition_in_words
from dagbook.runner.records.cache import Cache, key_of
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from dagbook.runner.reports.junit import junit_xml
from dagbook.runner.reports.markdown import summary
from dagbook.runner.reports.texts import hiding_of
from tests.board.by_hand import ByHand

CANARY = "CANARY123"
ASKED = Condition(objective=Objective.EQ, tag="access_token", target=CANARY)
PIPELINE = Pipeline(
    name="flow",
    nodes=(
        Node(title="fit", source="1", grid={"api_token": [CANARY, "other"], "lr": [1]}),
        Node(title="use", source="1", after=("fit",), params={"db_password": CANARY}),
        Node(title="publish", source="1", after=("use",), when=(ASKED,), env={"AT": f"https://u:{CANARY}@h"}),
    ),
)
CHOSEN: dict[str, dict[str, Value]] = {"fit": {"api_token": CANARY, "lr": 1}}


@pytest.fixture
def follower(tmp_path: Path) -> Follower:
    made = ByHand(tmp_path / "store", PIPELINE, user="leah", parameters={"api_token": CANARY})
    made.create("fit#1", "fit", CHOSEN["fit"], CHOSEN)
    made.go("fit#1", State.QUEUED, State.STARTING, State.RUNNING)
    logged = ("access_token", "secret", "password", "auth", "cookie", "loss")
    made.tell(*(Tagged("fit#1", name, CANARY) for name in logged[:-1]), Tagged("fit#1", "loss", 0.3, 1))
    made.go("fit#1", State.SUCCEEDED)
    made.create("use#1", "use", {"db_password": CANARY}, CHOSEN, {"fit": "fit#1"})
    made.go("use#1", State.QUEUED, State.STARTING, State.RUNNING)
    made.tell(Tagged("use#1", "access_token", CANARY))
    made.go("use#1", State.FAILED, reason="ValueError: x")
    because = fault(ASKED.model_copy(update={"target": "else"}), made.follower().so_far.node_runs["fit#1"])
    made.create("publish#1", "publish", {}, CHOSEN, {"use": "use#1"}, because=f"{ASKED}: {because}")
    made.go("publish#1", State.PENDING_APPROVAL, attempt=0, approvers=["leah"])
    return made.follower()


def test_no_picture_page_list_or_table_shows_a_secret(follower: Follower) -> None:
    now = time.time()
    run = follower.row.id
    compared = bundle(compare_in(follower.store, [run], (), None), True)
    told = {
        **run_bundle(follower, now),
        "page": static_page(follower, now),
        "list": listing_html(follower, now),
        "timeline": timeline_html(timeline(follower, now)),
        "graph": graph_svg(run_scene(follower, frozenset({"fit", "use", "publish"}), now), "light"),
        "folded graph": graph_svg(run_scene(follower, now=now), "light"),
        "plan": graph_svg(planned_scene(PIPELINE), "light"),
        "group": inspected_html(inspect_group(follower, "fit", now)),
        "board": str(pictures.board(follower)),
        "comparison": str(compared),
        "mermaid": diagram.mermaid(PIPELINE),
        "tree": diagram.tree(PIPELINE),
        "summary": summary(PIPELINE, follower, hiding_of(follower)),
        "JUnit": junit_xml(follower, hiding_of(follower)).decode(),
        "condition": condition_in_words(ASKED),
    }
    for node in PIPELINE.nodes:
        of_node = [one for one in follower.listed() if one.run.node == node.title]
        told[f"cell of {node.title}"] = str(pictures.bundle(node.title, of_node, run))
        told[f"definition of {node.title}"] = inspected_html(inspect_node(PIPELINE, node.title))
        told |= {one.run.id: inspected_html(inspect_run(follower, one.run.id, now)) for one in of_node}
    assert [name for name, text in told.items() if CANARY in text] == []


def test_a_comparison_tells_its_winner_without_the_secret(follower: Follower) -> None:
    gate = Gate([ASKED.model_copy(update={"tasks": ("fit",), "objective": Objective.NE})], {"fit": 0})
    gate.add(follower.so_far.node_runs["fit#1"])
    gate.settle("fit")
    assert CANARY not in f"{gate.because} {gate.conclusion()}"


def test_a_miss_tells_that_a_secret_changed_and_keeps_neither(tmp_path: Path) -> None:
    cache = Cache(Store(tmp_path))
    cache.keep(key_of({"parameter api_token": CANARY}), "flow", "fit", "fit", "run", {"detail": {}})
    now = key_of({"parameter api_token": "another"})
    assert cache.why_not(now, "flow", "fit", "fit") == "parameter api_token changed"
    assert all(CANARY.encode() not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_a_condition_is_still_written_in_full_where_it_is_read_again() -> None:
    assert ASKED.written == f"eq:access_token:{CANARY}"
