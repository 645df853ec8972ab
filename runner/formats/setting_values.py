"""From what stands in a variable, in `dagbook.toml` or behind an option to the value of a setting."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..core.errors import PipelineError, problem
from ..core.masking import Hidden
from .options import EVENTS, EXECUTORS

TRANSPORTS = ("auto", "ipc", "tcp")
_SWITCHES = {"true": True, "false": False, "1": True, "0": False}
_BYTES = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SECRET = "secret:"  # so begins what names a secret in place of a URL
_URL = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*://|{_SECRET}")
_PATTERN = re.compile(r"\s*[\w.*/:@-]+\s*", re.ASCII)
_ADDRESS = re.compile(r"[^@\s:/,]+@[^@\s:/,]+")


class Wrong(Exception):
    """The value cannot be one: what is expected."""


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise Wrong("a text")
    return value


def _image(value: Any) -> str:
    from ..core.quantities import check_image

    return check_image(_text(value))


def _count(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 10**11:
        raise Wrong("a whole number of at least 1")
    return value


def _count_or_none(value: Any) -> int:
    return 0 if value in (0, "0") and value is not False else _count(value)


def _bytes(value: Any) -> int:
    match = re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([kmgt]?)(?:i?b)?", str(value).strip().lower(), re.ASCII)
    if match is None:
        raise Wrong("an amount such as 50m or 1g, or 0")
    return int(float(match[1]) * _BYTES[match[2]])


def _switch(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if str(value).lower() not in _SWITCHES:
        raise Wrong("true or false, or in a variable 1 or 0")
    return _SWITCHES[str(value).lower()]


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def choose(value: Any) -> str:
        if value not in choices:
            raise Wrong(f"one of {', '.join(choices)}")
        return str(value)

    return choose


def _variables(value: Any) -> dict[str, str]:
    from ..core.environment import owner_of  # which knows the models, and they take longer to import than to read a run

    if not isinstance(value, dict):
        raise Wrong('a table of texts, such as [env] with NAME = "value"')
    for name, text in value.items():
        if not isinstance(text, str) or "\0" in text:
            raise Wrong(f'a text for {name}: put it in quotes, {name} = "{text}"')
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
            raise PipelineError(problem("E-ENV-NAME", name=name))
        if owner := owner_of(name):
            raise PipelineError(problem("E-ENV-RESERVED", name=name, owner=owner))
    return dict(value)


def _command(value: Any) -> str:
    import shlex

    try:
        words = shlex.split(_text(value))
    except ValueError:
        words = []
    if not words:
        raise Wrong("a command line, such as pass show {name}/{key}")
    return str(value)


def _hosts(value: Any) -> tuple[str, ...]:
    from ..core.data_source import is_host

    hosts = value.split(",") if isinstance(value, str) else value
    if not isinstance(hosts, list) or not all(isinstance(one, str) and is_host(one) for one in hosts):
        raise Wrong('hosts such as ["files.local", "10.0.0.5:9000"], without https:// and paths')
    return tuple(one.strip().lower() for one in hosts)


def _image_patterns(value: Any) -> tuple[str, ...]:
    patterns = value.split(",") if isinstance(value, str) else value
    if not isinstance(patterns, list) or not all(isinstance(one, str) and _PATTERN.fullmatch(one) for one in patterns):
        raise Wrong('patterns of images such as ["python:*", "registry.example/team/*"]')
    return tuple(one.strip() for one in patterns)


def _urls(value: Any) -> tuple[Hidden, ...]:
    """URLs in a list, or in a text with spaces or commas between: a comma within a URL parts its own recipients."""
    between = rf"\s+|,(?=\s*(?:{_URL.pattern}))"
    urls = [one for one in re.split(between, value) if one] if isinstance(value, str) else value
    if not isinstance(urls, list | tuple) or not all(isinstance(one, str) and _URL.match(one.strip()) for one in urls):
        raise Wrong('URLs such as ["mailtos://user:password@example.org"], or secret:NAME for one that is a secret')
    return tuple(Hidden(one.strip()) for one in urls)


def _events(value: Any) -> tuple[str, ...]:
    words = re.split(r"[,\s]+", value.strip()) if isinstance(value, str) else value
    if not isinstance(words, list | tuple) or not words or not all(one in EVENTS for one in words):
        raise Wrong(f"some of {', '.join(EVENTS)}")
    return tuple(dict.fromkeys(words))


def _people(value: Any) -> dict[str, Hidden]:
    def reaches(said: Any) -> bool:
        return isinstance(said, str) and bool(_ADDRESS.fullmatch(said.strip()) or _URL.match(said.strip()))

    if not isinstance(value, dict) or not all(map(reaches, value.values())):
        raise Wrong('a table of mail addresses or URLs, such as [people] with leah = "leah@example.org"')
    return {name.strip().casefold(): Hidden(said.strip()) for name, said in value.items()}


READ: Mapping[str, Callable[[Any], Any]] = {  # by setting; each raises Wrong or PipelineError
    "image": _image,
    "executor": _one_of(EXECUTORS),
    "jobs": _count,
    "ahead": _count_or_none,
    "store": _text,
    "build_network": _text,
    "transport": _one_of(TRANSPORTS),
    "code": _text,
    "max_runs": _count,
    "data_hosts": _hosts,
    "allowed_images": _image_patterns,
    "spare": _switch,
    "secrets": _text,
    "secret_command": _command,
    "mlflow": _text,
    "mlflow_experiment": _text,
    "mlflow_files": _bytes,
    "notify": _urls,
    "notify_on": _events,
    "people": _people,
    "env": _variables,
    "compute": dict,  # read with the file, which has its lines
}
PRIVATE = frozenset({"notify", "people"})  # whose values are told nowhere
