"""Whatever stands in a text, it is taken or its faults are told, and nothing else; what is written reads the same.

The texts are made of the words of each language; LONG_FAULTS=1 makes a hundred times as many.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.faults.box import LONG
from tests.fuzz.seeds import WORDS, texts_of
from tests.fuzz.targets import TARGETS

MANY = 20_000 if LONG else 150
ODD = st.characters() | st.sampled_from("\0\x1b\u2028\ufeff\ud800\u200b\x85\t\n\r")


def texts(target: str) -> st.SearchStrategy[str]:
    """Texts of that language's words with odd characters in between, and such as are nearly right."""
    words = st.sampled_from([word for word in WORDS[target].split(" ") if word])
    piece = words | st.text(ODD, max_size=5) | st.just("\n")
    made = st.lists(piece, max_size=25).flatmap(lambda some: st.sampled_from(["", " "]).map(lambda by: by.join(some)))
    known = st.sampled_from([text for text in texts_of(target) if 0 < len(text) < 3000])
    return made | st.builds(_changed, known, st.integers(0), st.integers(0, 3), piece)


def _changed(text: str, at: int, gone: int, new: str) -> str:
    at %= len(text) + 1
    return text[:at] + new + text[at + gone :]


@pytest.mark.parametrize("target", [name for name in TARGETS if name not in ("yaml", "percent")])
def test_any_text_is_taken_or_its_faults_are_told(target: str) -> None:
    _try(target, MANY)


@pytest.mark.parametrize("target", ["yaml", "percent"])  # their readers are slow
def test_any_file_is_taken_or_its_faults_are_told(target: str) -> None:
    _try(target, MANY // 3)


def _try(target: str, many: int) -> None:
    @given(texts(target))
    @settings(max_examples=many)
    def tried(text: str) -> None:
        TARGETS[target](text)

    tried()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(ODD, max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
SOURCES = st.sampled_from(["%%pipeline_node a\n1", "%%pipeline_node b --after a --param x\nx", "x = 1", "%pipeline p"])
KEYS = st.sampled_from(["tags", "trusted", "name", "language", "kernelspec", "language_info", "jupyter", "papermill"])
METADATA = JSON | st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=3), max_size=3)
CELLS = JSON | st.fixed_dictionaries(
    {"cell_type": st.sampled_from(["code", "markdown", "raw"]) | JSON, "source": SOURCES | st.lists(SOURCES) | JSON},
    optional={"metadata": METADATA, "outputs": JSON | st.lists(JSON), "id": JSON, "execution_count": JSON},
)
NOTEBOOKS = st.fixed_dictionaries(
    {"cells": st.lists(CELLS, max_size=4) | JSON, "nbformat": st.just(4) | JSON},
    optional={"metadata": METADATA, "nbformat_minor": st.integers(0, 9) | JSON},
)


@given(NOTEBOOKS)
@settings(max_examples=MANY)
def test_any_json_in_the_shape_of_a_notebook_is_taken_or_its_faults_are_told(content: dict[str, Any]) -> None:
    TARGETS["notebook"](json.dumps(content))
