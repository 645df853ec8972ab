"""The model search, run as its readers run it: with the approval given by command, by papermill, again from the cache.

Rows 48 (the highest value continues), 51 (what passed), 52, 54 and 55 (a person decides) of the acceptance list.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from .running import EXAMPLES, EXECUTORS, Ran, command, environment, read

RUNS = {"tumours": 1, "split": 1, "linear": 3, "forest": 4, "best": 1, "report": 1, "publish": 1}


@dataclass
class Search:
    """The notebook in a folder of its own, with a store beside it; what is written stands outside of the project."""

    folder: Path
    env: dict[str, str]
    said: dict[str, Ran] = field(default_factory=dict)

    def do(self, *words: str) -> Ran:
        """Run one of the programs in the notebook's folder."""
        return command(*words, at=self.folder, out=self.written / "out.ipynb", env=self.env)

    @property
    def written(self) -> Path:
        """Where notebook and reports are written: in the project they would be files that nodes see."""
        return self.folder.parent

    def runs(self, of: str) -> dict[str, dict[str, Any]]:
        """The node runs that a command printed as JSON, by id."""
        return {one["id"]: one for one in json.loads(self.said[of].stdout)["node_runs"]}


def copied(place: Path, executor: str) -> Search:
    """The example in a folder of its own under `place`."""
    folder = place / "project"
    folder.mkdir()
    shutil.copy(EXAMPLES / "model_search.ipynb", folder)
    shutil.copytree(EXAMPLES / "data", folder / "data")
    env = environment(place, executor)
    del env["DAGBOOK_STORE"]  # commands find it beside the notebook
    return Search(folder, env)


