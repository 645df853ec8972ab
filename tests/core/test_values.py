"""How values are shown: in full to programs, to people with as many digits as they read."""

from __future__ import annotations

import math

import pytest

from dagbook.runner.core.masking import masked, masked_in_full
from dagbook.runner.core.values import Value, readable
from dagbook.runner.view import route_words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.1 + 0.2 + 0.3, "0.6"),
        (1 / 3, "0.333333"),
        (0.1, "0.1"),
        (1.0, "1.0"),
        (0.0, "0.0"),
        (-2 / 3, "-0.666667"),
        (1e-7 / 3, "3.33333e-08"),
        (12345678.9, "12345679.0"),
        (1e300, "1e+300"),
        (math.inf, "inf"),
        (7, "7"),
        (True, "True"),
        ("0.6000000000000001", "0.6000000000000001"),
        ([0.1 + 0.2, "a", [2 / 3, None]], "[0.3, 'a', [0.666667, None]]"),
    ],
)
def test_people_read_a_number_with_six_digits(value: Value, words: str) -> None:
    assert readable(value) == words


def test_where_it_is_compared_or_read_by_a_program_it_has_all_digits() -> None:
    value = 0.1 + 0.2
    assert (masked("rate", value), masked_in_full("rate", value)) == ("0.3", "0.30000000000000004")


def test_coordinates_of_a_grid_are_readable() -> None:
    assert route_words({"train": {"rate": 0.1 * 3}}) == "rate=0.3"
