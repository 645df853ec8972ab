"""How much of what widgets hold a notebook keeps, and what its run process and its kernel pass to each other of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.executors import kept_outputs
from dagbook.runner.executors.contract import Output
from dagbook.runner.executors.kept_outputs import LARGEST_NOTEBOOK, LATER, LEAST_CELL, LONGEST_TEXT, MOST_OUTPUTS
from dagbook.runner.executors.kept_widgets import LARGEST_STATES

from .conftest import Bench, record

STATE = "application/vnd.jupyter.widget-state+json"
TAKES_IN = "import ipywidgets\nout = ipywidgets.Output()\n"


def states(bench: Bench, *cells: str) -> dict[str, Any]:
    """The states of the widgets in the notebook, after these cells ran."""
    job = bench.job(*cells)
    outcome = bench.run(job)
    assert outcome.ok, outcome.reason
    found: dict[str, Any] = record(job).metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    return found


def outputs(states: dict[str, Any]) -> list[dict[str, Any]]:
    """What the one widget that takes outputs in holds."""
    (found,) = [one["state"]["outputs"] for one in states.values() if one["model_name"] == "OutputModel"]
    return list(found)


def test_P26_what_is_printed_into_a_widget_without_measure_is_kept_to_the_end_and_told(plain: Bench) -> None:
    text = f"with out:\n  for n in range({3 * LONGEST_TEXT // 100}): print(f'{{n:099d}}')"
    (found,) = outputs(states(plain, TAKES_IN + text))
    assert len(found["text"]) < LONGEST_TEXT + 100
    assert found["text"].endswith(f"{3 * LONGEST_TEXT // 100 - 1:099d}\n")
    told = [one.message for one in plain.reports if isinstance(one, Output)]
    assert sum(len(one["text"]) for one in told if one["output_type"] == "stream") == 3 * LONGEST_TEXT


def test_P26_displays_in_a_widget_are_kept_up_to_a_bound_and_the_kernel_learns_of_them_once(plain: Bench) -> None:
    """Each message to the kernel waits in memory until its cell is done."""
    many = f"with out:\n  for n in range({MOST_OUTPUTS + 100}): display(n)"
    found = outputs(states(plain, TAKES_IN + many, f"assert len(out.outputs) == {MOST_OUTPUTS + 1}"))
    assert found[0]["data"]["text/plain"] == "0"
    assert found[-1]["text"] == f"{LATER}\n"


def test_what_a_widget_takes_in_is_cleared_and_goes_on_in_the_next_cell(plain: Bench) -> None:
    first = TAKES_IN + "with out: print('gone'); out.clear_output(); print('there')"
    second = "assert out.outputs[0]['text'] == 'there\\n'\nwith out: print('more'); display('last')"
    third = "with out: out.clear_output(wait=True); print('new')"
    found = outputs(states(plain, first, second, third))
    assert [one.get("text") for one in found] == ["new\n"]


def test_P26_of_widgets_that_hold_too_much_the_first_are_kept(plain: Bench) -> None:
    cell = f"import ipywidgets\nfor n in range(9): ipywidgets.HTML('h' * {LARGEST_STATES // 4}, description=str(n))"
    held = [one["state"]["description"] for one in states(plain, cell).values() if one["model_name"] == "HTMLModel"]
    assert sorted(held) == ["0", "1", "2"]
    (told,) = [one for one in plain.run(plain.job(cell)).warnings if "widget" in one]
    assert told == "the notebook does not keep what 6 widgets held: all together were too much for it"


def test_P26_many_cells_at_their_limits_make_a_notebook_within_its_own(
    plain: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each later cell keeps the end of what it printed all the same."""
    monkeypatch.setattr(kept_outputs, "LARGEST_NOTEBOOK", LARGEST_NOTEBOOK // 25)
    cell = f"for n in range({LONGEST_TEXT // 200}): print(f'{{n:99d}}')\nprint('end')"
    job = plain.job(*[cell] * 10)
    assert plain.run(job).ok
    texts = ["".join(one.text for one in cell.outputs) for cell in record(job).cells]
    assert sum(map(len, texts)) < LARGEST_NOTEBOOK // 25 + 10 * (LEAST_CELL + 200)
    assert all(text.endswith("end\n") for text in texts)
    assert len(texts[0]) > LONGEST_TEXT // 2 > LEAST_CELL * 2 > len(texts[-1])
    assert "earlier output: dagbook logs --all" in texts[-1]


def test_P26_displays_that_grow_as_they_are_updated_stay_within_the_bound(
    plain: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept_outputs, "LARGEST_CELL", 1_000_000)
    grow = "shown = [display(n, display_id=True) for n in range(20)]\nfor one in shown: one.update('h' * 100_000)"
    job = plain.job(grow)
    assert plain.run(job).ok
    kept = [one["data"]["text/plain"] for one in record(job).cells[0].outputs]
    assert 8 < sum(len(one) > 90_000 for one in kept) < 10
    assert kept[-1] == LATER
    assert Path(job.record).stat().st_size < 1_100_000
    assert json.loads(Path(job.record).read_text())
