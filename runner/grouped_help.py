"""Help of a command with many options: by what they are for, not in one long list."""

from __future__ import annotations

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


class Grouped(click.Command):
    """A command whose help lists its options in groups."""

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


def _group_of(name: str) -> str:
    return next((title for title, names in _GROUPS.items() if name in names), _OTHERS)
