"""Going on with runs and ending them, as all that steers does it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.lifecycle import RunState
from dagbook.runner.core.model import Defaults, Node, Pipeline
from dagbook.runner.records.store import Store
from dagbook.runner.steer import again, go_on, stop, stop_at_once, wait_for_the_end
from tests.flows.flow import Flow

TRAIN = "%%pipeline_command train{more}\necho {n}"
DEPLOY = "%%pipeline_command deploy --after train --approve Leah\necho deployed"


def test_an_order_says_all_that_going_on_needs() -> None:
    assert again("ab", "a test", {"p": 1}, ["fit"], waits=False, keep_failed=True) == {
        "run": "ab",
        "parameters": {"p": 1},
        "force": ("fit",),
        "how": "a test",
        "waits": False,
        "keep_failed": True,
    }


def test_a_run_that_waits_without_a_process_is_cancelled_by_either_way_of_stopping(tmp_path: Path) -> None:
    flow = Flow(tmp_path, TRAIN.format(more="", n=1), DEPLOY)
    for way in (stop, stop_at_once):
        run = flow.run("--no-wait", "--no-cache", code=3).id
        store = Store(flow.store, create=False)
        assert way(store, run, "a test")
        assert store.run(run).state is RunState.CANCELLED
        assert store.run(run).reason.endswith("with a test")
        assert not way(store, run, "a test")
        store.close()


def test_a_run_goes_on_in_a_process_of_its_own_and_only_once(tmp_path: Path) -> None:
    """A second one who wants the same is told that it is being run."""
    flow = Flow(tmp_path, TRAIN.format(more="", n=1), DEPLOY)
    store, order = Store(flow.store), again(flow.run("--no-wait", code=3).id, "a test")
    go_on(store, order, lambda _: None)
    with pytest.raises(PipelineError, match="E-RUN-LIVE"):
        go_on(store, order, lambda _: None)
    assert stop(store, order["run"], "a test")
    assert wait_for_the_end(store, order["run"], 60).so_far.state is RunState.CANCELLED
    store.close()


def test_row_4_moving_a_card_runs_nothing_again(tmp_path: Path) -> None:
    """`top` and `left` are no part of what a result or an approval is bound to."""
    flow = Flow(tmp_path, TRAIN.format(more="", n=1))
    flow.run()
    flow.rewrite(TRAIN.format(more=" --left 40 --top 300", n=1))
    assert flow.run().states == {"train": "cached"}
    flow.rewrite(TRAIN.format(more=" --left 40 --top 300", n=2))
    assert flow.run().states == {"train": "succeeded"}


def test_row_4_a_place_is_no_part_of_the_digest_of_a_plan() -> None:
    from dagbook.runner.core.binding import Binding
    from dagbook.runner.core.lifecycle import Created, RunSoFar
    from dagbook.runner.core.routes import Choice

    digests = set()
    for said in ({}, {"top": 3}, {"left": 9}, {"image": "python:3.12"}):
        node = Node.model_validate({"title": "train", **said})
        pipeline = Pipeline(nodes=(node,), defaults=Defaults())
        created = Created("train", "train", (), {}, {}, {})
        digests.add(Binding(pipeline, RunSoFar()).digest(node, Choice({}, {}), created))
    assert len(digests) == 2


@pytest.mark.parametrize("place", ["-1", "1.5", "ten", "100001", "１"])
def test_a_place_that_is_none_is_refused(tmp_path: Path, place: str) -> None:
    flow = Flow(tmp_path, TRAIN.format(more=f" --top {place}", n=1))
    assert "is not a number of pixels" in flow.refused()
