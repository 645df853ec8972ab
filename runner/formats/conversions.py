"""From the text of an option to its value; each raises PipelineError for a text that means none.

Nothing heavy is imported before a conversion is asked for.
"""

from __future__ import annotations


def cores(text: str) -> float:
    """Cores, such as 0.5."""
    from ..core.quantities import cpus_of

    return cpus_of(text)


def memory(text: str) -> int:
    """An amount of memory in bytes, such as 2g."""
    from ..core.quantities import bytes_of

    return bytes_of(text)


def seconds(text: str) -> float:
    """A duration in seconds, such as 10m."""
    from ..core.quantities import seconds_of

    return seconds_of(text)


def image(text: str) -> str:
    """An image reference."""
    from ..core.quantities import check_image

    return check_image(text)


def title(text: str) -> str:
    """A title, trimmed."""
    from ..core.names import clean_title

    return clean_title(text)


def retries(text: str) -> int:
    """A number of retries, 0 to 100."""
    from ..core.errors import PipelineError, problem

    if not (text.isascii() and text.isdigit() and int(text[:4]) <= 100):
        what = f"{text!r} is not a number of retries"
        raise PipelineError(problem("E-VALUE", what=what, hint="Write a whole number from 0 to 100."))
    return int(text)


def count(text: str) -> int:
    """A whole number from 1 on."""
    from ..core.errors import PipelineError, problem

    if not (text.isascii() and text.isdigit() and 0 < len(text) < 12 and int(text)):
        raise PipelineError(
            problem("E-VALUE", what=f"{text!r} is not a number", hint="Write a whole number from 1 on.")
        )
    return int(text)


def pixels(text: str) -> int:
    """A distance in a picture, in pixels from 0 on."""
    from ..core.errors import PipelineError, problem
    from ..core.model import FARTHEST

    if not (text.isascii() and text.isdigit() and int(text[:7]) <= FARTHEST):
        what = f"{text!r} is not a number of pixels"
        raise PipelineError(problem("E-VALUE", what=what, hint=f"Write a whole number from 0 to {FARTHEST}."))
    return int(text)


def gpus(text: str) -> int:
    """A number of GPUs, from 0 on."""
    from ..core.errors import PipelineError, problem

    if not (text.isascii() and text.isdigit() and len(text) < 4):
        what = f"{text!r} is not a number of GPUs"
        raise PipelineError(problem("E-VALUE", what=what, hint="Write a whole number from 0 on."))
    return int(text)


def templates(text: str) -> tuple[str, ...]:
    """Names of compute templates between commas."""
    from ..core.errors import PipelineError, problem

    names = tuple(name.strip() for name in text.split(","))
    if not all(names):
        what = f"{text!r} holds an empty name"
        raise PipelineError(problem("E-VALUE", what=what, hint="Write --compute big,small : tried in this order."))
    return names


def condition(text: str) -> object:
    """A condition on a tag: max:accuracy."""
    from .flow_words import condition_of

    return condition_of(text)


def secret(text: str) -> object:
    """A secret and its variable: VARIABLE=NAME:KEY."""
    from ..core.dialect import Secret
    from ..core.errors import PipelineError, problem

    variable, given, named = text.rpartition("=")
    name, keyed, key = named.partition(":")
    if not name or (given and not variable) or (keyed and not key):
        hint = "Write --secret NAME, --secret NAME:KEY or --secret VARIABLE=NAME:KEY."
        raise PipelineError(problem("E-VALUE", what=f"{text!r} names no secret", hint=hint))
    return Secret(name=name, key=key or None, variable=variable or None)


def approvers(text: str) -> tuple[str, ...]:
    """Names of people between commas."""
    from .flow_words import approvers_of

    return approvers_of(text)


def node_events(text: str) -> tuple[str, ...]:
    """Ends of a node between commas: failure,success."""
    from ..core.errors import PipelineError, nearest, problem
    from ..core.notify import NODE_EVENTS

    words = tuple(word.strip() for word in text.split(","))
    for word in words:
        if word not in NODE_EVENTS:
            what = f"{word!r} is no end of a node"
            raise PipelineError(problem("E-VALUE", what=what, hint=nearest(word, NODE_EVENTS)))
    return words


def emails(text: str) -> tuple[str, ...]:
    """Mail addresses between commas."""
    from ..core.notify import check_address

    return tuple(check_address(word) for word in text.split(","))


def secret_url(text: str) -> str:
    """What names a secret that holds a URL: secret:NAME. A URL itself may hold a password, and cells are kept."""
    from ..core.errors import PipelineError, problem

    if not text.startswith("secret:") or not text.removeprefix("secret:"):
        what = "a notebook keeps what is typed in it, and a URL of a notice may hold a password"
        hint = "Put the URL into DAGBOOK_NOTIFY or a secret, and write --notify secret:NAME for that one."
        raise PipelineError(problem("E-NOTIFY", what=what, hint=hint))
    return text


def data_source(text: str) -> str:
    """A path or URL of a dataset."""
    from .flow_words import data_source_of

    return data_source_of(text)


def artifact(text: str) -> str:
    """What a node of an earlier run left: RUN/NODE."""
    from ..core.artifact_names import check_artifact_name

    return check_artifact_name(text)


def pin(text: str) -> str:
    """A sha256 in 64 hexadecimal digits."""
    from .flow_words import pin_of

    return pin_of(text)


def repository(text: str) -> str:
    """A repository: URL@REF."""
    from ..core.errors import PipelineError
    from .git_address import read_git_address, without_credentials

    try:
        return str(read_git_address(text))
    except PipelineError:
        hidden = without_credentials(text)
        if hidden == text:
            raise
        return hidden  # a fault told here would show the line with the password; planning refuses what is left
