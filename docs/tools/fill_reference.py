"""Fills in what of the reference is made from the code: between `<!-- made: … -->` and `<!-- end -->`.

What stands between two such lines is written anew by `scripts/reference`, and what stands elsewhere is left as it is:
so explanations written by hand stay beside the tables that they explain. A test compares the pages with the code.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import click
from python_reference import names, told

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_TYPED = re.compile(r"(?<![\w`-])(--?[a-z][\w-]*|%%?pipeline\w*|/(?:input|output|code|cnvrg|data)\b[\w/<>]*)")
_BLOCK = re.compile(r"(?ms)^(<!-- made: (\w+) (.+?) -->)\n(.*?)^<!-- end -->$")

# Where the rules behind an option are told, seen from docs/reference/.
_TOLD = {
    "--map": "../semantics.md#datums",
    "--when": "#conditions-as-they-are-written",
    "--compute": "values.md#compute-templates",
    "--git": "values.md#repositories",
    "--secret": "../semantics.md#secrets",
    "--approve": "../semantics.md#approvals",
    "--gather": "../semantics.md#edges",
    "--single": "../semantics.md#routes",
    "--input": "../semantics.md#edges",
    "--on-error": "../semantics.md#failures",
}


def pages() -> list[Path]:
    """The pages that hold something made."""
    return [*sorted((DOCS / "reference").glob("*.md")), DOCS / "errors.md"]


def filled(text: str) -> str:
    """The text of a page with all that is made made anew; KeyError for what the code does not have."""

    def made(found: re.Match[str]) -> str:
        lines = "\n".join(MAKERS[found[2]](found[3], found[4]))
        return f"{found[1]}\n{lines}\n<!-- end -->"

    return _BLOCK.sub(made, text)


def placed(text: str, kind: str, names: Iterable[str], before: str) -> str:
    """The text of a page with a place for each of `names` that has none, in front of the heading `before`."""
    at = text.index(f"## {before}\n")
    new = [name for name in names if f"<!-- made: {kind} {name} -->" not in text]
    sections = "".join(f"## {name}\n\n<!-- made: {kind} {name} -->\n<!-- end -->\n\n" for name in new)
    return text[:at] + sections + text[at:]


def whole(page: Path) -> str:
    """The text of a page as it should be: a place for all that there is, and all filled."""
    text = page.read_text(encoding="utf-8")
    if page.name == "commands.md":
        from dagbook.runner.cli import main

        text = placed(text, "command", dict(commands(main)), "Reports")
    if page.name == "magics.md":
        from dagbook.runner.formats.magic_table import MAGICS

        text = placed(text, "magic", [magic.spelled for magic in MAGICS.values()], "Conditions as they are written")
    if page.name == "python.md":
        text = placed(text, "python", names(), "Elsewhere")
    return filled(text)


def made_for(kind: str) -> set[str]:
    """What of one kind the pages have a place for."""
    blocks = (found for page in pages() for found in _BLOCK.findall(page.read_text(encoding="utf-8")))
    return {name for _, found, name, _ in blocks if found == kind}


def commands(group: click.Command, path: str = "dagbook") -> Iterator[tuple[str, click.Command]]:
    """`group` and every command below it, with how each is typed."""
    yield path, group
    if isinstance(group, click.Group):
        context = click.Context(group)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None and not command.hidden:
                yield from commands(command, f"{path} {name}")


def _magic(spelled: str, _: str) -> Iterator[str]:
    from dagbook.runner.formats.magic_table import MAGICS
    from dagbook.runner.formats.options import options_of

    magic = MAGICS[spelled.lstrip("%")]
    yield from (_marked(magic.help), "", "```", magic.example, "```")
    rows = list(options_of(magic.name))
    if rows:
        yield from ("", "| Option | |", "|---|---|")
    for option in rows:
        typed = f"{option.name} {option.metavar}".strip()
        if option.bare:
            typed = f"{option.name} [{option.metavar}]"
        about = _marked(option.help)
        if option.choices:
            about += ": " + ", ".join(f"`{one}`" for one in option.choices)
        about += "; one or more" if option.many and not option.bare else ""
        about += "; it must be given" if option.required else ""
        about += f"; see [the rules]({_TOLD[option.name]})" if option.name in _TOLD else ""
        yield f"| `{_cell(typed)}` | {about} |"


def _command(typed: str, _: str) -> Iterator[str]:
    from dagbook.runner.cli import main

    command = dict(commands(main))[typed]
    yield from _help(command.help or "")
    arguments = [one for one in command.params if isinstance(one, click.Argument)]
    options = [one for one in command.params if isinstance(one, click.Option)]
    if not isinstance(command, click.Group):
        words = [typed, *(one.make_metavar(click.Context(command)) for one in arguments), "[OPTIONS]"]
        yield from ("", "```", " ".join(words), "```")
    yield from ("", "| Option | |", "|---|---|")
    for option in options:
        names = ", ".join(f"`{name}`" for name in option.opts)
        if takes := _taken(option):
            names = f"{names[:-1]} {_cell(takes)}`"
        yield f"| {names} | {_marked(option.help or '')}{_more(option)} |"
    yield "| `-h`, `--help` | Show the help and exit. |"


def _help(text: str) -> Iterator[str]:
    """The help of a command as Markdown: paragraphs, a sentence on each line, and examples as they are typed."""
    for number, paragraph in enumerate(inspect.cleandoc(text).split("\n\n")):
        if number:
            yield ""
        if paragraph.startswith("\b"):
            yield from ("```", *paragraph.splitlines()[1:], "```")
        else:
            yield from re.split(r"(?<=[.:]) (?=[A-Z\"])", _marked(paragraph.replace("\n", " ")))


def _taken(option: click.Option) -> str:
    if option.is_flag or option.count:
        return ""
    if isinstance(option.type, click.Choice):
        return "|".join(map(str, option.type.choices))
    return option.metavar or {"integer": "N", "path": "PATH"}.get(option.type.name.split(" ")[0], "TEXT")


def _more(option: click.Option) -> str:
    default = option.default if isinstance(option.default, int | str) and not option.is_flag else None
    shown = f" [{default}]" if default not in (None, "") and "[" not in (option.help or "") else ""
    again = option.multiple and "repeated" not in (option.help or "")
    return shown + (" May be repeated." if again else "")


def _settings(_: str, there: str) -> Iterator[str]:
    """The last two columns, default and meaning, are written by hand, and kept."""
    from dagbook.runner.cli import main
    from dagbook.runner.formats.settings import TABLES, setting_names

    by_hand = {row[1].split("`")[1]: " | ".join(map(str.strip, row[2:4])) for row in _rows(there) if "`" in row[1]}
    flags = {name for _, command in commands(main) for one in command.params for name in one.opts}
    missing = "TO BE | TOLD"  # which no page may keep
    yield from ("| In `dagbook.toml`, variable, option | Default | |", "|---|---|---|")
    for name in setting_names():
        spelled = [name] if name in TABLES else [name, f"DAGBOOK_{name.upper()}"]
        spelled += [flag] if (flag := f"--{name.replace('_', '-')}") in flags else []
        yield f"| {'<br>'.join(f'`{one}`' for one in spelled)} | {by_hand.get(name, missing)} |"


def _rows(table: str) -> Iterator[list[str]]:
    for line in table.splitlines()[2:]:
        yield re.split(r"(?<!\\)\|", line)


def _python(name: str, _: str) -> Iterator[str]:
    return told(name)


def _error(code: str, _: str) -> Iterator[str]:
    from dagbook.runner.core.catalogue import CATALOGUE

    said = [re.sub(r"\{(\w+)[^}]*\}", lambda found: found[1].upper(), one) for one in CATALOGUE[code]]
    message, hint = ("" if re.fullmatch(r"[A-Z]+", one) else one for one in said)
    if message or hint:
        yield from ("```text", f"{code}: {message or '…'}", *([f"  {hint}"] if hint else []), "```")


MAKERS: dict[str, Callable[[str, str], Iterator[str]]] = {
    "magic": _magic,
    "command": _command,
    "settings": _settings,
    "python": _python,
    "error": _error,
}


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _marked(text: str) -> str:
    """Plain text as Markdown: options and what is typed as code, nothing else taken for a mark."""
    text = re.sub(
        r"(?<![\w`-])(--?[a-z][\w-]*|%%?pipeline\w*|/(?:input|output|code|cnvrg|data)\b[\w/<>]*)", r"`\1`", text
    )
    return re.sub(r"(?<!\\)\*", r"\\*", _cell(text))


def main(arguments: list[str]) -> int:
    """Write the pages anew, or with --check name those that are not as the code is."""
    stale = [page for page in pages() if whole(page) != page.read_text(encoding="utf-8")]
    for page in stale:
        if "--check" not in arguments:
            page.write_text(whole(page), encoding="utf-8")
        print(page.relative_to(ROOT))
    return int(bool(stale) and "--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
