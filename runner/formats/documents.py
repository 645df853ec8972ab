"""YAML and JSON files, read into values that know where they stand. Nothing is executed, and no tag is obeyed.

Plain words are typed as YAML 1.2 types them (`no`, `1:30` and `on` are texts), and what was typed stays known, so that
a number can still be taken as the text that it was. The limits keep a small file from becoming a large one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import PipelineError, Place, Problem, problem
from .scalars import Real as Real  # for those who know them from here
from .scalars import Whole as Whole
from .scalars import bare as bare
from .scalars import in_one_piece, typed

Event = Any  # of ruamel.yaml; its kinds share no attributes that a type checker knows of

LARGEST_FILE = 5_000_000  # bytes
DEEPEST = 100  # values within values
MOST_VALUES = 200_000  # with everything that aliases repeat

_BETWEEN = re.compile(r"[ \t\r\n,]*")
_ODD = re.compile("[\x7f-\x9f\u2028\u2029\ufffe\uffff]")  # in JSON letters like others, in YAML not
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "map", "seq")}
_TEXT = "tag:yaml.org,2002:str"


@dataclass(frozen=True, slots=True)
class Entry:
    """A value of a document: a mapping by names, a list, or a scalar; and where it begins (both counted from 1)."""

    value: Any
    line: int
    column: int
    size: int = 1  # how many values it holds, itself among them

    def at(self, path: Sequence[str | int]) -> Entry:
        """The entry at this path, or the last one on the way to it that there is."""
        here = self
        for step in path:
            try:
                here = here.value[step]
            except (TypeError, LookupError):
                break
        return here

    def plain(self) -> Any:
        """The value without places; numbers still remember how they were written."""
        if isinstance(self.value, dict):
            return {name: entry.plain() for name, entry in self.value.items()}
        if isinstance(self.value, list):
            return [entry.plain() for entry in self.value]
        return self.value


def text_of(data: bytes, file: str) -> str:
    """The text of a file. Raises PipelineError (E-YAML-SIZE, E-YAML-SYNTAX)."""
    if len(data) > LARGEST_FILE:
        raise PipelineError(
            problem("E-YAML-SIZE", Place(file), what=f"{len(data):,} bytes, and {LARGEST_FILE:,} is the most")
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        why = "it is not UTF-8"
        raise PipelineError(
            problem("E-YAML-SYNTAX", Place(file, line=line), why=why, hint="Save it as UTF-8.")
        ) from None
    return text.replace("\r\n", "\n")


def documents_of(text: str, file: str) -> list[Entry]:
    """The documents in a text: YAML, JSON, or several of one kind after each other; empty ones are left out.

    Raises PipelineError (E-YAML-…), each with file, line and column.
    """
    found: list[Entry] = []
    values = 0
    for part, line, column in _parts(text):
        builder = _Builder(file, line, column, values)
        found += builder.documents(part)
        values = builder.values
    return [entry for entry in found if entry.value is not None]


def one_document(text: str, file: str) -> Entry:
    """The only document of a text. Raises PipelineError, also E-YAML-EMPTY and E-YAML-MULTI."""
    found = documents_of(text, file)
    if not found:
        raise PipelineError(problem("E-YAML-EMPTY", Place(file)))
    if len(found) > 1:
        raise PipelineError(problem("E-YAML-MULTI", Place(file, line=found[1].line), count=len(found)))
    return found[0]


def _parts(text: str) -> Iterator[tuple[str, int, int]]:
    """JSON values that follow each other without a mark between them, each with its line and column; else the whole."""
    start = len(text) - len(text.lstrip())
    if text[start : start + 1] not in ("{", "["):
        yield text, 1, 1
        return
    decoder = json.JSONDecoder()
    cut: list[tuple[int, int]] = []
    while start < len(text):
        try:
            _value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):  # YAML in flow style, or a fault that its reader tells better
            yield text.replace("\t", " ") if not cut else text, 1, 1
            return
        cut.append((start, end))
        start = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]
    line, counted = 1, 0
    for start, end in cut:
        line, counted = line + text.count("\n", counted, start), start
        newline = text.rfind("\n", 0, start) + 1
        # JSON may be indented with tabs, and YAML may not; within a JSON text a tab is always spelled \t.
        json_text = _ODD.sub(lambda found: f"\\u{ord(found[0]):04x}", text[start:end].replace("\t", " "))
        yield json_text, line, start - newline + 1


class _Builder:
    """Builds the entries of one text from the parser's events, without recursion."""

    def __init__(self, file: str, first_line: int, first_column: int, values: int = 0) -> None:
        self._file = file
        self._before = first_line - 1
        self._left_of = first_column - 1
        self._anchors: dict[str, Entry] = {}
        self.values = values  # so far in the whole file

    def documents(self, text: str) -> Iterator[Entry]:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import YAMLError
        from ruamel.yaml.events import DocumentStartEvent, StreamEndEvent

        events = YAML(typ="safe", pure=True).parse(text)
        try:
            for event in events:
                if isinstance(event, DocumentStartEvent):
                    self._anchors = {}
                    yield self._value(events)
                elif isinstance(event, StreamEndEvent):
                    return
        except (YAMLError, ValueError, RecursionError) as error:
            raise self._syntax(error, text) from None

    def _value(self, events: Iterator[Event]) -> Entry:
        """The value that begins with the next event."""
        from ruamel.yaml import events as kinds

        open_: list[_Open] = []
        while True:
            event = next(events)
            if isinstance(event, kinds.MappingStartEvent | kinds.SequenceStartEvent):
                self._check_tag(event)
                if len(open_) == DEEPEST:
                    raise PipelineError(problem("E-YAML-DEPTH", self._place(event), limit=DEEPEST))
                open_.append(_Open(event, isinstance(event, kinds.MappingStartEvent)))
                continue
            if isinstance(event, kinds.MappingEndEvent | kinds.SequenceEndEvent):
                opened = open_.pop()
                entry = self._closed(opened)
                event = opened.event
            elif isinstance(event, kinds.AliasEvent):
                entry = self._alias(event)
            else:
                self._check_tag(event)
                entry = self._scalar(event)
            if event.anchor and not isinstance(event, kinds.AliasEvent):
                self._anchors[event.anchor] = entry
            self.values += entry.size if isinstance(event, kinds.AliasEvent) else 1
            if self.values > MOST_VALUES:
                raise PipelineError(self._too_many(self._place(event)))
            if not open_:
                return entry
            self._put(open_[-1], entry, event)

    def _put(self, into: _Open, entry: Entry, event: Event) -> None:
        into.size += entry.size
        if not into.is_mapping:
            into.items.append(entry)
        elif into.key is None:
            into.key = self._key(entry, event)
        else:
            name, at = into.key
            if name in into.named:
                first = into.named[name][1].line
                raise PipelineError(
                    problem("E-YAML-DUPKEY", self._place_at(at.line, at.column), name=name, first=first)
                )
            into.named[name] = (entry, at)
            into.key = None

    def _key(self, entry: Entry, event: Event) -> tuple[str, Entry]:
        """A name in a mapping: a scalar as it was written."""
        if isinstance(entry.value, dict | list):
            place = self._place_at(entry.line, entry.column)
            raise PipelineError(problem("E-YAML-KEY", place))
        return in_one_piece(str(getattr(event, "value", entry.value))), entry

    def _closed(self, opened: _Open) -> Entry:
        line, column = self._where(opened.event)
        if not opened.is_mapping:
            return Entry(opened.items, line, column, opened.size)
        named = {name: entry for name, (entry, _at) in opened.named.items()}
        merged = named.pop("<<", None)
        if merged is not None:
            named = {**_merged(merged), **named}
        return Entry(named, line, column, opened.size)

    def _alias(self, event: Event) -> Entry:
        try:
            return self._anchors[event.anchor]
        except KeyError:
            why = f"*{event.anchor} refers to nothing"
            hint = "Name the value before with &, or quote a text that begins with *."
            raise PipelineError(problem("E-YAML-SYNTAX", self._place(event), why=why, hint=hint)) from None

    def _scalar(self, event: Event) -> Entry:
        line, column = self._where(event)
        text = in_one_piece(event.value)
        quoted = event.style is not None or event.tag == _TEXT
        return Entry(text if quoted else typed(text), line, column)

    def _check_tag(self, event: Event) -> None:
        if event.tag and event.tag not in _PLAIN_TAGS and event.tag != "!":
            raise PipelineError(problem("E-YAML-TAG", self._place(event), tag=event.tag))

    def _too_many(self, place: Place) -> Problem:
        if self._anchors:
            return problem("E-YAML-ALIASES", place, limit=MOST_VALUES)
        return problem("E-YAML-SIZE", place, what=f"more than {MOST_VALUES:,} values")

    def _where(self, event: Event) -> tuple[int, int]:
        mark = event.start_mark
        return mark.line + 1 + self._before, mark.column + 1 + (self._left_of if mark.line == 0 else 0)

    def _place(self, event: Event) -> Place:
        return self._place_at(*self._where(event))

    def _place_at(self, line: int, column: int) -> Place:
        return Place(self._file, line=line, column=column)

    def _syntax(self, error: Exception, text: str) -> PipelineError:
        mark = getattr(error, "problem_mark", None)
        said = str(getattr(error, "problem", None) or str(error).partition("\n")[0]).strip()
        line, column = (mark.line + 1, mark.column + 1) if mark else _unreadable(text)
        written = text.splitlines()[line - 1] if 0 < line <= len(text.splitlines()) else ""
        hint = _hint_for(said, written)
        place = self._place_at(line + self._before, column)
        return PipelineError(problem("E-YAML-SYNTAX", place, why=said or type(error).__name__, hint=hint))


