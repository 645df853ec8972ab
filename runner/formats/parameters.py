"""Parameters given as YAML, as papermill's -y and -f take them."""

from __future__ import annotations

from typing import Any

from ..core.errors import PipelineError, problem
from ..core.values import check_name, check_value


def from_yaml(text: str | None, origin: str) -> dict[str, Any]:
    """The parameters in a YAML mapping; `origin` is where it came from, None for text a file that is not there.

    Raises PipelineError (E-FILE-MISSING, E-USAGE, E-PARAM-NAME, E-PARAM-TYPE).
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    if text is None:
        raise PipelineError(problem("E-FILE-MISSING", file=origin, hint="Give a YAML file with: name: value"))
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except YAMLError as error:
        what = f"{origin} is not YAML: {getattr(error, 'problem', None) or error}"
        raise PipelineError(problem("E-USAGE", what=what, hint="Write: name: value")) from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        what = f"{origin} holds no mapping of names to values"
        raise PipelineError(problem("E-USAGE", what=what, hint="Write: name: value"))
    return {check_name(str(name)): check_value(str(name), value) for name, value in found.items()}
