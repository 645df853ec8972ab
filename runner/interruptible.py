"""Commands that Ctrl-C may end at any moment."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import click

INTERRUPTED = 130


def interruptible(command: Callable[..., int]) -> Callable[..., int]:
    """Ctrl-C ends the command with its own exit code; what it writes is written whole or not at all."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> int:
        try:
            return command(*args, **options)
        except KeyboardInterrupt:
            click.echo("Cancelled.", err=True)
            return INTERRUPTED

    return run
