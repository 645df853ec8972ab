"""Titles of any characters: each names a folder of its own, or is refused (row P23)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from hypothesis import example, given
from hypothesis import strategies as st

from dagbook import Pipeline, PipelineError
from dagbook.runner.core.names import clean_title, slug_of

TITLES = st.one_of(
    st.text(max_size=12),
    st.text(st.sampled_from("aAàÀßſK Kİıéx1_-. !\t\u00a0\u200b\u0301\u202e"), max_size=6),
)

PLAIN = st.characters(exclude_categories=("C", "Zl", "Zp"), exclude_characters="/\\:~")
SOUND = st.one_of(st.text(PLAIN, max_size=8), st.text(st.sampled_from("aAàÀßſK Kİıéx1_-. !\u0301"), max_size=4))
SOUND = SOUND.map(lambda text: f"a1{text}")  # an accent that follows makes no letter of it


def refusal(build: Callable[[], object]) -> str:
    """The code with which it is refused; empty where it is taken."""
    try:
        build()
    except PipelineError as error:
        return error.problems[0].code
    return ""


@given(SOUND, SOUND)
@example("Kelvin", "\u212aelvin")
@example("é1", "e\u03011")
@example("Straße", "STRASSE")
def test_P23_two_titles_have_two_folders_or_the_second_is_refused(first: str, second: str) -> None:
    flow = Pipeline("p")
    flow.command(first, "true")
    refused = refusal(lambda: flow.command(second, "true"))
    same = slug_of(clean_title(first)) == slug_of(clean_title(second))
    assert refused in (("E-NAME-COLLIDES", "E-NODE-DUP") if same else ("",))


@given(st.one_of(TITLES, SOUND))
def test_P23_a_folders_name_is_plain_on_every_file_system(typed: str) -> None:
    """And the same however the title's accents are put together; what can be no folder's name is refused."""
    if refused := refusal(lambda: clean_title(typed)):
        assert refused in ("E-NAME-EMPTY", "E-NAME-CHARS", "E-NAME-LONG")
        return
    assert re.fullmatch(r"[a-z0-9_]{1,100}", slug_of(clean_title(typed)))
    assert clean_title(unicodedata.normalize("NFD", typed)) == clean_title(typed)
