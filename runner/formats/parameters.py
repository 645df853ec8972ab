"""Parameters given as YAML, read as papermill's -y, -f and -b read it, so that a file means the same to both."""

from __future__ import annotations

import base64
import binascii
from functools import cache
from typing import TYPE_CHECKING, Any

from ..core.errors import PipelineError, problem
from ..core.values import check_name, check_value

if TYPE_CHECKING:
    import yaml

MOST_VALUES = 1_000_000
_FORM = "Write: name: value"


def from_yaml(text: str | None, origin: str) -> dict[str, Any]:
    """The parameters in a YAML mapping; `origin` is where it came from, None for text a file that is not there.

    It is YAML 1.1 as PyYAML reads it, but for dates, which stay texts: `yes` is True and `1e-3` a text.
    Raises PipelineError (E-FILE-MISSING, E-USAGE, E-PARAM-NAME, E-PARAM-TYPE).
    """
    if text is None:
        raise PipelineError(problem("E-FILE-MISSING", file=origin, hint="Give a YAML file with: name: value"))
    import yaml

    try:
        found = yaml.load(text, Loader=_loader())
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        why = getattr(error, "problem", None) or str(error)
        raise _wrong(f"{origin} is not YAML: {why}") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise _wrong(f"{origin} holds no mapping of names to values")
    _check_size(found, origin)
    return {check_name(str(name)): check_value(str(name), value) for name, value in found.items()}


def _check_size(found: object, origin: str) -> None:
    """Raise PipelineError (E-USAGE) for more values than anybody means: a few lines of aliases make billions."""
    to_do, seen = [found], 0
    while to_do:
        seen += 1
        if seen > MOST_VALUES:
            what = f"{origin} holds more than {MOST_VALUES:,} values once its aliases (*name) are written out"
            raise _wrong(what, "Give what is large as a file, which a node reads: %pipeline_data.")
        value = to_do.pop()
        if isinstance(value, dict | list):
            to_do += value.values() if isinstance(value, dict) else value


@cache
def _loader() -> type[yaml.SafeLoader]:
    """PyYAML's loader of plain values, for which dates are texts."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        yaml_implicit_resolvers = {  # noqa: RUF012  (PyYAML's own name and form)
            first: [(tag, pattern) for tag, pattern in known if tag != "tag:yaml.org,2002:timestamp"]
            for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

    return Loader


def from_base64(text: str, origin: str) -> dict[str, Any]:
    """The parameters in a YAML mapping that is given in base64. Raises PipelineError as `from_yaml` does."""
    try:
        plain = base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
    except (binascii.Error, ValueError) as error:  # ValueError: what is no ASCII, or no UTF-8 underneath
        raise _wrong(f"{origin} is not base64 of a text: {error}", "Make it with: base64 -w0 < FILE") from None
    return from_yaml(plain, origin)


def _wrong(what: str, hint: str = _FORM) -> PipelineError:
    return PipelineError(problem("E-USAGE", what=what, hint=hint))
