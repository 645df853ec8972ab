"""A run without a script: the picture that stays in the notebook, the page of `dagbook show --html`."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Frame, TimeoutError, sync_playwright

from dagbook.runner.board.document import static_page
from dagbook.runner.board.output_html import ansi_html
from dagbook.runner.board.page import run_bundle
from dagbook.runner.board.palette import contrast, theme_style
from dagbook.runner.core.edge import Condition, Objective
from dagbook.runner.core.lifecycle import RunChanged, RunState, State, Tagged
from dagbook.runner.core.model import Node, Pipeline
from dagbook.runner.records.follow import Follower
from tests.board.by_hand import ByHand, display, stream
from tests.board.payloads import PAYLOADS
from tests.board.test_inspector import NOW, Elements, harmless, hostile
from tests.conftest import MakeNotebook, Said

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]
PICTURES = Path(__file__).parents[1] / "pictures"
NEVER = {"script", "object", "embed", "form", "input", "button", "link", "base", "a", "video", "audio"}


def failing(folder: Path) -> ByHand:
    """A run of three nodes: one succeeded, one failed with a traceback, one had to be given up for that."""
    nodes = (Node(title="prepare"), Node(title="fit", after=("prepare",)), Node(title="report", after=("fit",)))
    made = ByHand(folder, Pipeline(name="flow", nodes=nodes), user="leah", git={"commit": "abc", "dirty": True})
    made.create("prepare", "prepare")
    made.print("prepare", stream("read 3 rows\n"), display(text_html="<table><tr><td>7</td></tr></table>"))
    made.go("prepare", State.QUEUED, State.STARTING, State.RUNNING, State.SUCCEEDED, **made.publish({"a.txt": 3}))
    made.create("fit", "fit", parents={"prepare": "prepare"})
    error = {"name": "ValueError", "message": "no luck", "traceback": ["\x1b[31mValueError\x1b[0m: no luck"], "cell": 0}
    made.go("fit", State.QUEUED, State.STARTING, State.RUNNING)
    made.tell(*(Tagged("fit", "loss", 1 / (step + 1), step) for step in range(50)))
    made.go("fit", State.FAILED, reason="ValueError: no luck", error=error, notebook="/runs/fit/notebook.ipynb")
    made.create("report", "report", parents={"fit": "fit"})
    made.go("report", State.UPSTREAM_FAILED, attempt=0, reason='"fit" failed')
    made.tell(RunChanged(RunState.FAILED))
    return made


def wide(folder: Path, nodes: int) -> Follower:
    """A run of many nodes, each after the one five before it, all done but the last."""
    titles = [f"step {number}" for number in range(nodes)]
    defined = [
        Node(title=title, after=(titles[number - 5],) if number >= 5 else ()) for number, title in enumerate(titles)
    ]
    made = ByHand(folder, Pipeline(name="many", nodes=tuple(defined)))
    for node in defined:
        parents = {title: title.replace(" ", "_") for title in node.after}
        made.create(node.slug, node.title, parents=parents)
        made.go(node.slug, State.QUEUED, State.STARTING, State.RUNNING, State.SUCCEEDED)
    made.tell(RunChanged(RunState.SUCCEEDED))
    return made.follower()


def test_the_picture_tells_how_the_run_ended_and_why_it_failed(tmp_path: Path) -> None:
    told = run_bundle(failing(tmp_path).follower(), NOW)
    text = Elements(told["text/html"]).text
    for words in ("flow", "failed", "ValueError: no luck", "/runs/fit/notebook.ipynb", "upstream failed"):
        assert words in text
    assert "✕ fit · failed" in told["text/plain"]
    assert "⊘ report · upstream failed" in told["text/plain"]


def test_the_picture_still_tells_everything_where_styles_and_drawings_are_taken_away(tmp_path: Path) -> None:
    """GitHub shows a notebook's HTML without SVG and styles: the table of node runs stands by itself."""
    page = run_bundle(failing(tmp_path).follower(), NOW)["text/html"]
    left = Elements(re.sub(r"(?s)<svg.*?</svg>|<style.*?</style>| style=\"[^\"]*\"", "", page))
    assert ("th", ("scope",)) in left.found
    for words in ("prepare", "fit", "report", "failed", "ValueError: no luck"):
        assert words in left.text


