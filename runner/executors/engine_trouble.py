"""An engine that answers with a failure or breaks off its answer: what may be asked again, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from ..core.errors import MachineError, problem

TIMES = 3  # that a question is asked which changes nothing

T = TypeVar("T")


class BrokenOff(Exception):
    """The engine broke off what it was to tell."""


def asked(question: Callable[[], T]) -> T:
    """What the engine answers; a question that changes nothing is asked again where the engine failed to answer it.

    Raises what the last one raised.
    """
    for _ in range(TIMES - 1):
        try:
            return question()
        except Exception as error:
            if not is_engines(error):
                raise
    return question()


def told(what: str, question: Callable[[], T]) -> T:
    """As `asked`, with the engine's failure as a MachineError (E-DOCKER-FAILED): it could not do `what`."""
    try:
        return asked(question)
    except Exception as error:
        if not is_engines(error):
            raise
        raise failure(what, error) from None


def failure(what: str, error: Exception) -> MachineError:
    """E-DOCKER-FAILED: the engine could not do `what`."""
    return MachineError(problem("E-DOCKER-FAILED", what=what, why=why_of(error)))


def is_engines(error: Exception) -> bool:
    """Whether it is the engine that failed, and not that it refused what was asked for."""
    from docker.errors import APIError, ImageNotFound

    if not isinstance(error, APIError):
        return _is_broken_off(error)
    status = error.status_code or 500
    # A conflict, or a container of ours that it does not know: somebody or something else had to do with it.
    return status >= 500 or status == 409 or (status == 404 and not isinstance(error, ImageNotFound))


def why_of(error: Exception) -> str:
    """What the engine said, in a line; or that it broke off."""
    if _is_broken_off(error) and "timed out" not in str(error):
        return "it broke off its answer"
    return str(getattr(error, "explanation", None) or error)[:500]


def _is_broken_off(error: Exception) -> bool:
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    if isinstance(error, BrokenOff):
        return True
    return isinstance(error, RequestException | HTTPError) and not hasattr(error, "explanation")
