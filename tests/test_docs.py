"""The documentation tells all there is: codes, magics, commands, settings, variables, states; its links lead somewhere.

What is made from the code is as the code is (`scripts/reference` writes it anew), and what is written by hand beside it
names all that it is about.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import click
import fill_reference
import pytest
from python_reference import names

from dagbook.runner.cli import main
from dagbook.runner.core.catalogue import CATALOGUE
from dagbook.runner.core.lifecycle import LEGAL, RunState, State
from dagbook.runner.core.values import LONGEST_NAME
from dagbook.runner.formats.magic_table import MAGICS
from dagbook.runner.formats.options import options_of
from dagbook.runner.formats.settings import TABLES, setting_names
from dagbook.runner.records.code import MOST_BYTES, MOST_FILES
from dagbook.runner.records.failpoints import FAILPOINTS, MODES
from tests.faults import test_failpoints, test_resume

from .conftest import run_dagbook, write_notebook

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [
    *sorted(DOCS.rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "tests/data/README.md")),
    *sorted((ROOT / "example_notebooks").glob("*/README.md")),
]
SEMANTICS = (DOCS / "semantics.md").read_text(encoding="utf-8")
COMMANDS = dict(fill_reference.commands(main))


def reference(page: str) -> str:
    """A page of the reference."""
    return (DOCS / "reference" / f"{page}.md").read_text(encoding="utf-8")


def section(title: str, text: str) -> str:
    """What stands under the heading `title`, up to the next one of the same level or a higher one."""
    found = re.search(rf"(?m)^(#+) {re.escape(title)}\n", text)
    assert found, f"there is no section {title!r}"
    rest = text[found.end() :]
    following = re.search(rf"(?m)^#{{1,{len(found[1])}}} ", rest)
    return rest[: following.start()] if following else rest


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page make, as GitHub and JupyterLab spell them."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", fill_reference.pages(), ids=lambda page: page.stem)
def test_what_is_made_from_the_code_is_as_the_code_is(page: Path) -> None:
    """Nothing lacks its place either; `scripts/reference` makes both."""
    assert page.read_text(encoding="utf-8") == fill_reference.whole(page), "run scripts/reference"
    assert "TO BE TOLD" not in page.read_text(encoding="utf-8").replace(" | ", " ")


def test_every_code_of_the_catalogue_has_a_section_and_no_section_lacks_its_code() -> None:
    """docs/errors.md and the catalogue name the same codes, each once, and say more than the message does."""
    text = (DOCS / "errors.md").read_text(encoding="utf-8")
    told = re.findall(r"(?m)^## ([EW]-[A-Z-]+)$", text)
    assert sorted(told) == sorted(CATALOGUE)
    by_hand = re.sub(r"(?ms)^<!-- made:.*?^<!-- end -->\n", "", text)
    assert not [code for code in told if not section(code, by_hand).strip()]


@pytest.mark.parametrize("magic", MAGICS)
def test_every_magic_and_its_options_are_in_the_reference(magic: str) -> None:
    """A magic has a section, and each option that it takes a row there."""
    told = section(MAGICS[magic].spelled, reference("magics"))
    rows = re.findall(r"(?m)^\| `(--[a-z-]+)", told)
    assert sorted(rows) == sorted(option.name for option in options_of(magic))


@pytest.mark.parametrize("typed", COMMANDS)
def test_every_command_and_its_options_are_in_the_reference(typed: str) -> None:
    """A command has a section, and each spelling of each of its options stands there."""
    told = section(typed, reference("commands"))
    options = (one for one in COMMANDS[typed].params if isinstance(one, click.Option) and not one.hidden)
    spelled = {name for option in options for name in option.opts}
    rows = {name for row in re.findall(r"(?m)^\| (.*?) \|", told) for name in re.findall(r"`(--?[a-z][\w-]*)", row)}
    assert rows == spelled | {"-h", "--help"}


def test_every_public_name_is_in_the_reference() -> None:
    """Each has a section with how it is called."""
    assert set(re.findall(r"(?m)^## (dagbook\.\w+)$", reference("python"))) == set(names())


def test_every_setting_is_in_the_reference_with_its_variable() -> None:
    """A setting has a row with its name in dagbook.toml and, but for the tables, its variable."""
    told = reference("settings")
    for name in setting_names():
        assert re.search(rf"(?m)^\| `{name}`", told)
        assert name in TABLES or f"`DAGBOOK_{name.upper()}`" in told
    assert set(re.findall(r"(?m)^\| `(\w+)`", told)) == set(setting_names())


FLOW = (
    "# parameters\nsize = 2",
    "%pipeline_data table --path table.csv",
    "%%pipeline_node first --after table --param size\nprint('dagbook_tag_mean: 3')",
    "%%pipeline_node second --after first --when gt:mean:1 --param lr=0.1\n"
    "import json, os\njson.dump(sorted(os.environ), open('names.json', 'w'))",
)


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What commands print with --json about a run; `names` are the variables that its second node saw."""
    folder = tmp_path_factory.mktemp("told") / "project"
    write_notebook(folder / "flow.ipynb", *FLOW)
    (folder / "table.csv").write_text("1,2\n")
    env = {"DAGBOOK_EXECUTOR": "process", "DAGBOOK_STORE": str(folder / "store")}
    words = {"run": ("run", "flow.ipynb"), "show": ("show",), "plan": ("plan", "flow.ipynb"), "runs": ("runs",)}
    words |= {"check": ("check", "flow.ipynb"), "compare": ("compare", "latest", "latest")}
    found = {name: run_dagbook(folder, *typed, "--json", env=env).json for name, typed in words.items()}
    second = next(one for one in found["run"]["node_runs"] if one["node"] == "second")
    found["names"] = json.loads((Path(second["artifact"]) / "names.json").read_text())
    return found


