"""Running a pipeline that a program has built: in a process of its own, which this program waits for, or not."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from ..asked import Asked, ask
from ..core.errors import Problem, raise_errors
from ..formats.given_values import parameters_of, with_values
from ..formats.settings import read_settings
from ..handles.run import Run
from ..handles.shown import Looking, nobody_can_be_asked
from .being_read import refuse
from .run_options import asked_fields, flags_of, observers_of, split

if TYPE_CHECKING:
    from ..launch import Launched
    from .pipeline import Pipeline


def asked(flow: Pipeline, options: Mapping[str, Any], started_by: str) -> Asked:
    """What is to be run, and no mistake in it. Raises PipelineError."""
    warnings = raise_errors(flow.problems())
    tell_warnings([one for one in warnings if one not in flow._told])  # once, however often it is started
    flow._told |= set(warnings)
    made = flow.model
    said, values = split(options, made.parameters)
    if nobody_can_be_asked():
        said = {"no_wait": True, **said}
    made, faults = with_values(made, parameters_of(made), values, flow.folder)
    raise_errors(faults)
    settings = read_settings(flow.folder, flags_of(said))
    return ask(made, settings, flow.folder, file=flow.file, started_by=started_by, **asked_fields(said))


def run(flow: Pipeline, check: bool, quiet: bool, options: Mapping[str, Any]) -> Run:
    """Run it and wait for its end; see `Pipeline.run`."""
    refuse("run")
    launched = _launched(flow, options, "Pipeline.run", tied=True)
    with launched.attended():
        tell_warnings(launched.warnings)
        started = Run.of(launched)
        looking = Looking(started._store, started.id, quiet)
        _attend(started, looking)
        launched.wait_for_observers()
    started._shown = looking.has_picture
    if check and not started.succeeded:
        return started.check()  # which raises, and tells what went wrong
    looking.tell_end()
    return started


def start(flow: Pipeline, options: Mapping[str, Any]) -> Run:
    """Start it and leave it alone; see `Pipeline.start`."""
    refuse("start")
    launched = _launched(flow, options, "Pipeline.start", tied=False)
    tell_warnings(launched.warnings)
    return Run.of(launched)


def _launched(flow: Pipeline, options: Mapping[str, Any], how: str, tied: bool) -> Launched:
    from ..launch import launch

    wanted = asked(flow, options, how)
    observers = observers_of(split(options, flow.model.parameters)[0])
    return launch(wanted, flow.store, tied=tied, tell=_tell, observers=observers)


def _attend(started: Run, looking: Looking) -> None:
    """Look on until it is over. Ctrl-C ends the run in order, a second one at once."""
    try:
        looking.follow()
    except KeyboardInterrupt:
        from ..steer import stop, stop_at_once

        stop(started._store, started.id, "Ctrl-C")
        try:
            looking.follow()
        except KeyboardInterrupt:
            stop_at_once(started._store, started.id, "Ctrl-C")
        raise KeyboardInterrupt from None  # where our code was at that moment tells nobody anything


def tell_warnings(warnings: list[Problem]) -> None:
    """What was found and stops nothing, on standard error."""
    for found in warnings:
        _tell(found.describe())


_tell: Callable[[str], None] = lambda text: print(text, file=sys.stderr)  # noqa: E731, T201
