"""A cnvrg blueprint: the other dialect, in which components are published."""

from __future__ import annotations

from dagbook.runner.core.check import check
from dagbook.runner.core.dialect import Argument, Serving
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.model import Kind

from .reading import BLUEPRINT, read, sound

FOUND = sound(BLUEPRINT)


def test_the_title_is_the_name_and_what_describes_it_is_kept() -> None:
    assert FOUND.name == "Sort the Mail"
    assert FOUND.origin["cnvrg_dialect"] == "blueprint"
    assert FOUND.origin["cnvrg"] == {
        "version": "1.2.0",
        "description": "sorts letters by what they are about",
        "author": "somebody",
        "author_email": "somebody@example.org",
        "tags": ["training", "text"],
    }


def test_nodes_and_relations_whatever_the_case_of_a_title() -> None:
    assert [(node.title, node.kind, node.after) for node in FOUND.nodes] == [
        ("Fetch Letters", Kind.COMMAND, ()),
        ("Learn", Kind.COMMAND, ("Fetch Letters",)),
        ("Answer", Kind.DEPLOY, ("Learn",)),
    ]
    assert [one.message for one in check(FOUND) if one.is_error] == []


def test_row_32_values_one_several_or_none() -> None:
    fetch, learn = FOUND.nodes[:2]
    assert fetch.params == {"folder": "/data/letters", "since": None, "sender": None}
    assert (learn.params, learn.grid) == ({"rate": 0.5, "shares": "8,1,1"}, {"epochs": ["5", "10"]})
    assert learn.arguments == tuple(Argument(name=name) for name in ("epochs", "rate", "shares"))


def test_a_component_without_a_command_is_an_error_only_when_it_is_to_run() -> None:
    fetch, learn, _ = FOUND.nodes
    assert (fetch.source, fetch.unresolved) == ("python3 fetch.py", ())
    assert learn.source == ""
    assert "letter-learner" in learn.unresolved[0]


def test_what_a_machine_must_have_is_kept_apart_from_the_list_of_requirements() -> None:
    fetch = FOUND.nodes[0]
    assert fetch.setup is not None
    assert fetch.setup.requirements is True
    assert fetch.origin["cnvrg"]["requirements"] == {"cpu": 1.5, "memory": 4, "gpu": 0}


def test_a_deploy_task_needs_neither_endpoint_nor_replicas_there() -> None:
    answer = FOUND.nodes[2]
    assert answer.serving == Serving(file="answer.py", function="answer")
    assert answer.when == (Condition(objective=Objective.MIN, tag="loss"),)
    assert answer.origin["cnvrg"] == {
        "kind": "webservice",
        "library": "letter-answer",
        "library_version": "0.3.1",
        "input_example": {"letter": "dear all"},
        "output_schema": {},
    }


def test_each_thing_that_is_not_kept_as_it_was_is_told_once() -> None:
    _, records = read(BLUEPRINT)
    assert [(one.problem.code, one.problem.place.line, one.path) for one in records] == [
        ("W-KEPT", 16, "tasks[0].library"),
        ("W-KEPT", 20, "tasks[0].requirements"),
        ("W-REF", 39, "tasks[1].library"),
        ("W-KEPT", 40, "tasks[1].requirements"),
        ("W-CHANGED", 52, "tasks[1].params[2].values"),
        ("W-KEPT", 56, "tasks[2].library"),
        ("W-CHANGED", 73, "relations[0].from"),
    ]