@pytest.mark.parametrize("code", ["31", "32", "33", "34", "35", "36", "91", "38;5;28"])
def test_a_terminals_colours_can_be_read_on_a_light_page_and_follow_the_dark_theme(code: str) -> None:
    """4.5 to 1 at least: the colour that stands in for a theme's, and the theme's own."""
    found = re.search(r"color:var\(--dagbook-(\w+)-text,(#\w{6})\)", ansi_html(f"\x1b[{code}mred\x1b[0m"))
    assert found is not None
    assert contrast(found[2], "#ffffff") >= 4.5
    dark = re.search(rf"--dagbook-{found[1]}-text:(#\w{{6}})", theme_style())
    assert dark is not None
    assert contrast(dark[1], "#14181d") >= 4.5


def test_what_is_asked_of_people_stands_in_the_picture(tmp_path: Path) -> None:
    made = ByHand(tmp_path, Pipeline(name="flow", nodes=(Node(title="publish", approve=("leah",)),)))
    made.create("publish", "publish")
    made.go("publish", State.PENDING_APPROVAL, attempt=0, reason="waits for leah", approvers=["leah"])
    made.tell(RunChanged(RunState.PENDING_APPROVAL))
    told = run_bundle(made.follower(), NOW)
    asked = f"%pipeline_approve publish --by leah --run {made.run}"
    assert asked in Elements(told["text/html"]).text
    assert asked in told["text/plain"]


def test_a_run_that_has_just_begun_has_a_picture_too(tmp_path: Path) -> None:
    told = run_bundle(ByHand(tmp_path, Pipeline(name="flow", nodes=(Node(title="a"),))).follower(), NOW)
    assert "flow" in told["text/html"]
    assert "running" in told["text/plain"]


def test_the_picture_of_a_thousand_nodes_stays_below_a_megabyte(tmp_path: Path) -> None:
    told = run_bundle(wide(tmp_path, 1000), NOW)
    assert len(told["text/html"].encode()) < 1_000_000
    assert "1000 succeeded" in told["text/plain"]


def test_names_that_are_no_text_can_be_sent_and_written(tmp_path: Path) -> None:
    made = failing(tmp_path)
    made.create("extra", "report")
    made.go("extra", State.QUEUED, State.STARTING, State.RUNNING, State.FAILED, reason="no \udcff text")
    follower = made.follower()
    for page in (static_page(follower, NOW), *run_bundle(follower, NOW).values()):
        assert page.encode("utf-8")


