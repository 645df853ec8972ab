"""What a parameter takes, as its annotation or its default says."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.core.parameter_types import takes, type_of_text, type_of_value
from dagbook.runner.core.values import Value

VALUES: dict[str, Value] = {
    "yes": True,
    "3": 3,
    "0.5": 0.5,
    "nan": math.nan,
    "text": "text",
    "None": None,
    "numbers": [1, 2],
    "texts": ["text"],
    "empty": [],
}
LISTS = "numbers texts empty"
ALL = " ".join(VALUES)
TAKEN = [
    ("int", "3"),
    ("float", "3 0.5 nan"),
    ("bool", "yes"),
    ("str", "text"),
    ("None", "None"),
    ("list", LISTS),
    ("list[int]", "numbers empty"),
    ("List[str]", "texts empty"),
    ("list[int | str]", LISTS),
    ("int | None", "3 None"),
    ("Optional[float]", "3 0.5 nan None"),
    ("typing.Optional[str]", "text None"),
    ("Union[int, list[str]]", "3 texts empty"),
    ("'int | str'", "3 text"),
    ("Annotated[int, 'how many']", "3"),
    ("Literal['text', 3, None]", "3 text None"),
    ("Literal['other']", ""),
    ("Literal[0.5]", ALL),  # there is no such Literal
    ("Path", ALL),
    ("int | Path", ALL),
    ("list[Path]", LISTS),
    ("dict[str, int]", ALL),
    ("Any", ALL),
    ("not a type", ALL),
    ("", ALL),
]


@pytest.mark.parametrize(("text", "taken"), TAKEN)
def test_a_type_takes_these_values_and_no_others(text: str, taken: str) -> None:
    assert " ".join(name for name, value in VALUES.items() if takes(type_of_text(text), value)) == taken


@given(st.one_of(st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_the_type_of_a_default_takes_the_default(value: Value) -> None:
    assert takes(type_of_text(type_of_value(value)), value)


def test_a_truth_value_is_no_number_and_no_member_of_a_literal_of_numbers() -> None:
    assert not takes(type_of_text("Literal[1]"), True)
    assert not takes(type_of_text("float"), True)


def test_none_says_nothing_of_what_else_may_be_given() -> None:
    assert type_of_value(None) == ""
