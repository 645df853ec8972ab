"""The tutorials: put in place, run as their readers run them, and doing what they tell."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

from dagbook.runner.tutorials import TUTORIALS
from tests.conftest import Said, run_dagbook
from tests.examples.running import Ran, command, environment, read
from tests.first.examples_of import blocks_of, read_by_click, typed_in

FOLDER = Path(__file__).parents[2] / "runner" / "tutorials"
# How often each node of each runs.
NODE_RUNS: Mapping[str, Mapping[str, int]] = {
    "intro": {"sell": 1, "count": 1, "chart": 1},
    "params": {"sell": 1, "report": 1},
    "grid": {"weather": 3, "sell": 12, "table": 1, "best": 1},
    "conditions": {"taste": 3, "menu": 2, "apology": 0, "winner": 1, "order": 0},
    "ci": {"takings": 1, "check": 1, "summary": 1},
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all tutorials, put there by the command; the runs of this module share its store."""
    folder = tmp_path_factory.mktemp("learning")
    for name in TUTORIALS:
        assert run_dagbook(folder, "tutorial", name).code == 0
    return folder


def around(place: Path) -> Path:
    """A folder for what IPython keeps, beside the project: in it, it would count as a change of the project."""
    beside = place.with_name(f"{place.name}-around")
    beside.mkdir(exist_ok=True)
    return beside


@pytest.fixture(scope="module")
def run_once(place: Path) -> Callable[[str], Ran]:
    """Runs a tutorial by `dagbook run` as processes, the first time that it is asked for."""

    @cache
    def run(name: str) -> Ran:
        out = place / f"{name}-out.ipynb"
        words = ("dagbook", "run", f"{name}.ipynb", "-o", out, "--json")
        done = command(*words, at=place, out=out, env=environment(around(place), "process"))
        assert done.code == 0, done.stderr
        return done

    return run


@pytest.mark.parametrize("name", TUTORIALS)
def test_every_tutorial_runs_from_the_command_line(run_once: Callable[[str], Ran], name: str) -> None:
    done = run_once(name)
    states = [(run["node"], run["state"]) for run in json.loads(done.stdout)["node_runs"]]
    for title, count in NODE_RUNS[name].items():
        assert [state for node, state in states if node == title] == (["succeeded"] * count or ["skipped"])
    assert {node for node, _ in states} == set(NODE_RUNS[name])


@pytest.mark.parametrize("name", TUTORIALS)
def test_every_tutorial_runs_by_papermill_and_the_second_run_is_cached(
    run_once: Callable[[str], Ran], place: Path, name: str
) -> None:
    """The same pipeline through the magics; what the command line did stands."""
    run_once(name)
    out = place / f"{name}-papermill.ipynb"
    done = command("papermill", f"{name}.ipynb", out, at=place, out=out, env=environment(around(place), "process"))
    assert done.code == 0, done.stderr
    for title, count in NODE_RUNS[name].items():
        assert done.shown(title).count(" · cached · ") == count
        assert done.shown(title).count(" · skipped · ") == (not count)


