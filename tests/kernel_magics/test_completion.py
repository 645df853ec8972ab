"""Tab in magic lines."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell

from dagbook.kernel_magics import completion
from dagbook.kernel_magics.completion import complete

TITLES = ["prepare", "Train model", "it's"]
CASES = [
    ("pipeline_node", "x --af", ["--after"]),
    ("pipeline_node", "x --after ", ["prepare", '"Train model"', '"it\'s"']),
    ("pipeline_node", "x --after p", ["prepare"]),
    ("pipeline_node", "x --after prepare Tr", ['"Train model"']),
    ("pipeline_node", 'x --after "Tr', ['"Train model"']),
    ("pipeline_node", "prepare --after p", []),
    ("pipeline_node", "x --executor d", ["docker"]),
    ("pipeline_node", "x --on-error st", ["stop-next", "stop-all"]),
    ("pipeline_node", "pre", []),
    ("pipeline_node", "x --param e", []),
    ("pipeline", "--forget Tr", ['"Train model"']),
    ("pipeline_shared", "--", ["--nodes-only"]),
]


@pytest.mark.parametrize(("magic", "line", "offered"), CASES)
def test_offers_options_titles_and_choices(magic: str, line: str, offered: list[str]) -> None:
    assert complete(magic, line, TITLES)[1] == offered


def test_offers_all_options_after_the_title() -> None:
    assert "--image" in complete("pipeline_node", "x ", [])[1]
    assert "--image" in complete("pipeline_node", "x --image y ", [])[1]


def test_images_come_from_the_engine_once_a_minute_and_failures_are_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def ask() -> list[str]:
        calls.append(1)
        raise OSError("no engine")

    monkeypatch.setattr(completion, "_images", (-1e9, []))
    monkeypatch.setattr(completion, "_ask_engine", ask)
    assert complete("pipeline_node", "x --image p", [])[1] == []
    assert complete("pipeline_node", "x --image p", [])[1] == []
    assert calls == [1]


def test_the_shell_offers_them_and_nothing_else(shell: InteractiveShell, run: Any) -> None:
    run("%%pipeline_node 'Train model'\n1", "a")

    def offered(line: str) -> list[tuple[str, str]]:
        with provisionalcompleter():
            found = list(shell.Completer.completions(line + "\nbody", len(line)))
        return [(one.text, line[one.start : one.end]) for one in found]

    assert offered("%%pipeline_node x --af") == [("--after", "--af")]
    assert offered("%%pipeline_node x --after Tr") == [('"Train model"', "Tr")]
    assert offered('%%pipeline_node x --after "Tr') == [('"Train model"', '"Tr')]
    assert ("abs", "ab") in offered("ab")
