"""The command behind `scripts/bench`, which says what its options mean."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from .environments import BENCH, ROOT
from .machine import describe, load
from .report import put, report
from .rounds import Bounds, measure, pairs, set_up
from .samples import Measured
from .tools.by_hand import ByHand
from .tools.contract import Tool
from .tools.dagbook import Dagbook
from .tools.elyra import Elyra
from .tools.ploomber import Ploomber
from .tools.raw import RawKernel
from .workloads import WORKLOADS

PAGE = ROOT / "docs" / "performance.md"
TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Dagbook("docker"),
        Dagbook("docker", cold=True),
        Dagbook("process"),
        ByHand(container=True),
        ByHand(container=False),
        Ploomber("serial"),
        Ploomber("parallel"),
        Ploomber("engine"),
        Elyra(),
        RawKernel(),
    )
}


def parser() -> argparse.ArgumentParser:
    """The options."""
    made = argparse.ArgumentParser("scripts/bench", usage="scripts/bench [OPTION...]; see scripts/bench --help")
    made.add_argument("-n", "--rounds", type=int, default=5)
    made.add_argument("-w", "--workloads", type=_names(WORKLOADS), default=list(WORKLOADS))
    made.add_argument("-t", "--tools", type=_names(TOOLS), default=list(TOOLS))
    made.add_argument("--against", choices=TOOLS, default="docker-papermill")
    made.add_argument("--limit", type=float, default=300.0)
    made.add_argument("--minutes", type=float, default=90.0)
    made.add_argument("--set-up", action="store_true")
    made.add_argument("--write", action="store_true")
    made.add_argument("--from", dest="file", type=Path)
    return made


def _names(known: dict[str, Any]) -> Any:
    def names(text: str) -> list[str]:
        chosen = text.split(",")
        if unknown := [name for name in chosen if name not in known]:
            raise argparse.ArgumentTypeError(f"{', '.join(unknown)}: not one of {', '.join(known)}")
        return [name for name in known if name in chosen]

    return names


def main(words: Sequence[str] | None = None) -> int:
    """Measure, print, write; gives the exit code: 1 when something failed, 130 after Ctrl-C."""
    options = parser().parse_args(words)
    for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background job is born with it ignored
        signal.signal(number, signal.default_int_handler)
    tell(f"workloads: {', '.join(options.workloads)}\ntools: {', '.join(options.tools)}")
    try:
        measured = Measured.read(options.file) if options.file else _measured(options)
    except KeyboardInterrupt:
        tell("interrupted; what was measured until then is in .bench/")
        return 130
    if measured.samples:
        text = report(measured, {name: tool.title for name, tool in TOOLS.items()}, options.against)
        sys.stdout.write(text)
        if options.write:
            put(text, PAGE)
            tell(f"written to {PAGE.relative_to(ROOT)}")
    return 1 if measured.failures else 0


def _measured(options: argparse.Namespace) -> Measured:
    measured = Measured(describe(), options.rounds)
    if note := measured.machine.get("Note"):
        tell(f"load {measured.machine['Load at the start']}: {note}")
    tools = set_up([TOOLS[name] for name in options.tools], measured, tell)
    if options.set_up:
        return measured
    path = BENCH / f"results-{datetime.now(UTC):%Y-%m-%d-%H%M%S}.json"

    def save() -> None:
        measured.machine["Load at the end"] = load()
        measured.write(path)

    bounds = Bounds(options.limit, time.monotonic() + 60 * options.minutes)
    try:
        measure(pairs([WORKLOADS[name] for name in options.workloads], tools), measured, bounds, tell, save)
    finally:  # Ctrl-C must not cost what is there
        save()
    tell(f"all samples: {path.relative_to(ROOT)}")
    return measured


def tell(line: str) -> None:
    """Say how it goes, apart from the report."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