def test_every_variable_of_a_node_is_in_the_reference(said: dict[str, Any]) -> None:
    """Those that dagbook sets, by their names or by the pattern that they follow."""
    told = re.findall(r"(?m)^\| (`.*?) \|", reference("nodes"))
    stands_for = {"<SLUG>": "(FIRST|SECOND|TABLE)", "<SLOT>": "", "<NAME>": "(MEAN|SIZE|LR)"}
    names = [name for row in told for name in re.findall(r"`([A-Z_<>]+)`", row)]
    patterns = [re.sub(r"<\w+>", lambda found: stands_for[found[0]], name) for name in names]
    ours = [name for name in said["names"] if re.match(r"(DAGBOOK|CNVRG|INPUT|DATA)_", name)]
    assert {"DAGBOOK_OUTPUT", "INPUT_FIRST", "DAGBOOK_FIRST_MEAN", "CNVRG_FIRST_PASSED_CONDITION"} <= set(ours)
    assert not [name for name in ours if not any(re.fullmatch(pattern, name) for pattern in patterns)]


def test_every_key_of_what_commands_print_as_json_is_in_the_reference(said: dict[str, Any]) -> None:
    """Keys that are names of the user's (parameters, tags, nodes) are not meant."""
    told = section("JSON", reference("commands"))
    keys = {key for name in ("run", "show", "plan", "runs", "check", "compare") for key in _keys(said[name])}
    assert len(keys) > 40
    assert not sorted(key for key in keys if f"`{key}`" not in told)


def _keys(data: Any) -> set[str]:
    if isinstance(data, list):
        return {key for one in data for key in _keys(one)}
    if not isinstance(data, dict):
        return set()
    users = {"params", "tags", "metrics", "route", "images", "computes"}
    return set(data) | {key for name, value in data.items() if name not in users for key in _keys(value)}


def test_every_state_has_its_row() -> None:
    """The two tables of states hold every state that a node run or a run can come to."""
    told = set(re.findall(r"(?m)^\| `(\w+)` \|", section("States", SEMANTICS)))
    assert told == {str(state) for state in (*State, *RunState)}


def test_the_diagram_of_states_shows_the_legal_changes() -> None:
    """Each arrow is a legal change, and each legal change is an arrow."""
    drawn = set(re.findall(r"(?m)^ +(\w+) --> (\w+)", section("States", SEMANTICS)))
    legal = {(str(a), str(b)) for a, nexts in LEGAL.items() for b in nexts}
    assert drawn == legal


def test_limits_are_told_as_they_are() -> None:
    """The limits that the rules name are those of the code."""
    assert f"{MOST_FILES:,} files or {MOST_BYTES // 2**20} MiB" in section("Project snapshot", SEMANTICS)
    assert f"at most {LONGEST_NAME} characters" in section("Tags, metrics, parameters", SEMANTICS)


def test_the_acceptance_list_has_every_row_once() -> None:
    """Rows 1 to 140, in order, each done or later."""
    rows = re.findall(r"(?m)^\| (\d+) \| .* \| (\w+) \|$", (DOCS / "acceptance.md").read_text(encoding="utf-8"))
    assert [int(number) for number, _ in rows] == list(range(1, 141))
    assert {state for _, state in rows} == {"done", "later"}


@pytest.mark.parametrize("folder", ["howto", "coming_from", "reference"])
def test_every_page_of_a_folder_is_listed_on_its_first_one(folder: str) -> None:
    """A page that nobody finds is no page."""
    listed = re.findall(r"\]\((\w+\.md)\)", (DOCS / folder / "index.md").read_text(encoding="utf-8"))
    assert sorted({*listed, "index.md"}) == sorted(page.name for page in (DOCS / folder).glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_somewhere(page: Path) -> None:
    """A link to a file finds the file, and one to a heading finds the heading."""
    lost = []
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert not lost


def test_every_test_that_proves_a_promise_is_there() -> None:
    named = set(re.findall(r"`((?:tests|runner)/[\w/]+\.py)`", (DOCS / "reliability.md").read_text(encoding="utf-8")))
    assert len(named) > 10
    assert [one for one in sorted(named) if not (DOCS.parent / one).is_file()] == []


def test_the_page_of_promises_counts_the_faults_that_are_tried() -> None:
    page = (DOCS / "reliability.md").read_text(encoding="utf-8")
    begun = len(test_failpoints.OF_RUNS) + len(test_failpoints.OF_CONTAINERS) + len(test_failpoints.OF_RECOVERY)
    resumed = len(test_failpoints.OF_RESUMED_RUNS)
    assert begun + len(test_failpoints.OF_NOTICES) == len(FAILPOINTS)
    assert f"A run has {len(FAILPOINTS)} named steps" in page
    assert f"its disk fails or is full | {2 * begun} | {len(MODES) * (begun + resumed)} |" in page
    assert f"random moments | {5 * test_resume.KILLS} | {100 * test_resume.KILLS} |" in page
