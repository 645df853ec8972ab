"""A comparison in text: a table where there is room, else a list; then what differs. Plain, or on a terminal."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TextIO

from .compared import Compared
from .comparison import Comparison
from .comparison_sheet import BEST, Cell, Sheet, one_line, sheet, short
from .differences import Artifacts, Differences
from .records.held_files import Files
from .view import COLOURS, age, state_word

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

MOST_DIFF_LINES = 40  # of one node's code
MOST_FILES = 12  # of one list of files
_BETWEEN = "  "  # columns
_DIGEST = 12  # characters of a digest that people compare
EMPTY = "There is no node run of it yet."
_GONE = "its files are not in the store any more"


class Tone(StrEnum):
    """What a line of the differences is, so that it can be coloured."""

    HEAD = "head"
    PLAIN = "plain"
    ADDED = "added"
    REMOVED = "removed"
    PLACE = "place"  # where in a file the next lines of a diff stand


_STYLES = {Tone.HEAD: "bold", Tone.PLAIN: "", Tone.ADDED: "green", Tone.REMOVED: "red", Tone.PLACE: "cyan"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the differences, without its end."""

    text: str
    tone: Tone = Tone.PLAIN


def text(compared: Compared, everything: bool = False, most: int | None = None) -> str:
    """The whole comparison in plain text; at most `most` rows of it."""
    made = sheet(compared.comparison, everything, most)
    parts = [*heading(compared.comparison, compared.now), *_shared(made), "", *_aligned(made), *_left_out(made)]
    return "\n".join([*parts, *(line.text for line in _differing(compared))])


def print_on(stream: TextIO, compared: Compared, everything: bool = False) -> None:
    """The comparison on `stream`: as wide as the terminal that it is, else in plain text."""
    if not stream.isatty():
        print(text(compared, everything), file=stream)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(file=stream, highlight=False)
    made = sheet(compared.comparison, everything)
    for line in [*heading(compared.comparison, compared.now), *_shared(made), ""]:
        console.print(Text(line))
    _print_rows(console, made)
    for told in _differing(compared):
        console.print(Text(told.text, style=_STYLES[told.tone]))


def _differing(compared: Compared) -> Iterator[Line]:
    return lines(compared.differs) if compared.differs is not None else iter(())


def _shared(made: Sheet) -> list[str]:
    return [made.shared] if made.shared else []


def heading(comparison: Comparison, now: float) -> list[str]:
    """What is compared: a line per run."""
    found = []
    width = max(len(state_word(row.state)) for row in comparison.runs)
    for row in comparison.runs:
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row.started))
        took = age(row.seconds(now))
        found.append(f"Run {row.id}  {started}  {state_word(row.state):<{width}}  {took:>8}  {one_line(row.pipeline)}")
    return found


# the table


def _cell(cell: Cell) -> str:
    return f"{BEST} {cell.text}" if cell.best else cell.text


def _aligned(made: Sheet) -> Iterator[str]:
    """The table in lines of plain text, each column as wide as its widest cell."""
    from rich.cells import cell_len

    if not made.rows:
        yield EMPTY
        return
    texts = [[column.head, *map(_cell, column.cells)] for column in made.columns]
    widths = _widths(made)
    for line in zip(*texts, strict=True):
        padded = []
        for one, width, column in zip(line, widths, made.columns, strict=True):
            room = " " * (width - cell_len(one))
            padded.append(room + one if column.right else one + room)
        yield _BETWEEN.join(padded).rstrip()


def _widths(made: Sheet) -> list[int]:
    """How many characters' room each column takes; some characters take the room of two."""
    from rich.cells import cell_len

    return [max(map(cell_len, [column.head, *map(_cell, column.cells)])) for column in made.columns]


def _left_out(made: Sheet) -> list[str]:
    return [f"… {made.left_out} more"] if made.left_out else []


def _print_rows(console: Console, made: Sheet) -> None:
    """The widest form that the terminal has room for: the whole table, one without minor columns, a list."""
    for form in (made, made.major()):
        if made.rows and sum(_widths(form)) + len(_BETWEEN) * (len(form.columns) - 1) <= console.width:
            console.print(_table(form))
            if len(form.columns) < len(made.columns):
                console.print("(min … max is left out: the terminal is too narrow)", style="dim")
            return
    _print_list(console, made)


def _table(made: Sheet) -> RenderableType:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold underline")
    for column in made.columns:
        table.add_column(Text(column.head), justify="right" if column.right else "left", no_wrap=True)
    for number in range(made.rows):
        table.add_row(*(_coloured(column.cells[number]) for column in made.columns))
    return table


def _coloured(cell: Cell) -> Any:
    from rich.text import Text

    return Text(_cell(cell), style=COLOURS[cell.state] if cell.state else "bold green" if cell.best else "")


