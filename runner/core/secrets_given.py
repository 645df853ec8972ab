"""Which secrets a node is given, and where; what is wrong with that before any value is looked for.

Rules: docs/semantics.md, "Secrets".
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from .dialect import Secret
from .environment import owner_of
from .errors import Place, Problem, problem
from .model import WITHOUT_WORK, Node, Pipeline

# Nothing that a folder's or a command's name could be made of to lead elsewhere.
_NAME = re.compile(r"\.?[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_OWN = ("/input", "/output", "/code", "/data", "/dag", "/proc", "/dev", "/sys")


def secrets_of(pipeline: Pipeline, node: Node) -> tuple[Secret, ...]:
    """The secrets of the pipeline and the node's own; of two for one place the node's."""
    if node.kind in WITHOUT_WORK:
        return ()
    own = {_place_of(one) for one in node.secrets}
    given = (one for one in pipeline.defaults.secrets if _place_of(one) not in own)
    return tuple(dict.fromkeys((*given, *node.secrets)))


def secret_names(pipeline: Pipeline, node: Node) -> dict[str, str]:
    """What of its secrets decides on a node's result: which they are and where, never what they are."""
    return {
        f"secret {' '.join(filter(None, _place_of(one)))}": f"{one.name}/{one.key or ''}"
        for one in secrets_of(pipeline, node)
    }


def _place_of(secret: Secret) -> tuple[str | None, str | None]:
    return secret.given_in, secret.path


def secret_problems(pipeline: Pipeline) -> Iterator[Problem]:
    """Names that can be none, variables that are not free, folders that are no folder of a node's own."""
    for node in pipeline.nodes:
        variables = {name: f"--env {name}" for name in {**pipeline.defaults.env, **node.env}}
        folders: dict[str, str] = {}
        for secret in secrets_of(pipeline, node):
            yield from _of_one(secret, node.place)
            variable, path, spelled = secret.given_in, secret.path, f"--secret {secret}"
            if variable and variable in variables:
                first = variables[variable]
                yield problem("E-ENV-COLLIDES", node.place, first=first, second=spelled, name=variable)
            if path and path in folders:
                what = f"the secrets {folders[path]} and {secret} would both be at {path}"
                yield problem("E-SECRET", node.place, what=what, hint="Give one of them another folder.")
            variables |= {variable: spelled} if variable else {}
            folders |= {path: str(secret)} if path else {}


def _of_one(secret: Secret, place: Place) -> Iterator[Problem]:
    for word in (secret.name, *([] if secret.key is None else [secret.key])):
        if not _NAME.fullmatch(word):
            what = f"a secret or a key of one cannot be called {word!r}"
            hint = "Use letters, digits, _, - and dots, not a - first."
            yield problem("E-SECRET", place, what=what, hint=hint)
    if variable := secret.given_in:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", variable):
            yield problem("E-ENV-NAME", place, name=variable)
        elif owner := owner_of(variable):
            yield problem("E-ENV-RESERVED", place, name=variable, owner=owner)
    if secret.path is not None and not _is_folder(secret.path):
        what = f"the secret {secret} cannot be at {secret.path!r} in the node"
        hint = "Write the whole path of a folder that dagbook does not fill itself, such as /certs."
        yield problem("E-SECRET", place, what=what, hint=hint)


def _is_folder(path: str) -> bool:
    plain = posixpath.normpath(path) == (path.rstrip("/") or "/") and "\0" not in path
    return plain and path.startswith("/") and path != "/" and not any(f"{path}/".startswith(f"{own}/") for own in _OWN)
