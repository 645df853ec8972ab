"""Of which ends of a node people are told by themselves, besides those of the run."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator

from .errors import PipelineError, problem
from .written import Written

NODE_EVENTS = ("failure", "success")
_ADDRESS = re.compile(r"[^@\s:/,<>]+@[^@\s:/,<>]+")


def check_address(text: str) -> str:
    """`text` without spaces around, when it can be a mail address. Raises PipelineError (E-VALUE)."""
    if not _ADDRESS.fullmatch(text.strip()):
        hint = "Write NAME@DOMAIN, several with commas in between."
        raise PipelineError(problem("E-VALUE", what=f"{text!r} is no mail address", hint=hint))
    return text.strip()


class Notify(Written):
    """`events` of a node of which people are told; `emails` are told as well, where mail can be sent."""

    events: tuple[Literal["failure", "success"], ...] = ()
    emails: tuple[Annotated[str, AfterValidator(check_address)], ...] = ()
