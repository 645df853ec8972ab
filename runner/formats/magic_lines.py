"""The line behind a magic's name: cut into tokens as a shell would cut it, checked, and parsed.

Nothing is ever expanded or run: `$x`, `{x}`, `$(…)` and backquotes are plain text (reliability row M6).
Every finding points at the token that is meant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from ..core.errors import PipelineError, Problem, nearest, problem
from .magic_table import MAGICS
from .options import Option, options_of
from .parsers import parser_of, usage

Made = TypeVar("Made")

_WHITE = " \t\r\n"
_TWO_ENDS = 'A title of several words stands in quotes: "Train model".output.*.csv'
_BARE = re.compile(r"""[^\s'"\\]+|[^\S \t\r\n]+""")  # white space of other kinds belongs to words, as for shlex
_OPENED = re.compile(r"\{ ?\{[^{}]*$")  # a reference that white space without quotes has cut
_QUOTES = {"'": re.compile(r"'([^']*)'"), '"': re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a line without its quotes, and where it stands (0-based columns, end excluded)."""

    text: str
    start: int
    end: int


def pointed(magic: str, line: str, start: int, end: int) -> str:
    """Two lines for a message: the magic line, and a mark below the columns from `start` to `end`."""
    spelled = MAGICS[magic].spelled
    first = max(0, start - 60)  # a very long line is shown around the mark
    shown = ("…" if first else "") + line[first : start + 60]
    mark = start - first + (1 if first else 0)
    width = max(1, min(end, start + 60) - start)
    return f"    {spelled} {shown}\n    {' ' * (len(spelled) + 1 + mark)}{'^' * width}"


def fault(magic: str, line: str, token: Token, what: str, hint: str) -> PipelineError:
    """E-MAGIC-ARG for `token`: what is wrong with it, the line with a mark below the token, what to do."""
    return PipelineError(
        problem("E-MAGIC-ARG", what=f"{what}\n{pointed(magic, line, token.start, token.end)}", hint=hint)
    )


def tokens_of(magic: str, line: str) -> list[Token]:
    """The words of `line`, cut and unquoted as shlex.split does it (which takes quadratic time for long values).

    Raises PipelineError (E-MAGIC-ARG) for a quote that is not closed, and for a backslash outside quotes, which
    shlex would swallow: `p=C:\\new` is not to become `p=C:new` in silence.
    """
    found: list[Token] = []
    start = _skip_white(line, 0)
    while start < len(line):
        token = _next_token(magic, line, start)
        found.append(token)
        start = _skip_white(line, token.end)
    return found


def _skip_white(line: str, position: int) -> int:
    while position < len(line) and line[position] in _WHITE:
        position += 1
    return position


def _next_token(magic: str, line: str, start: int) -> Token:
    """The token that begins at `start`."""
    parts: list[str] = []
    position = start
    while position < len(line) and line[position] not in _WHITE:
        character = line[position]
        if character in _QUOTES:
            match = _QUOTES[character].match(line, position)
            if match is None:
                token = Token(character, position, position + 1)
                hint = f"Close it with another {character}"
                raise fault(magic, line, token, f"the quote {character} is opened and never closed", hint)
            text = match[1]
            parts.append(re.sub(r'\\(["\\])', r"\1", text) if character == '"' else text)
        elif character == "\\":
            token = Token("\\", position, position + 1)
            hint = _quoted_hint(line, start, position)
            raise fault(magic, line, token, "a backslash outside quotes would be lost", hint)
        else:
            match = _BARE.match(line, position)
            assert match is not None  # it matches the character that was just looked at
            parts.append(match[0])
        position = match.end()
    return Token("".join(parts), start, position)


def _quoted_hint(line: str, start: int, position: int) -> str:
    if position == len(line.rstrip()) - 1:
        return "Write the magic on one line; it cannot go on in the next."
    word = line[start:].split(maxsplit=1)[0]
    key, equals, value = word.partition("=")
    if equals and "'" not in value and key.isidentifier():
        return f"Put the value in single quotes: {key}='{value}'"
    return f"Put it in single quotes: '{word}'" if "'" not in word else "Put it in single quotes."


@dataclass(frozen=True, slots=True)
class Line:
    """A parsed magic line: `title`, the first positional word as typed (None without), `values`, what argparse and
    the table made of each option, by dest (`on_error`), `given`, the tokens of those options that were typed, and
    `words`, the tokens of all positional words."""

    magic: str
    text: str
    title: str | None
    values: dict[str, Any]
    given: dict[str, tuple[Token, ...]]
    words: tuple[Token, ...] = ()

    def made(self, token: Token, make: Callable[[], Made]) -> Made:
        """What `make` gives; a finding that it raises points at `token` of this line."""
        try:
            return make()
        except PipelineError as error:
            raise self.pointing(error, token) from None

    def fault(self, token: Token, what: str, hint: str) -> PipelineError:
        """E-MAGIC-ARG pointing at `token` of this line."""
        return fault(self.magic, self.text, token, what, hint)

    def pointing(self, error: PipelineError, token: Token) -> PipelineError:
        """`error` with the line and a mark below `token` added to each message."""
        return _with_mark(error, pointed(self.magic, self.text, token.start, token.end))


def _with_mark(error: PipelineError, mark: str) -> PipelineError:
    return PipelineError(*(Problem(p.code, f"{p.message}\n{mark}", p.hint, p.place) for p in error.problems))


def read_line(magic: str, line: str) -> Line:
    """Parse the line of `magic` (its name without %) by the table of options.

    Raises PipelineError: E-MAGIC-USAGE when something that must be there is missing, E-MAGIC-ARG for a token that
    has no place, and the code of the value's own type for a value that means nothing (E-VALUE, E-IMAGE-REF,
    E-NAME-CHARS, …).
    """
    tokens = tokens_of(magic, line)
    positional, options = _cut(magic, line, tokens)
    given: dict[str, tuple[Token, ...]] = {}
    spelled: list[str] = []
    for option, head, values in options:
        if option.dest in given and not option.many:
            raise fault(magic, line, head, f"{option.name} is given twice", "Keep one of the two.")
        given[option.dest] = given.get(option.dest, ()) + (values or (head,))
        # One canonical word per value: a value that begins with - is then no option to argparse.
        spelled += [f"{option.name}={value.text}" for value in values] or [option.name]
    for option in options_of(magic):
        if option.required and option.dest not in given:
            raise PipelineError(problem("E-MAGIC-USAGE", what=f"{option.name} is missing", usage=usage(magic)))
    words = ["--", *(token.text for token in positional)] if positional else []
    parsed = vars(parser_of(magic).parse_args([*spelled, *words]))
    return _converted(Line(magic, line, parsed.pop("title", None), parsed, given, tuple(positional)))


def _cut(
    magic: str, line: str, tokens: list[Token]
) -> tuple[list[Token], list[tuple[Option, Token, tuple[Token, ...]]]]:
    """The positional words, and each option as typed with its values."""
    row = MAGICS[magic]
    _refuse_single_dashes(magic, line, tokens)
    heads = [i for i, token in enumerate(tokens) if _is_option(line, token)]
    first = heads[0] if heads else len(tokens)
    positional = tokens[:first]
    wanted = row.positional.split()
    if row.required and len(positional) < len(wanted):
        named = "a title" if len(wanted) == 1 else " and ".join(wanted)
        late = " first, before the options" if heads else ""
        raise PipelineError(problem("E-MAGIC-USAGE", what=f"{row.spelled} needs {named}{late}", usage=usage(magic)))
    if len(positional) > len(wanted) and wanted:
        together = " ".join(token.text for token in positional)
        hint = f'A title of several words stands in quotes: "{together}"' if len(wanted) == 1 else _TWO_ENDS
        extra = positional[len(wanted)]
        raise fault(magic, line, extra, f"{extra.text!r} is one word too many", hint)
    if positional and not row.positional:
        hint = _two_dashes(magic, positional[0]) or f"Usage: {usage(magic)}"
        raise fault(magic, line, positional[0], f"{row.spelled} takes no word without an option", hint)
    bounds = [*heads[1:], len(tokens)]
    groups = [tokens[head:end] for head, end in zip(heads, bounds, strict=False)]
    return positional, [_option_of(magic, line, group) for group in groups]


def _refuse_single_dashes(magic: str, line: str, tokens: list[Token]) -> None:
    """`-grid` for --grid would be taken for a word of what stands before it."""
    names = {option.name for option in options_of(magic)}
    for token in tokens:
        meant = "-" + token.text.partition("=")[0]
        if line.startswith("-", token.start) and meant in names:
            raise fault(magic, line, token, f"there is no option {meant[1:]}", f'Did you mean "{meant}"?')


def _two_dashes(magic: str, token: Token) -> str:
    """What to say of a word such as -p, which is an option on the command line; empty for other words."""
    letter = re.fullmatch("-[a-zA-Z]", token.text)
    return f"Options have two dashes in a cell. All of them: {MAGICS[magic].spelled}?" if letter else ""


def _is_option(line: str, token: Token) -> bool:
    """An option begins with -- and without a quote, so that a title or value in quotes may begin with --."""
    return line.startswith("--", token.start) and token.text != "--"


def _option_of(magic: str, line: str, group: list[Token]) -> tuple[Option, Token, tuple[Token, ...]]:
    known = {option.name: option for option in options_of(magic)}
    head, values = group[0], group[1:]
    name, equals, attached = head.text.partition("=")
    if name not in known:
        hint = f"{nearest(name, known)} All of them: {MAGICS[magic].spelled}?"
        end = head.start + len(name)
        raise fault(magic, line, Token(name, head.start, end), f"there is no option {name}", hint)
    option = known[name]
    if equals:
        values = [Token(attached, head.start + len(name) + 1, head.end), *values]
    if not option.metavar and values:
        hint = _two_dashes(magic, values[0]) or f"Write {name} alone."
        raise fault(magic, line, values[0], f"{name} takes no value", hint)
    if option.metavar and not values and not option.bare:
        raise fault(magic, line, head, f"{name} has no value", f"Write {name} {option.metavar} ({option.help}).")
    if len(values) > 1 and not option.many:
        hint = f"{name} takes one {option.metavar}; quote a value that has spaces."
        raise fault(magic, line, values[1], f"{values[1].text!r} is one word too many", hint)
    return option, head, tuple(values)


def _converted(line: Line) -> Line:
    """The same line with the values made by the converters of the table."""
    for option in options_of(line.magic):
        if option.dest not in line.given or not option.metavar:
            continue
        typed = [token for token in line.given[option.dest] if not (option.bare and token.text == option.name)]
        made = [_value(line, option, token) for token in typed]
        line.values[option.dest] = made if option.many else made[0]
    return line


def _value(line: Line, option: Option, token: Token) -> object:
    if option.choices and token.text not in option.choices:
        what = f"{option.name} {token.text} is not one of {', '.join(option.choices)}"
        raise line.fault(token, what, nearest(token.text, option.choices))
    try:
        return option.convert(token.text)
    except PipelineError as error:
        raise line.pointing(error, token) from None


def pairs(line: Line, dest: str) -> Iterator[tuple[str, str | None, Token]]:
    """The NAME=VALUE values of an option: name, value (None without `=`) and token. Raises E-MAGIC-ARG."""
    for token in line.given.get(dest, ()):
        name, equals, value = token.text.partition("=")
        if not name:
            hint = "Write NAME=VALUE without spaces around the = sign."
            raise line.fault(token, f"{token.text!r} has no name before the = sign", hint)
        if _OPENED.search(value) and line.text[token.end :].strip():
            hint = f'Quote the whole word: --{dest} "{name}={{{{ Task title.tag }}}}"'
            raise line.fault(token, "the braces are opened in this word and not closed in it", hint)
        yield name, value if equals else None, token
