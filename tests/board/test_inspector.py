"""The inspector: what it tells of node runs, definitions and groups, and that nothing in it runs."""

from __future__ import annotations

import base64
import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from dagbook.runner.board.inspector import inspect_group, inspect_node, inspect_run
from dagbook.runner.board.inspector_html import inspected_html
from dagbook.runner.board.inspector_values import Inspected
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.errors import PipelineError
from dagbook.runner.core.lifecycle import Answered, Pictured, State, Tagged
from dagbook.runner.core.masking import MASK, looks_secret, masked
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.core.names import clean_title
from dagbook.runner.records.follow import Follower
from dagbook.runner.records.store import Store
from tests.board.by_hand import ByHand, display, stream
from tests.board.payloads import PAYLOADS
from tests.conftest import DAGBOOK, run_dagbook, write_notebook

NOW = 4_000_000_000.0  # seconds since the epoch; long after any test
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Elements(HTMLParser):
    """Counts the elements of HTML with the names of their attributes; keeps its text, and the texts of frames."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: Counter[tuple[str, tuple[str, ...]]] = Counter()
        self.addresses: list[str] = []
        self.frames: list[tuple[str | None, str]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag, tuple(name for name, _ in attrs)] += 1
        named = dict(attrs)
        self.addresses += [
            named[name] or "" for name in ("href", "src", "xlink:href", "action", "data") if name in named
        ]
        if tag == "iframe":
            self.frames.append((named.get("sandbox"), named.get("srcdoc") or ""))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        """All text between the elements."""
        return "".join(self.words)


def search() -> Pipeline:
    """A node, a grid after it, and the best of the grid after that, which asks somebody."""
    best = Node(
        title="best",
        after=("train",),
        when=(
            Condition(objective=Objective.MAX, tag="accuracy"),
            Condition(objective=Objective.GE, tag="rows", target=10),
        ),
        approve=("leah", "yochay"),
    )
    train = Node(
        title="train", after=("prepare",), grid={"lr": [0.1, 0.01]},
        uses=("epochs",), params={"size": "{{ prepare.n }}"},
        env={"API_TOKEN": "abc123", "MODE": "fast"}, timeout=600, memory=2**30, retries=1, source="print(1)\n" * 300,
    )  # fmt: skip
    return Pipeline(name="search", nodes=(Node(title="prepare"), train, best), parameters={"epochs": 3})


@pytest.fixture
def run(tmp_path: Path) -> ByHand:
    """`train` on two values, one of which was tried twice; `best` asks for leah or yochay."""
    made = ByHand(tmp_path / "store", search(), settings={"env": {"SITE": "https://user:hunter2@example.org/"}})
    made.create("prepare", "prepare")
    made.go(
        "prepare", State.QUEUED, State.STARTING, State.RUNNING, State.SUCCEEDED, why="no earlier run of it succeeded"
    )
    for number, rate in enumerate((0.1, 0.01), 1):
        made.create(
            f"train#{number}",
            "train",
            {"lr": rate, "epochs": 3, "size": 7},
            {"train": {"lr": rate}},
            {"prepare": "prepare"},
        )
    made.go("train#1", State.QUEUED, State.STARTING, State.RUNNING, State.FAILED, reason="ValueError: no luck")
    made.go("train#1", State.QUEUED, State.STARTING, State.RUNNING, attempt=2)
    made.tell(*(Tagged("train#1", "accuracy", value, step) for step, value in enumerate((0.5, 0.8))))
    made.tell(Tagged("train#1", "rows", 12))
    made.go("train#1", State.SUCCEEDED, attempt=2, **made.publish({"model.bin": 2048, "a/b.csv": 10}))
    made.go("train#2", State.QUEUED, State.STARTING, State.RUNNING)
    made.tell(Tagged("train#2", "accuracy", 0.9), Tagged("train#2", "rows", 3))
    made.go("train#2", State.SUCCEEDED)
    made.create("best#1", "best", {}, {"train": {"lr": 0.1}}, {"train": "train#1"}, "train#1 wins with 0.8")
    made.go("best#1", State.PENDING_APPROVAL, reason="waits for leah or yochay", approvers=["leah", "yochay"])
    return made


def inspected(run: ByHand, id: str) -> Inspected:
    return inspect_run(run.follower(), id, NOW)


def test_each_attempt_is_told_with_how_it_ended_and_why(run: ByHand) -> None:
    first, second = inspected(run, "train#1").attempts
    assert (first.number, first.state, first.reason) == (1, State.FAILED, "ValueError: no luck")
    assert (second.number, second.state, second.reason) == (2, State.SUCCEEDED, "")


def test_parameters_say_where_they_come_from(run: ByHand) -> None:
    told = {one.name: (one.value, one.origin) for one in inspected(run, "train#1").parameters}
    assert told == {"lr": ("0.1", "grid"), "epochs": ("3", "pipeline"), "size": ("7", "{{ prepare.n }}")}


def test_the_environment_hides_what_looks_like_a_secret(run: ByHand) -> None:
    one = inspected(run, "train#1")
    told = {variable.name: variable.value for variable in one.environment}
    assert told["API_TOKEN"] == told["SITE"] == MASK
    assert told["MODE"] == "fast"
    assert told["DAGBOOK_TAG_LR"] == "0.1"
    page = inspected_html(one)
    assert "abc123" not in page
    assert "hunter2" not in page


def test_the_verdict_of_each_condition_on_each_parent_run_is_told(run: ByHand) -> None:
    told = {(one.condition, one.run): one for one in inspected(run, "best#1").verdicts}
    assert {key: one.passed for key, one in told.items()} == {
        ("max:train.accuracy", "train#1"): True,
        ("max:train.accuracy", "train#2"): False,
        ("ge:train.rows:10", "train#1"): True,
        ("ge:train.rows:10", "train#2"): False,
    }
    assert told["max:train.accuracy", "train#2"].why == "it misses ge:train.rows:10"
    assert told["max:train.accuracy", "train#1"].here
    assert not told["max:train.accuracy", "train#2"].here
    assert inspected(run, "best#1").because == "train#1 wins with 0.8"


def test_a_verdict_on_a_run_that_still_goes_on_is_open(tmp_path: Path) -> None:
    made = ByHand(tmp_path / "store", search())
    made.create("train#1", "train")
    made.go("train#1", State.QUEUED, State.STARTING, State.RUNNING)
    made.create("best#1", "best", parents={"train": "train#1"})
    assert [one.passed for one in inspected(made, "best#1").verdicts] == [None, None]


def test_an_approval_tells_who_is_asked_and_then_who_answered(run: ByHand) -> None:
    asked = inspected(run, "best#1").approval
    assert asked is not None
    assert (asked.asked, asked.approved) == (("leah", "yochay"), None)
    run.tell(Answered("best#1", True, "leah", "dagbook approve", ""))
    run.go("best#1", State.QUEUED, State.STARTING, State.RUNNING)
    given = inspected(run, "best#1").approval
    assert given is not None
    assert (given.asked, given.approved, given.by) == (("leah", "yochay"), True, "leah")
    assert given.at is not None
    assert inspected(run, "train#1").approval is None


def test_the_artifact_lists_files_with_sizes_and_its_path(run: ByHand) -> None:
    artifact = inspected(run, "train#1").artifact
    assert artifact is not None
    assert artifact.entries == (("a/b.csv", 10), ("model.bin", 2048))
    assert (artifact.files, artifact.bytes, artifact.left_out) == (2, 2058, 0)
    assert Path(artifact.path).is_dir()


def test_a_large_artifact_says_how_many_files_it_does_not_list(tmp_path: Path) -> None:
    made = ByHand(tmp_path / "store", search())
    made.create("prepare", "prepare")
    detail = made.publish({f"{number:04}": 1 for number in range(450)})
    made.go("prepare", State.QUEUED, State.STARTING, State.RUNNING, State.SUCCEEDED, **detail)
    artifact = inspected(made, "prepare").artifact
    assert artifact is not None
    assert (len(artifact.entries), artifact.left_out) == (200, 250)
    assert "and 250 more files" in inspected_html(inspected(made, "prepare"))


def test_an_artifact_whose_list_is_damaged_is_told_all_the_same(run: ByHand) -> None:
    artifact = inspected(run, "train#1").artifact
    assert artifact is not None
    Path(artifact.path).with_suffix(".json").write_text("{broken", encoding="utf-8")
    damaged = inspected(run, "train#1").artifact
    assert damaged is not None
    assert damaged.fault


def test_limits_are_the_nodes_own_before_the_pipelines(run: ByHand) -> None:
    told = {one.name: (one.value, one.origin) for one in inspected(run, "train#1").limits}
    assert told["memory"] == ("1.0 GiB", "node")
    assert told["timeout"] == ("10 min 00 s", "node")
    assert told["retries"] == ("1", "node")


def test_why_a_node_run_was_run_or_cached_is_told(run: ByHand) -> None:
    run.create("train#3", "train")
    run.go("train#3", State.QUEUED, State.CACHED, attempt=0, reason="as in run abcd1234")
    assert inspected(run, "prepare").cached == "It was run: no earlier run of it succeeded"
    assert inspected(run, "train#3").cached == "An earlier result stands for it: as in run abcd1234"


def test_the_log_holds_the_last_lines_and_says_how_many_were_before(run: ByHand) -> None:
    run.create("train#3", "train")
    run.print("train#3", stream("".join(f"line {number}\n" for number in range(500))))
    run.go("train#3", State.QUEUED, State.STARTING, State.RUNNING)
    one = inspected(run, "train#3")
    assert one.log.splitlines()[0] == "line 300"
    assert one.log.splitlines()[-1] == "line 499"
    assert one.log_left_out == 300
    assert "300 more lines before" in inspected_html(one)


def test_a_nodes_own_html_and_svg_stand_where_nothing_of_them_runs(run: ByHand) -> None:
    run.create("train#3", "train")
    own = "<table><tr><td>1</td></tr></table><script>window.__pwned=1</script>"
    run.print("train#3", display(text_html=own), display(image_svg__xml="<svg onload='window.__pwned=1'></svg>"))
    run.go("train#3", State.QUEUED, State.STARTING, State.RUNNING)
    page = Elements(inspected_html(inspected(run, "train#3")))
    (frame,) = page.frames
    assert frame[0] == ""
    assert own in frame[1]
    assert not [tag for tag, _ in page.found if tag == "script"]
    assert [address[:26] for address in page.addresses] == ["data:image/svg+xml;base64,"]


def test_the_last_image_of_a_series_is_shown(run: ByHand) -> None:
    run.create("train#3", "train")
    run.go("train#3", State.QUEUED, State.STARTING, State.RUNNING)
    folder = run.store.attempt_folder(run.run, "train#3", 1) / "images"
    folder.mkdir(parents=True)
    (folder / "1.png").write_bytes(PIXEL)
    run.tell(
        Pictured("train#3", "confusion", 0.0, "images/0.png"), Pictured("train#3", "confusion", 1.0, "images/1.png")
    )
    (picture,) = inspected(run, "train#3").pictures
    assert (picture.count, picture.step) == (2, 1.0)
    (address,) = Elements(inspected_html(inspected(run, "train#3"))).addresses
    assert address == f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}"


def test_an_image_that_is_logged_and_displayed_is_shown_once(run: ByHand) -> None:
    """By what its display says of itself, or by its content: a figure may be shown as well as logged."""
    run.create("train#3", "train")
    run.go("train#3", State.QUEUED, State.STARTING, State.RUNNING)
    folder = run.store.attempt_folder(run.run, "train#3", 1) / "images"
    folder.mkdir(parents=True)
    (folder / "1.png").write_bytes(PIXEL)
    run.tell(
        Pictured("train#3", "confusion", 0.0, "images/0.png"), Pictured("train#3", "confusion", 1.0, "images/1.png")
    )
    follower = run.follower()
    watched = follower.watched["train#3"]
    first, last = ({"dagbook": {"image": "confusion", "step": step}} for step in (0, 1))
    pixel = base64.b64encode(PIXEL).decode()
    for metadata, data in ((first, "AAAA"), (last, pixel), ({}, pixel), ({}, "BBBB")):
        watched.outputs.setdefault(0, []).append(
            {"output_type": "display_data", "data": {"image/png": data}, "metadata": metadata}
        )
    told = inspect_run(follower, "train#3", 1e12)
    assert [output["data"]["image/png"] for _, output in told.outputs] == ["AAAA", "BBBB"]
    assert inspected_html(told).count(pixel) == 1


def test_a_logged_images_name_cannot_lead_out_of_its_folder(run: ByHand) -> None:
    run.tell(Pictured("train#1", "a", 0.0, "../../../secret"), Pictured("train#1", "b", 0.0, "/etc/hostname"))
    assert inspected(run, "train#1").pictures == ()


def test_a_long_title_is_told_whole() -> None:
    title = "a long title " * 7 + "ends"
    told = inspected_html(inspect_node(Pipeline(nodes=(Node(title=title),)), title))
    assert title in Elements(told).text


def test_an_unknown_node_run_is_an_error(run: ByHand) -> None:
    with pytest.raises(KeyError):
        inspected(run, "train#99")


def test_a_definition_is_told_before_any_run() -> None:
    train = inspect_node(search(), "train")
    assert train.expected == 2
    assert [(one.name, one.value) for one in train.grid] == [("lr", "0.1, 0.01")]
    assert [(one.name, one.value) for one in train.before] == [("prepare", "its files")]
    assert train.after == ("best",)
    assert {one.name: one.value for one in train.environment} == {"API_TOKEN": MASK, "MODE": "fast"}
    assert (len(train.source.splitlines()), train.source_left_out) == (200, 100)
    best = inspect_node(search(), "best")
    assert best.expected is None
    assert best.conditions == ("max:accuracy", "ge:rows:10")
    assert best.approve == ("leah", "yochay")
    told = Elements(inspected_html(best)).text
    assert "leah or yochay" in told
    assert "the run decides how often" in told


def test_a_group_tells_its_runs_apart_and_marks_the_one_that_was_chosen(run: ByHand) -> None:
    group = inspect_group(run.follower(), "train", NOW)
    assert [(row.id, row.best, row.values["lr"]) for row in group.rows] == [
        ("train#1", True, "0.1"),
        ("train#2", False, "0.01"),
    ]
    assert group.tags == ("accuracy", "rows")
    assert group.metrics is not None
    assert list(group.metrics["accuracy"]) == ["lr=0.1"]
    assert Elements(inspected_html(group)).text.count("★") == 1


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("API_TOKEN", "x", True),
        ("apiKey", "x", True),
        ("db_password", "x", True),
        ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("hftoken", "x", True),
        ("URL", "postgres://me:pw@host/db", True),
        ("note", "ghp_0123456789abcdef", True),
        ("keyboard", "qwerty", False),
        ("monkey", "see", False),
        ("max_tokens", 512, False),
        ("tokens", "a,b", True),
        ("lr", 0.1, False),
        ("path", "/data/key.txt", False),
        ("passes", 3, False),
    ],
)
def test_what_looks_like_a_secret_is_masked_and_nothing_else(name: str, value: Any, secret: bool) -> None:
    assert looks_secret(name, value) is secret
    assert (masked(name, value) == MASK) is secret


def test_a_failed_node_tells_its_cell_in_the_executed_notebook_and_what_to_type(tmp_path: Path) -> None:
    """Papermill adds cells before the failing one; a person looks for the place in the notebook that it left."""
    assert Path(DAGBOOK).exists()
    project = tmp_path / "project"
    write_notebook(
        project / "flow.ipynb",
        "%%pipeline_node prepare --param size=3\nprint('to do')\nraise ValueError('no <b>luck</b>')",
    )
    said = run_dagbook(project, "run", "flow.ipynb", "--executor", "process")
    assert said.code == 1, said.err
    store = Store(project / ".dagbook", create=False)
    follower = Follower(store, store.run("latest").id)
    follower.update()
    one = inspect_run(follower, "prepare", NOW)
    assert one.failure is not None
    cells = json.loads(Path(one.notebook).read_text(encoding="utf-8"))["cells"]
    assert one.failure.cell is not None
    assert "raise ValueError" in "".join(cells[one.failure.cell - 1]["source"])
    assert one.log == "to do"
    assert {command.does for command in one.commands} == {"run it again", "what it printed"}
    assert one.executor == "process"
    assert [named.name for named in one.image] == ["reference", "digest"]
    assert f"dagbook retry {follower.row.id} --node prepare" in one.commands[0].terminal
    page = Elements(inspected_html(one))
    assert "no <b>luck</b>" in page.text
    assert ("b", ()) not in page.found


# nothing that is shown becomes an element


def hostile(folder: Path, text: str) -> ByHand:
    """A run in which `text` stands wherever people, nodes and files can put one."""
    node = Node(
        title="fit", grid={"lr": [text, 1]}, params={"size": text}, env={"MODE": text}, approve=(text,), source=text
    )
    made = ByHand(folder, Pipeline(name=text, nodes=(node,)), user=text, file=text, started_by=text)
    made.create("fit#1", "fit", {"lr": text, "size": text}, {"fit": {"lr": text}}, because=text)
    error = {"name": text, "message": text, "traceback": [text, text], "cell": 0}
    made.print("fit#1", stream(text), stream(text, "stderr"), display(text_plain=text), display(text_html=text))
    made.print("fit#1", {"output_type": "error", "ename": text, "evalue": text, "traceback": [text]})
    made.go("fit#1", State.PENDING_APPROVAL, attempt=0, reason=text, approvers=[text])
    made.tell(Answered("fit#1", True, text, text, ""))
    made.go("fit#1", State.QUEUED, State.STARTING, State.RUNNING)
    made.tell(Tagged("fit#1", text, text), Tagged("fit#1", f"m{text}", 1.0, 0.0), Tagged("fit#1", f"m{text}", 2.0, 1.0))
    made.tell(Pictured("fit#1", text, 0.0, f"images/{text}"))
    detail = made.publish({text: 1}) | {"notebook": text, "executor": text, "error": error, "warnings": [text]}
    made.go("fit#1", State.FAILED, reason=text, image={"reference": text, "digest": text}, why=text, **detail)
    made.create("fit#2", "fit", {"lr": 1, "size": text}, {"fit": {"lr": 1}})
    made.go("fit#2", State.PENDING_APPROVAL, attempt=0, reason=text, approvers=[text])
    return made


def harmless(text: str) -> str:
    """A text as long as `text`, on as many lines, in which nothing means anything to HTML."""
    return "".join(character if character == "\n" else "x" for character in text)


@pytest.mark.parametrize("text", PAYLOADS)
def test_no_element_or_attribute_comes_of_what_is_shown(text: str, tmp_path: Path) -> None:
    pages = []
    for number, shown in enumerate((harmless(text), text)):
        follower = hostile(tmp_path / str(number), shown).follower()
        values = [inspect_run(follower, "fit#1", NOW), inspect_run(follower, "fit#2", NOW)]
        group = inspected_html(inspect_group(follower, "fit", NOW))
        pages.append(Elements("".join([*map(inspected_html, values), group])))
    plain, told = pages
    assert told.found == plain.found
    assert {address.partition(":")[0] for address in told.addresses} <= {"data"}
    assert {sandbox for sandbox, _ in told.frames} == {""}


@pytest.mark.parametrize("text", PAYLOADS)
def test_no_element_or_attribute_comes_of_a_definition(text: str) -> None:
    pages = []
    try:
        legal = clean_title(text)
    except PipelineError:
        legal = "fit"  # refused where it is typed
    for shown, title in ((harmless(text), harmless(legal)), (text, legal)):
        before = Node(title="before", source=shown)
        node = Node(
            title=title, after=("before",), params={"a": shown}, env={"MODE": shown}, source=shown, approve=(shown,)
        )
        when = (Condition(objective=Objective.EQ, tag=shown, target=shown),)
        pipeline = Pipeline(nodes=(before, node.model_copy(update={"when": when, "prerun": shown, "path": shown})))
        pages.append(Elements(inspected_html(inspect_node(pipeline, title))))
    assert pages[1].found == pages[0].found
