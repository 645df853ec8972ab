"""A command with many options: help by what they are for, not in one long list, and values that are typed in a way that
never works told with the right spelling."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

import click

# By the names that commands give them; what is in no group comes last.
_GROUPS: dict[str, tuple[str, ...]] = {
    "Parameters": ("typed", "raw", "base64_texts", "yaml_files", "yaml_texts", "grids", "help_notebook"),
    "What is run": ("nodes", "start", "until", "force", "no_cache", "max_runs", "on_error", "keep_failed", "no_wait"),
    "Where": ("executor", "image", "jobs", "code", "store"),
    "What FILE means": ("pipeline", "image_map", "input_map"),
    "Results": ("output", "junit", "summary", "html", "annotations", "as_json", "quiet"),
    "Who is told": ("mlflow", "mlflow_experiment", "notify", "notify_on"),
}
_OTHERS = "Options"


_PARAMETER = frozenset({"-p", "--parameters", "-r", "--parameters_raw"})
_PAIR = re.compile(r"(?P<name>[^\W\d](?:[\w .-]*\w)?)=(?P<value>.*)", re.DOTALL)


class Grouped(click.Command):
    """A command whose help lists its options in groups."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command.parse_args`."""
        if not ctx.resilient_parsing and (meant := _meant(args)):
            raise click.UsageError(meant, ctx)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """See `click.Command.format_options`."""
        rows: dict[str, list[tuple[str, str]]] = {title: [] for title in (*_GROUPS, _OTHERS)}
        for one in self.get_params(ctx):
            if isinstance(one, click.Option) and (record := one.get_help_record(ctx)):
                rows[_group_of(str(one.name))].append(record)
        for title, listed in rows.items():
            if listed:
                with formatter.section(title):
                    formatter.write_dl(listed)


def _meant(args: Sequence[str]) -> str:
    """How a parameter or an axis is spelled that was typed in a way that never works; empty where all is well."""
    for number, option in enumerate(args[:-1]):
        given = args[number + 1]
        if option in _PARAMETER and (pair := _PAIR.fullmatch(given)):
            spelled = shlex.join([option, pair["name"], pair["value"]])
            return f"{option} takes a name and a value with a space in between, not {given!r}. Write {spelled}"
        if option == "--grid" and given.endswith(",") and "=" in given:
            spelled = shlex.join([option, "".join(_with_what_follows(args[number + 1 :]))])
            return f"--grid takes its values without spaces, and {given!r} ends with a comma. Write {spelled}"
    return ""


def _with_what_follows(values: Sequence[str]) -> list[str]:
    """The values of an axis of which each but the last ends with a comma."""
    last = next((number for number, one in enumerate(values) if not one.endswith(",")), len(values) - 1)
    found = list(values[: last + 1])
    if found[-1].startswith("--"):
        found.pop()
    return [*found[:-1], found[-1].rstrip(",")]


def _group_of(name: str) -> str:
    return next((title for title, names in _GROUPS.items() if name in names), _OTHERS)