def _print_list(console: Console, made: Sheet) -> None:
    """Row by row, a line per value: for a table that is wider than the terminal."""
    from rich.text import Text

    if not made.rows:
        console.print(EMPTY)
    keys, values = made.columns[: made.keys], made.columns[made.keys :]
    width = max((len(column.head) for column in values), default=0)
    for number in range(made.rows):
        console.print(Text("  ").join(_coloured(column.cells[number]) for column in keys), style="bold")
        for column in values:
            if column.cells[number].text:
                console.print(Text(f"  {column.head:<{width}}  ").append_text(_coloured(column.cells[number])))
        console.print()


# what differs


def lines(differs: Differences) -> Iterator[Line]:
    """What differs between runs, section by section; values stand from the first run to the last."""
    yield Line("")
    if not differs:
        yield Line("Nothing differs in parameters, nodes, code, images, project files, artifacts, git or dagbook.")
        return
    yield Line(f"What differs ({' → '.join(differs.runs)})", Tone.HEAD)
    yield from _section("parameters", {n: [_word(one, n) for one in v] for n, v in differs.parameters.items()})
    options = {f"{t}: {k}": [_word(one, k) for one in v] for t, by in differs.nodes.items() for k, v in by.items()}
    yield from _section("nodes", options)
    for title, diffs in differs.code.items():
        for diff in filter(None, diffs):
            yield from _diff(title, diff)
    yield from _section("images", {title: list(map(_image, v)) for title, v in differs.images.items()})
    yield from _project(differs)
    yield from _artifacts(differs)
    versions = {"git commit": list(map(_commit, differs.git)), "dagbook": list(map(_word, differs.dagbook))}
    yield from _section("versions", {name: words for name, words in versions.items() if words})


def _section(head: str, named: dict[str, list[str]]) -> Iterator[Line]:
    if not named:
        return
    yield Line("")
    yield Line(head, Tone.HEAD)
    width = max(map(len, named))
    for name, words in named.items():
        yield Line(f"  {one_line(name):<{width}}  {' → '.join(words)}")


def _word(value: Any, name: str = "") -> str:
    if value is None:
        return "–"
    return short(value if isinstance(value, bool | int | float | str | list) else str(value), name)


def _image(image: Any) -> str:
    if not image:
        return "–"
    return f"{one_line(str(image.get('reference')))} ({str(image.get('digest')).removeprefix('sha256:')[:_DIGEST]})"


def _commit(git: Any) -> str:
    if not git:
        return "–"
    return str(git.get("commit"))[:_DIGEST] + (" with changes" if git.get("dirty") else "")


def _diff(title: str, diff: Sequence[str]) -> Iterator[Line]:
    yield Line("")
    yield Line(f"code of {one_line(title)}", Tone.HEAD)
    tones = {"+": Tone.ADDED, "-": Tone.REMOVED, "@": Tone.PLACE}
    for number, line in enumerate(diff[:MOST_DIFF_LINES]):
        tone = Tone.PLACE if number < 2 else tones.get(line[:1], Tone.PLAIN)  # the first two name the runs
        yield Line(f"  {one_line(line.expandtabs(4))}", tone)
    if len(diff) > MOST_DIFF_LINES:
        yield Line(f"  … {len(diff) - MOST_DIFF_LINES} more lines; --json has all")


def _project(differs: Differences) -> Iterator[Line]:
    if not differs.project:
        return
    yield Line("")
    yield Line("project files", Tone.HEAD)
    yield Line(f"  {' → '.join(map(_digest, differs.project))}")
    yield from _files(differs.runs, differs.project, differs.project_files, "  ")


def _digest(digest: Any) -> str:
    return str(digest)[:_DIGEST] if digest else "–"


def _artifacts(differs: Differences) -> Iterator[Line]:
    if differs.artifacts:
        yield Line("")
        yield Line("artifacts", Tone.HEAD)
    for one in differs.artifacts:
        yield Line(f"  {_of(one)}  {' → '.join(map(_digest, one.digests))}")
        yield from _files(differs.runs, one.digests, one.files, "    ")


def _of(one: Artifacts) -> str:
    return one_line(f"{one.node} [{one.route}]" if one.route else one.node)


def _files(runs: Sequence[str], digests: Sequence[Any], files: Sequence[Files | None], margin: str) -> Iterator[Line]:
    """The files of each run after the first, held to the first's; the run is named where there are more than two."""
    first = next((number for number, digest in enumerate(digests) if digest), 0)
    for number, (run, digest, found) in enumerate(zip(runs, digests, files, strict=True)):
        if number == first or not digest or digest == digests[first]:
            continue
        who = f"{run}: " if len(runs) > 2 else ""
        if found is None:
            yield Line(f"{margin}{who}{_GONE}")
            continue
        for word, paths in (("changed", found.changed), ("added", found.added), ("removed", found.removed)):
            if paths:
                more = f", … {len(paths) - MOST_FILES} more" if len(paths) > MOST_FILES else ""
                yield Line(f"{margin}{who}{word}: {', '.join(map(one_line, paths[:MOST_FILES]))}{more}")
