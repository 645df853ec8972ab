"""Tests of actions and early ends: read and never executed, and false of what is not known."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core import actions
from dagbook.runner.core.dialect import Action, Moment, Reaction
from dagbook.runner.core.errors import PipelineError

METADATA: dict[str, Any] = {"accuracy": 0.9, "deep.er": 3, "word": "yes", "flag": True, "none": None}
PARAMETERS: dict[str, Any] = {"lr": 0.1, "name": "a"}


def holds(text: str) -> bool:
    return actions.Test(text).holds(METADATA, PARAMETERS)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("metadata.accuracy >= 0.9", True),
        ("metadata.accuracy > 0.9", False),
        ("accuracy < 1", True),
        ("metadata.deep.er == 3", True),
        ("parameter.lr == 0.1 and metadata.word == 'yes'", True),
        ("parameter.lr == 2 or metadata.flag", True),
        ("not metadata.flag", False),
        ("0.5 < metadata.accuracy <= 0.9", True),
        ("metadata.accuracy > -1", True),
        ("metadata.gone > 0", False),
        ("metadata.gone == metadata.also", False),
        ("not (metadata.gone > 0)", True),
        ("metadata.gone", False),
        ("metadata.word > 3", False),
        ("metadata.none == 0", False),
        ("metadata.accuracy != 1", True),
        ('parameter.name == "a"', True),
    ],
)
def test_a_test_is_true_of_what_is_known_and_so(text: str, true: bool) -> None:
    assert holds(text) is true


@pytest.mark.parametrize(
    "text",
    [
        "",
        "metadata.accuracy >",
        "__import__('os').system('true')",
        "metadata.accuracy.real()",
        "[1][0]",
        "lambda: 1",
        "metadata['x'] > 1",
        "1 if 2 else 3",
        "metadata.a in metadata.b",
        "2 ** 99999999",
        "'a' * 99999",
        "not " * 200 + "x",
        "x" * 2000,
        "(" * 500,
    ],
)
def test_what_is_more_than_comparisons_is_refused_and_nothing_is_executed(text: str) -> None:
    with pytest.raises(PipelineError) as caught:
        actions.Test(text)
    (found,) = caught.value.problems
    assert found.code == "E-TYPE"
    assert "metadata.accuracy >= 0.8" in found.hint


@given(st.text(max_size=60))
def test_any_text_is_a_test_or_is_refused(text: str) -> None:
    try:
        found = actions.Test(text)
    except PipelineError:
        return
    assert found.holds({}, {}) in (True, False)


def test_actions_look_at_their_moment_and_all_their_tests() -> None:
    stops = Action(when=(Moment.COMPLETE,), test=("accuracy > 0.5", "word == 'yes'"), then=(Reaction.STOP,))
    fails = Action(when=(Moment.COMPLETE, Moment.ERROR), then=(Reaction.FAIL, Reaction.NOTHING))

    def found(moment: Moment, metadata: dict[str, Any]) -> list[Reaction]:
        return actions.reactions((stops, fails), moment, metadata, PARAMETERS)

    assert found(Moment.COMPLETE, METADATA) == [Reaction.STOP, Reaction.FAIL, Reaction.NOTHING]
    assert found(Moment.COMPLETE, {"accuracy": 0.9}) == [Reaction.FAIL, Reaction.NOTHING]
    assert found(Moment.ERROR, METADATA) == [Reaction.FAIL, Reaction.NOTHING]
    assert found(Moment.STARTING, METADATA) == []