class _Open:
    """A mapping or list whose end has not come yet."""

    def __init__(self, event: Event, is_mapping: bool) -> None:
        self.event, self.is_mapping = event, is_mapping
        self.items: list[Entry] = []
        self.named: dict[str, tuple[Entry, Entry]] = {}
        self.key: tuple[str, Entry] | None = None
        self.size = 1


def _merged(entry: Entry) -> dict[str, Entry]:
    """What `<<` brings in: a mapping, or several of which earlier ones win."""
    found: dict[str, Entry] = {}
    for one in entry.value if isinstance(entry.value, list) else [entry]:
        if isinstance(one.value, dict):
            found = {**one.value, **found}
    return found


def _unreadable(text: str) -> tuple[int, int]:
    """Where the first character stands that no YAML may hold."""
    for number, line in enumerate(text.split("\n"), 1):
        for column, character in enumerate(line, 1):
            if not (character.isprintable() or character in "\t\x85\xa0\ufeff"):
                return number, column
    return 1, 1


def _hint_for(said: str, line: str) -> str:
    if "\\t" in said or "\t" in line[: len(line) - len(line.lstrip())]:
        return "Indent with spaces; YAML takes no tabs there."
    if "mapping values are not allowed" in said and line.count(": ") > 1:
        return "Quote a text that holds a colon and a space, or write it below the key after |."
    if "mapping values are not allowed" in said:
        return "A key must stand in the same column as the keys beside it; `dagbook import --repair` may mend it."
    if "{{" in line:
        return "Quote a value with braces: '{{ task.tag }}'."
    if "special characters" in said:
        return "Take the control character out."
    return "Look at the indentation and the quotes there."
