"""A run as its tries, and what MLflow can hold of them: pure, by facts fed in."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.lifecycle import Changed, Created, Fact, Kept, Resumed, State, Tagged
from dagbook.runner.core.model import Kind, Node, Pipeline
from dagbook.runner.observers.mlflow_words import (
    LONGEST_KEY,
    LONGEST_PARAMETER,
    Numbers,
    key_of,
    name_of,
    parameters_of,
    tag_key_of,
)
from dagbook.runner.observers.tries import Point, Tries, Try
from dagbook.runner.records.store import Entry

PIPELINE = Pipeline(nodes=(Node(title="images", kind=Kind.DATA, path="x"), Node(title="train"), Node(title="last")))


def made(id: str, node: str = "train", **params: object) -> Created:
    return Created(id, node, (), params, {}, {})  # type: ignore[arg-type]


def followed(*facts: Fact) -> Tries:
    """The tries that these facts tell of, recorded a second apart."""
    tries = Tries(PIPELINE)
    tries.take(Entry(number, float(number), fact) for number, fact in enumerate(facts, 1))
    return tries


def attempt(id: str, number: int, *states: State) -> Iterator[Changed]:
    yield from (Changed(id, state, number) for state in (State.QUEUED, State.STARTING, State.RUNNING, *states))


def test_each_attempt_is_a_try_with_what_it_logged_itself() -> None:
    tries = followed(
        made("train"),
        *attempt("train", 1),
        Tagged("train", "loss", 0.5, 1.0),
        Changed("train", State.FAILED, 1, "ValueError: no"),
        *attempt("train", 2),
        Tagged("train", "loss", 0.4, 1.0),
        Changed("train", State.SUCCEEDED, 2),
    )
    first, second = tries.all.values()
    assert [(one.key, one.state, one.reason) for one in (first, second)] == [
        ("train/1", State.FAILED, "ValueError: no"),
        ("train/2", State.SUCCEEDED, ""),
    ]
    assert [[point.value for point in one.points] for one in (first, second)] == [[0.5], [0.4]]
    assert (first.began, first.ended, second.began, second.ended) == (3.0, 6.0, 8.0, 11.0)


def test_an_attempt_that_failed_stays_failed_when_the_run_is_ended_before_the_next() -> None:
    tries = followed(made("train"), *attempt("train", 1, State.FAILED), Changed("train", State.CANCELLED, 1))
    assert [one.state for one in tries.all.values()] == [State.FAILED]
    assert tries.untried == {}


def test_an_earlier_result_is_a_try_and_what_it_logged_comes_after_it() -> None:
    tries = followed(made("train"), Changed("train", State.CACHED), Tagged("train", "loss", 0.5))
    (one,) = tries.all.values()
    assert (one.key, one.attempt, one.ended, len(one.points)) == ("train/cached-2", 0, 2.0, 1)


def test_a_resumed_run_keeps_its_tries_and_asks_anew_who_never_ran() -> None:
    tries = followed(
        made("train"),
        *attempt("train", 1, State.SUCCEEDED),
        made("last", "last"),
        Changed("last", State.CANCELLED),
        Resumed("somebody"),
        Kept("train"),
        made("last", "last"),
        Changed("last", State.SKIPPED, reason="its condition"),
    )
    assert list(tries.all) == ["train/1"]
    assert {id: one.state for id, one in tries.untried.items()} == {"last": State.SKIPPED}


def test_a_dataset_is_no_try() -> None:
    found = Changed("images", State.CACHED, detail={"artifact": "ab12"})
    tries = followed(made("images", "images"), found)
    assert (tries.all, tries.datasets) == ({}, {"images": "ab12"})


def one_try(created: Created, attempt: int = 1) -> Try:
    return Try("k", created, attempt, 0.0, State.RUNNING)


def test_a_try_is_called_by_its_node_its_route_and_from_the_second_on_its_attempt() -> None:
    created = Created("t#1", "Train model", (1,), {"lr": 0.1}, {"Train model": {"lr": 0.1}}, {})
    assert name_of(one_try(created)) == "Train model [lr=0.1]"
    assert name_of(one_try(created, 2)) == "Train model [lr=0.1] attempt 2"


def test_parameters_are_a_nodes_own_and_those_on_its_route_with_secrets_as_dots() -> None:
    route = {"Train model": {"lr": 0.1, "api_key": "abc"}, "report": {"form": "long"}}
    created = Created("r#1", "report", (1, 1), {"form": "long", "text": "x" * 9000}, route, {})  # type: ignore[arg-type]
    found = parameters_of(one_try(created))
    assert found.pop("text") == "x" * (LONGEST_PARAMETER - 1) + "…"
    assert found == {"form": "long", "train_model.lr": "0.1", "train_model.api_key": "••••"}


def steps(*given: float) -> list[int]:
    """The steps at which MLflow gets points with these."""
    return [one.step for one in Numbers().of([Point("m", 1.0, step, 0.0) for step in given])]


def test_whole_steps_stay_and_others_are_counted() -> None:
    assert steps(5.0, 10.0, -1.0) == [5, 10, -1]
    assert steps(0.5, 1.0, 1.5) == [0, 1, 2]
    assert steps(math.nan, math.inf, 2.0**70) == [0, 1, 2]


@pytest.mark.parametrize("value", [True, "good", None, [1.0], 10**400])
def test_what_is_no_number_is_no_metric(value: object) -> None:
    assert Numbers().of([Point("m", value, None, 0.0)]) == []  # type: ignore[arg-type]


@given(st.text(min_size=1, max_size=400))
def test_mlflow_takes_every_name(name: str) -> None:
    """By MLflow's own checks; and what they reserve is not taken from it."""
    from mlflow.utils.validation import _validate_metric_name, _validate_tag_name

    _validate_metric_name(key_of(name))  # type: ignore[no-untyped-call]
    _validate_tag_name(tag_key_of(name))  # type: ignore[no-untyped-call]
    assert len(key_of(name)) <= LONGEST_KEY
    assert not tag_key_of(f"mlflow.{name}").startswith("mlflow.")


@given(st.lists(st.text("ab[]/.: é", min_size=1, max_size=6), unique=True, min_size=2, max_size=2))
def test_two_names_stay_two(names: list[str]) -> None:
    assert key_of(names[0]) != key_of(names[1])
