"""How a dataset of the store, its branches and its commits are named: NAME, NAME@BRANCH, NAME@COMMIT, NAME@BRANCH^2."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...core.errors import PipelineError, problem
from ..dataset_files import printable

MASTER = "master"
LATEST = "latest"  # the newest commit, whatever its branch
SHORTEST_ID = 6  # digits of a commit's id that may stand for it
ID_DIGITS = 40

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}")
_BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}")
_SPEC = re.compile(r"(?P<name>[^@^]*)(?:@(?P<reference>[^@^]*))?(?P<steps>(?:\^[0-9]{0,9})*)")
_SCHEMES = ("dataset://", "datum://")


@dataclass(frozen=True, slots=True)
class Spec:
    """Which commit is meant: of which dataset, by which branch or beginning of an id, and how many before that."""

    name: str
    reference: str = MASTER
    back: int = 0

    def __str__(self) -> str:
        steps = "" if not self.back else "^" if self.back == 1 else f"^{self.back}"
        return f"{self.name}@{self.reference}{steps}"


def check_name(name: str, what: str = "dataset") -> str:
    """The name, if a dataset, or what is said, can have it. Raises PipelineError (E-REPO-NAME)."""
    if not _NAME.fullmatch(name):
        why = "letters A-Z and a-z, digits, _ and - stand in a name, 63 at most, and no - at its beginning"
        raise PipelineError(problem("E-REPO-NAME", what=what, name=name[:80], why=why))
    return name


def check_branch(name: str) -> str:
    """The name, if a branch can have it. Raises PipelineError (E-REPO-NAME)."""
    why = ""
    if not _BRANCH.fullmatch(name):
        why = "letters A-Z and a-z, digits and _ - . stand in a name, 63 at most, and neither - nor . at its beginning"
    elif name == LATEST:
        why = "it stands for the newest commit"
    elif re.fullmatch(rf"[0-9a-f]{{{ID_DIGITS}}}", name):
        why = "it would be taken for the id of a commit"
    if why:
        raise PipelineError(problem("E-REPO-NAME", what="branch", name=name[:80], why=why))
    return name


def read_spec(text: str) -> Spec:
    """What a text names; also `dataset://NAME/VERSION`, a version being what stands behind an @, and `datum://NAME`.

    Raises PipelineError (E-REPO-NAME).
    """
    found = _SPEC.fullmatch(_without_scheme(printable(text)))
    if found is None:
        why = "write NAME, NAME@BRANCH or NAME@COMMIT, with ^ behind it for the commit before"
        raise PipelineError(problem("E-REPO-NAME", what="dataset", name=text[:80], why=why))
    name, reference, steps = found["name"], found["reference"], found["steps"]
    if reference == "":
        raise PipelineError(problem("E-REPO-NAME", what="branch", name="", why="nothing stands behind the @"))
    back = sum(int(digits or 1) for digits in steps.split("^")[1:])
    return Spec(check_name(name), reference or MASTER, back)


def branch_of(text: str) -> tuple[str, str]:
    """The dataset and the branch that NAME or NAME@BRANCH names. Raises PipelineError (E-REPO-NAME)."""
    spec = read_spec(text)
    if spec.back:
        why = "a commit cannot be added to; name a branch"
        raise PipelineError(problem("E-REPO-NAME", what="branch", name=text[:80], why=why))
    return spec.name, spec.reference


def _without_scheme(text: str) -> str:
    for scheme in _SCHEMES:
        if text.startswith(scheme):
            name, slash, version = text.removeprefix(scheme).rstrip("/").partition("/")
            return f"{name}@{version}" if slash else f"{name}@{LATEST}"
    return text