@pytest.fixture(scope="module", params=EXECUTORS)
def search(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Search:
    """What CI does: run, approve by command, resume; then the same run once more."""
    made = copied(tmp_path_factory.mktemp("search"), str(request.param))
    reports = ("-o", "../out.ipynb", "--junit", "../junit.xml", "--summary", "../summary.md")
    told = ("run", "model_search.ipynb", "--no-wait")
    made.said["run"] = made.do("dagbook", *told, *reports)
    made.said["waiting"] = made.do("dagbook", "show", "latest", "--json")
    made.said["other"] = made.do("dagbook", "approve", "latest", "publish", "--by", "mallory")
    made.said["approve"] = made.do("dagbook", "approve", "latest", "publish", "--by", "leah")
    made.said["resume"] = made.do("dagbook", "resume", "latest", "--json")
    made.said["again"] = made.do("dagbook", *told, "--json")
    made.said["reject"] = made.do("dagbook", "reject", "latest", "publish", "--by", "yochay")
    made.said["rejected"] = made.do("dagbook", "show", "latest", "--json")
    return made


def test_row_52_the_run_ends_with_3_and_prints_the_commands_that_go_on(search: Search) -> None:
    ran = search.said["run"]
    run = json.loads(search.said["waiting"].stdout)["run"]
    assert ran.code == 3, ran.stderr
    assert "‖ publish" in ran.stdout
    assert "waits for leah or yochay." in ran.stdout
    assert f"  approve: dagbook approve {run} publish --by leah\n" in ran.stdout
    assert f"  reject:  dagbook reject {run} publish --by leah\n" in ran.stdout
    assert f"Then go on: dagbook resume {run}\n" in ran.stdout


def test_row_52_only_who_is_listed_can_decide(search: Search) -> None:
    assert search.said["other"].code == 2
    assert "mallory" in search.said["other"].stderr
    assert search.said["approve"].code == 0, search.said["approve"].stderr


def test_row_55_the_node_and_the_run_wait_for_an_approval(search: Search) -> None:
    waiting = json.loads(search.said["waiting"].stdout)
    assert waiting["state"] == "pending_approval"
    assert Counter(one["state"] for one in waiting["node_runs"]) == {"succeeded": 11, "pending_approval": 1}


def test_row_48_the_highest_accuracy_of_both_families_goes_on(search: Search) -> None:
    runs = search.runs("waiting")
    tried = [one for one in runs.values() if one["node"] in ("linear", "forest")]
    highest = max(one["tags"]["accuracy"] for one in tried)
    winner = next(one for one in tried if one["tags"]["accuracy"] == highest)
    (best,) = (one for one in runs.values() if one["node"] == "best")
    assert best["tags"] == {"family": winner["node"], "accuracy": highest}
    assert f"{winner['id']} wins with {highest}" in best["because"]
    assert highest > 0.9


def test_row_54_after_the_approval_the_run_goes_on_and_keeps_what_is_done(search: Search) -> None:
    assert search.said["resume"].code == 0, search.said["resume"].stderr
    before, after = search.runs("waiting"), search.runs("resume")
    assert Counter(one["node"] for one in after.values()) == RUNS
    assert json.loads(search.said["resume"].stdout)["state"] == "succeeded"
    kept = [id for id in after if before[id]["node"] not in ("publish", "tumours")]
    assert all(after[id]["attempts"] == 1 and after[id]["notebook"] == before[id]["notebook"] for id in kept)
    (published,) = (one for one in after.values() if one["node"] == "publish")
    assert published["approval"]["by"] == "leah"
    assert published["params"] == {"score": next(o for o in after.values() if o["node"] == "best")["tags"]["accuracy"]}
    assert sorted(path.name for path in Path(published["artifact"]).iterdir()) == ["card.md", "model.pkl", "runs.csv"]


def test_a_second_run_takes_everything_up_to_the_approval_from_the_cache_and_asks_again(search: Search) -> None:
    assert search.said["again"].code == 3
    states = {one["node"]: one["state"] for one in search.runs("again").values()}
    assert {title for title, state in states.items() if state != "cached"} == {"publish"}
    assert states["publish"] == "pending_approval"


def test_row_54_a_rejection_aborts_the_run_and_keeps_what_is_done(search: Search) -> None:
    rejected = json.loads(search.said["rejected"].stdout)
    assert rejected["state"] == "rejected"
    assert Counter(one["state"] for one in rejected["node_runs"]) == {"cached": 11, "rejected": 1}


def test_the_written_notebook_shows_the_figure_the_winner_and_what_to_type(search: Search) -> None:
    ran = search.said["run"]
    assert "wins with" in ran.shown("best")
    assert "%pipeline_approve publish --by leah --run " in ran.shown("publish")
    assert [one for one in ran.cells["report"] if "image/png" in one.get("data", {})]
    for family in ("linear", "forest"):
        assert ran.shown("report").count(family) == RUNS[family]


def test_the_reports_of_a_run_that_waits_say_whom_it_asks(search: Search) -> None:
    cases = {case.get("name"): case for case in ElementTree.parse(search.written / "junit.xml").iter("testcase")}
    assert len(cases) == sum(RUNS.values())
    (pending,) = (case for name, case in cases.items() if name and name.startswith("publish"))
    skipped = pending.find("skipped")
    assert skipped is not None
    assert skipped.get("message") == "waits for leah or yochay"
    assert not list(ElementTree.parse(search.written / "junit.xml").iter("failure"))
    summary = (search.written / "summary.md").read_text()
    assert "waits for leah or yochay.** Decide with `dagbook approve " in summary
    assert " wins with " in summary


def test_papermill_ends_with_an_error_that_names_the_commands_that_go_on(tmp_path: Path) -> None:
    """They work as they stand, typed where they were told."""
    search = copied(tmp_path, "process")
    ran = search.do("papermill", "model_search.ipynb", "../out.ipynb")
    assert ran.code != 0
    last = next(cell for cell in read(ran.path).cells if cell.source == "%pipeline_run").outputs[-1]
    assert "waits for leah or yochay" in last.evalue
    told = [line.strip() for line in last.evalue.splitlines()]
    for verb in ("approve", "resume"):
        typed = next(line for line in told if line.startswith(f"dagbook {verb} "))
        assert typed in ran.stderr
        done = search.do(*shlex.split(typed, comments=True))
        assert done.code == 0, done.stderr
    assert json.loads(search.do("dagbook", "show", "latest", "--json").stdout)["state"] == "succeeded"