@pytest.mark.container
def test_a_tutorial_runs_in_containers(place: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.ipynb"
    done = command("dagbook", "run", "intro.ipynb", "-o", out, at=place, out=out, env=environment(tmp_path, "docker"))
    assert done.code == 0, done.stderr
    assert "577 cups in 14 days" in done.shown("count")
    (picture,) = [one["data"] for one in done.cells["chart"] if "image/svg+xml" in one.get("data", {})]
    assert "".join(picture["image/svg+xml"]).count("<rect") == 14


def test_the_grid_finds_another_best_price_for_each_weather(run_once: Callable[[str], Ran]) -> None:
    runs = [run for run in json.loads(run_once("grid").stdout)["node_runs"] if run["node"] == "sell"]
    best = {}
    for run in sorted(runs, key=lambda run: float(run["tags"]["profit"])):
        best[run["route"]["weather"]["sky"]] = run["params"]["price"]
    assert best == {"sunny": 3, "cloudy": 2, "rainy": 2}


def test_more_ice_makes_the_order_wait_for_anna_or_ben(place: Path) -> None:
    """What the tutorial about conditions says of approvals holds, in a terminal."""

    def typed(*words: str) -> Said:
        env = environment(around(place), "process") | {"DAGBOOK_STORE": str(place / "asked")}
        return run_dagbook(place, *words, env=env)

    assert typed("run", "conditions.ipynb", "-p", "ice", "2", "--no-wait", "-q").code == 3
    assert "it asks anna, ben" in typed("approve", "latest", "order", "--by", "carl").err
    assert typed("approve", "latest", "order", "--by", "anna").code == 0
    resumed = typed("resume", "latest", "--json")
    assert resumed.code == 0, resumed.err
    assert [run["state"] for run in resumed.json["node_runs"] if run["node"] == "order"] == ["succeeded"]


def test_the_mistakes_that_the_last_tutorial_asks_for_end_as_it_says(place: Path) -> None:
    env = environment(around(place), "process")
    failed = run_dagbook(place, "run", "ci.ipynb", "-p", "allowed", "3", "--junit", "junit.xml", "-q", env=env)
    assert failed.code == 1
    assert "assert not wrong" in failed.out
    cases = {case.get("name"): case for case in ElementTree.parse(place / "junit.xml").iter("testcase")}
    assert cases["check"].find("failure") is not None
    assert cases["summary"].find("skipped") is not None
    mistaken = run_dagbook(place, "run", "ci.ipynb", "-p", "alowed", "3", env=env)
    assert (mistaken.code, 'Did you mean "allowed"?' in mistaken.err) == (2, True)


@pytest.mark.parametrize("name", TUTORIALS)
def test_a_tutorial_is_stored_clean_and_its_cells_have_names(name: str) -> None:
    """Differences between versions are to be read: no outputs, no counts, ids that stay."""
    stored = read(FOLDER / f"{name}.ipynb")
    code = [cell for cell in stored.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert not [cell.id for cell in stored.cells if not cell.id.replace("-", "").isalpha()]
    lines = [line for cell in code for line in cell.source.splitlines()]
    assert [line for line in lines if len(line) > (120 if line.startswith("%%") else 100)] == []


@pytest.mark.parametrize("name", TUTORIALS)
def test_nothing_is_wrong_with_a_tutorial(place: Path, name: str) -> None:
    said = run_dagbook(place, "check", f"{name}.ipynb", "--executor", "process")
    assert (said.code, said.err) == (0, "")


@pytest.mark.parametrize("name", TUTORIALS)
def test_commands_that_a_tutorial_shows_are_taken_as_they_stand(name: str) -> None:
    texts = [cell.source for cell in read(FOLDER / f"{name}.ipynb").cells if cell.cell_type == "markdown"]
    shown = [words for text in texts for words in typed_in(blocks_of(text))]
    assert shown
    for words in shown:
        read_by_click(words)


def test_the_list_names_them_in_order_and_each_names_the_next(tmp_path: Path) -> None:
    said = run_dagbook(tmp_path, "tutorial")
    assert said.code == 0
    listed = [line.split()[0] for line in said.out.splitlines() if line.startswith("  ")]
    assert listed == list(TUTORIALS)
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == set(TUTORIALS)
    for name, following in pairwise(listed):
        assert f"Next: `dagbook tutorial {following}`" in (FOLDER / f"{name}.ipynb").read_text(encoding="utf-8")


def test_a_notebook_that_is_there_is_not_written_over_unasked(tmp_path: Path) -> None:
    (tmp_path / "intro.ipynb").write_text("mine")
    refused = run_dagbook(tmp_path, "tutorial", "intro")
    assert refused.code == 2
    assert "E-FILE-EXISTS: intro.ipynb is there already" in refused.err
    assert (tmp_path / "intro.ipynb").read_text() == "mine"
    assert run_dagbook(tmp_path, "tutorial", "intro", "learn").code == 0
    assert (tmp_path / "learn" / "intro.ipynb").is_file()
    assert run_dagbook(tmp_path, "tutorial", "intro", "--force").code == 0
    assert (tmp_path / "intro.ipynb").read_text() != "mine"


def test_a_mistyped_tutorial_is_told_the_nearest(tmp_path: Path) -> None:
    said = run_dagbook(tmp_path, "tutorial", "intor")
    assert (said.code, 'Did you mean "intro"?' in said.err) == (2, True)
    assert list(tmp_path.iterdir()) == []
