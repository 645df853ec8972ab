"""The documentation tells all there is: codes, magics, commands, settings, states; and its links lead somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from dagbook.runner.cli import main
from dagbook.runner.core.catalogue import CATALOGUE
from dagbook.runner.core.lifecycle import LEGAL, RunState, State
from dagbook.runner.core.values import LONGEST_NAME
from dagbook.runner.formats.magic_table import MAGICS
from dagbook.runner.formats.options import options_of
from dagbook.runner.formats.settings import TABLES, setting_names
from dagbook.runner.records.code import MOST_BYTES, MOST_FILES

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "tests/data/README.md"]
REFERENCE = (DOCS / "reference.md").read_text(encoding="utf-8")
SEMANTICS = (DOCS / "semantics.md").read_text(encoding="utf-8")


def section(title: str, text: str = REFERENCE) -> str:
    """What stands under the heading `title`, up to the next one of the same level or a higher one."""
    found = re.search(rf"(?m)^(#+) {re.escape(title)}\n", text)
    assert found, f"there is no section {title!r}"
    rest = text[found.end() :]
    following = re.search(rf"(?m)^#{{1,{len(found[1])}}} ", rest)
    return rest[: following.start()] if following else rest


def commands(group: click.Command, path: str = "dagbook") -> Iterator[tuple[str, click.Command]]:
    """Every command below `group`, with how it is typed."""
    yield path, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            assert command is not None
            yield from commands(command, f"{path} {name}")


def anchors(page: Path) -> set[str]:
    """The anchors that the headings of a page make, as GitHub and JupyterLab spell them."""
    headings = re.findall(r"(?m)^#+ (.+)$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_code_of_the_catalogue_has_a_section_and_no_section_lacks_its_code() -> None:
    """docs/errors.md and the catalogue name the same codes, each once."""
    told = re.findall(r"(?m)^## ([EW]-[A-Z-]+)$", (DOCS / "errors.md").read_text(encoding="utf-8"))
    assert sorted(told) == sorted(CATALOGUE)


@pytest.mark.parametrize("magic", MAGICS)
def test_every_magic_and_its_options_are_in_the_reference(magic: str) -> None:
    """A magic has a section, and each option that it takes a row there."""
    told = section(MAGICS[magic].spelled)
    missing = [option.name for option in options_of(magic) if f"`{option.name}" not in told]
    assert not missing
    unknown = set(re.findall(r"(?m)^\| `(--[a-z-]+)", told)) - {option.name for option in options_of(magic)}
    assert not unknown


@pytest.mark.parametrize(("typed", "command"), list(commands(main)))
def test_every_command_and_its_options_are_in_the_reference(typed: str, command: click.Command) -> None:
    """A command has a section, and each spelling of each of its options stands there."""
    told = section(typed)
    spelled = {name for one in command.params if isinstance(one, click.Option) for name in one.opts}
    assert not {name for name in spelled if not re.search(rf"`{re.escape(name)}[`, ]", told)}
    rows = {name for row in re.findall(r"(?m)^\| (.*?) \|", told) for name in re.findall(r"`(-[\w-]+)", row)}
    assert rows <= spelled | {"-h", "--help"}


def test_every_setting_is_in_the_reference_with_its_variable() -> None:
    """A setting has a row with its name in dagbook.toml and, but for the tables, its variable."""
    told = section("Settings")
    for name in setting_names():
        assert f"| `{name}` |" in told
        assert name in TABLES or f"`DAGBOOK_{name.upper()}`" in told
    assert set(re.findall(r"(?m)^\| `(\w+)` \|", told)) == set(setting_names())


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
