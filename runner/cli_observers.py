"""Options for those who look on at a run: the mirror in MLflow, and people who are told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

NAMES = ("mlflow", "mlflow_experiment", "notify", "notify_on")


def observer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Who looks on."""
    for option in (
        click.option(
            "--notify-on",
            metavar="EVENTS",
            help="Of what they are told: success, failure, approval, cancelled [the first three].",
        ),
        click.option(
            "--notify", multiple=True, metavar="URL", help="Tell people there how the run goes. May be repeated."
        ),
    ):
        command = option(command)
    return mlflow_options(command)


def mlflow_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Where the mirror is."""
    for option in (
        click.option("--mlflow-experiment", metavar="NAME", help="The experiment there [the pipeline's name]."),
        click.option("--mlflow", metavar="URI", help="Mirror the run to this MLflow server or database."),
    ):
        command = option(command)
    return command


def observers_asked(options: dict[str, Any]) -> dict[str, Any]:
    """What `observer_options` gave a command, as settings; what was not given is left out."""
    given = {name: options.get(name) for name in NAMES}
    return {name: list(value) if name == "notify" else value for name, value in given.items() if value}