def test_the_page_has_a_part_for_each_node_run_and_forbids_scripts(tmp_path: Path) -> None:
    page = static_page(failing(tmp_path).follower(), NOW)
    found = Elements(page)
    assert page.count('<details class="dagbook-node-run">') == 3
    assert "script" not in {tag for tag, _ in found.found}
    policy = re.search('<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    assert policy is not None
    assert policy[1].split("; ")[0] == "default-src &#x27;none&#x27;"
    assert "script-src" not in policy[1]
    assert "read 3 rows" in found.text
    assert "loss: last 0.02" in page
    assert [sandbox for sandbox, _ in found.frames] == [""]


def test_the_page_tells_of_the_runs_beginning_without_its_secrets(tmp_path: Path) -> None:
    pipeline = Pipeline(name="flow", nodes=(Node(title="a"),))
    made = ByHand(tmp_path, pipeline, user="leah", parameters={"epochs": 3, "api_token": "abc123"})
    page = static_page(made.follower(), NOW)
    text = Elements(page).text
    assert "leah" in text
    assert "epochs" in text
    assert "api_token" in text
    assert "abc123" not in page


@pytest.mark.parametrize("text", PAYLOADS)
def test_no_element_or_attribute_of_the_page_comes_of_what_is_shown(text: str, tmp_path: Path) -> None:
    plain, told = (
        Elements(static_page(hostile(tmp_path / str(number), shown).follower(), NOW))
        for number, shown in enumerate((harmless(text), text))
    )
    assert set(told.found) <= set(plain.found)
    assert not {tag for tag, _ in told.found} & NEVER
    assert {address.partition(":")[0] for address in told.addresses} <= {"data"}
    assert {sandbox for sandbox, _ in told.frames} == {""}


def test_the_command_writes_the_page_and_says_where(
    make_notebook: MakeNotebook, dagbook: Callable[..., Said], tmp_path: Path
) -> None:
    """`dagbook show latest --html FILE` after a real run."""
    make_notebook("%%pipeline_node prepare\nimport dagbook\ndagbook.log_tag('rows', 300)\nprint('read it')")
    assert dagbook("run", "flow.ipynb", "--executor", "process").code == 0
    said = dagbook("show", "latest", "--html", tmp_path / "run.html")
    assert (said.code, said.out) == (0, "")
    assert str(tmp_path / "run.html") in said.err
    text = Elements((tmp_path / "run.html").read_text(encoding="utf-8")).text
    assert "read it" in text
    assert "300" in text
    fault = dagbook("show", "--html", tmp_path / "nowhere" / "run.html")
    assert fault.code == 5
    assert "E-FILE-WRITE" in fault.err


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1000, 1600])
def test_the_page_opens_from_a_file_fits_and_complains_of_nothing(
    chromium: Browser, tmp_path: Path, width: int, scheme: str
) -> None:
    file = tmp_path / "run.html"
    file.write_text(static_page(failing(tmp_path).follower(), NOW), encoding="utf-8")
    page = chromium.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text))
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(file.as_uri())
    page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
    frame = page.frame_locator("iframe").locator("td")
    assert frame.inner_text() == "7"
    if os.environ.get("TEST_PICTURES"):
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"page-{width}-{scheme}.png", full_page=True)
    page.close()
    assert heard == []


@pytest.mark.browser
def test_nothing_of_sixty_payloads_runs_in_a_browser(chromium: Browser, tmp_path: Path) -> None:
    """Row T5."""
    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for number, text in enumerate(PAYLOADS):
        folder = tmp_path / str(number)
        file = tmp_path / f"{number}.html"
        # without the policy: nothing may run even where a page around it allows everything
        file.write_text(
            re.sub("<meta http-equiv[^>]*>", "", static_page(hostile(folder, text).follower(), NOW), count=1),
            encoding="utf-8",
        )
        page.goto(file.as_uri())
        page.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
        assert page.evaluate("() => window.__pwned") is None, text
        assert all(_ran_in(frame) is None for frame in page.frames), text
    page.close()
    # One that stays relative was asked in a frame whose page was left meanwhile: it leads nowhere.
    assert {url.partition(":")[0] for url in asked if ":" in url} <= {"file", "data", "about"}


def _ran_in(frame: Frame) -> object:
    """What a payload has left in a frame; a frame that never comes to a page of its own runs nothing."""
    try:
        return frame.locator("html").evaluate("() => window.__pwned", timeout=5000)
    except TimeoutError:
        return None


def test_conditions_and_grids_show_in_the_page(tmp_path: Path) -> None:
    """The winner of a condition carries its mark in the picture and its verdict in the page."""
    best = Node(title="best", after=("fit",), when=(Condition(objective=Objective.MAX, tag="accuracy"),))
    made = ByHand(tmp_path, Pipeline(name="flow", nodes=(Node(title="fit", grid={"lr": [1, 2]}), best)))
    for number, accuracy in ((1, 0.5), (2, 0.9)):
        made.create(f"fit#{number}", "fit", {"lr": number}, {"fit": {"lr": number}})
        made.go(f"fit#{number}", State.QUEUED, State.STARTING, State.RUNNING)
        made.tell(Tagged(f"fit#{number}", "accuracy", accuracy))
        made.go(f"fit#{number}", State.SUCCEEDED)
    made.create("best#2", "best", {}, {"fit": {"lr": 2}}, {"fit": "fit#2"}, "max:fit.accuracy: fit#2 wins with 0.9")
    made.go("best#2", State.QUEUED, State.STARTING, State.RUNNING, State.SUCCEEDED)
    text = Elements(static_page(made.follower(), NOW)).text
    assert "max:fit.accuracy: fit#2 wins with 0.9" in text
    assert "another run wins" in text
