"""When a flow runs (rows 71-73, Y14)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagbook.runner.formats.cnvrg.dates import cron_fault, moment_of, written

from .reading import flow, sound, task

FORMS = ["31.01.2031 16:25", "31.01.2031 4:25PM", "2031.01.31 16:25", "2031.01.31 4:25PM", "31.1.2031 4:25 pm"]


@pytest.mark.parametrize("text", FORMS)
def test_rows_72_y14_every_form_of_a_schedule(text: str) -> None:
    assert sound(flow(task("a"), top=(f"schedule: {text}",))).schedule == "2031-01-31T16:25"


@pytest.mark.parametrize(("text", "hour"), [("12:05AM", 0), ("12:05PM", 12), ("1:05AM", 1), ("11:05pm", 23)])
def test_row_72_noon_and_midnight(text: str, hour: int) -> None:
    moment = moment_of(f"01.02.2031 {text}")
    assert moment is not None
    assert (moment.hour, moment.minute) == (hour, 5)


BAD = [
    "31.02.2031 16:25",
    "25:61",
    "31.01.2031",
    "31.01.2031 24:00",
    "1.1.31 1:00",
    "0:30PM 1.1.2031",
    "1.1.2031 0:30PM",
]
BAD += ["1.1.2031 13:30AM", "2031-01-31 16:25", "1.1.0000 10:00", "١.1.2031 10:00", "", "31.01.2031 16:25 CET"]


@pytest.mark.parametrize("text", BAD)
def test_row_y14_what_is_no_date_and_time(text: str) -> None:
    assert moment_of(text) is None


def test_row_y14_a_schedule_that_has_passed_is_kept() -> None:
    assert sound(flow(task("a"), top=("schedule: 31.01.2021 16:25",))).schedule == "2021-01-31T16:25"


@given(st.datetimes())
def test_a_written_moment_is_read_again(moment: object) -> None:
    import datetime

    assert isinstance(moment, datetime.datetime)
    minute = moment.replace(second=0, microsecond=0)
    assert moment_of(written(minute)) == minute


GOOD = ["30 * * * *", "*/15 0-6,18 1,15 JAN-mar 1-5", "0 0 * * 7", "0 0 1 1 sun", "5/10 * * * *"]
WRONG = [
    "",
    "* * * *",
    "* * * * * *",
    "60 * * * *",
    "* 24 * * *",
    "* * 0 * *",
    "* * * 13 *",
    "* * * * 8",
    "5-1 * * * *",
]
WRONG += ["*/0 * * * *", "a * * * *", "1, * * * *", "@daily", "* * * * mon-xyz", "-1 * * * *", "1-2-3 * * * *"]


@pytest.mark.parametrize("text", GOOD)
def test_row_73_a_cron_expression(text: str) -> None:
    assert cron_fault(text) == ""
    assert sound(flow(task("a"), top=(f'recurring: "{text}"',))).recurring == text


@pytest.mark.parametrize("text", WRONG)
def test_row_73_what_is_no_cron_expression(text: str) -> None:
    assert cron_fault(text)


@pytest.mark.parametrize("line", ["recurring:", "recurring: ''", "schedule:"])
def test_row_73_nothing_said_is_no_schedule(line: str) -> None:
    found = sound(flow(task("a"), top=(line,)))
    assert (found.schedule, found.recurring) == (None, None)
