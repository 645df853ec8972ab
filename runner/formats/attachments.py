"""The files that a node names beside the notebook: lists of requirements, prerun scripts, the data of a data node."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from ..core.errors import PipelineError, Problem, nearest, problem
from ..core.model import Defaults, Kind, Node, Pipeline

DEEPEST = 10  # -r in files of -r
_ARCHIVES = (".whl", ".zip", ".tar.gz", ".tar.bz2")
_PATH = re.compile(r"[.~/\\]|[^\s;@]*[/\\]")
MOST_NAMES = 1000  # looked at for the nearest one


def read_requirements(entries: Iterable[str], folder: Path) -> tuple[str, ...]:
    """Requirement specifiers, one each: those given, and the lines of the `.txt` files among `entries`.

    Files are looked up in `folder`, the notebook's; comments and blank lines are left out, `-r other.txt` is
    followed. Raises PipelineError: E-FILE-MISSING, E-VALUE for a line that pip options fill, E-REQUIREMENT.
    """
    return tuple(dict.fromkeys(_specifiers(entries, folder, DEEPEST)))


def _specifiers(entries: Iterable[str], folder: Path, left: int) -> Iterator[str]:
    for entry in entries:
        if not entry.endswith(".txt"):
            check_requirement(entry, f"--requirements {entry}")
            yield entry
            continue
        lines = read_text(entry, folder).splitlines()
        yield from _lines(entry, lines, (folder / entry).parent, left)


def _lines(name: str, lines: list[str], folder: Path, left: int) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        text = line.split(" #")[0].strip()
        if not text or text.startswith("#"):
            continue
        word, _, rest = text.partition(" ")
        if word in ("-r", "--requirement") and rest.strip() and left:
            yield from _specifiers([rest.strip()], folder, left - 1)
        elif text.startswith("-") or text.endswith("\\"):
            what = f"{name} line {number}: {text[:60]!r} is not a package"
            raise PipelineError(
                problem("E-VALUE", what=what, hint="Keep packages only; put pip's options in pip.conf.")
            )
        else:
            check_requirement(text, f"{name} line {number}: {text}")
            yield text


def check_requirement(text: str, where: str) -> None:
    """Raise PipelineError (E-REQUIREMENT) for what pip would not take: no name of a package, or no version of one.

    Addresses and paths of packages are pip's business.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    plain = text.split(" --")[0].strip()
    if "://" in plain or plain.endswith(_ARCHIVES) or (_PATH.match(plain) and " @ " not in plain):
        return
    try:
        Requirement(plain)
    except InvalidRequirement as error:
        why = str(error).splitlines()[0].rstrip(".")
        single = re.fullmatch(r"([A-Za-z0-9._-]+(?:\[[^\]]*\])?)\s*=\s*([\w.*+!-]+)", plain)
        hint = f"Write {single[1]}=={single[2]}" if single else "Write NAME, NAME==VERSION or NAME>=VERSION."
        raise PipelineError(problem("E-REQUIREMENT", where=where[:120], why=why, hint=hint)) from None


def read_text(name: str, folder: Path) -> str:
    """The text of the file `name` in `folder`. Raises PipelineError (E-FILE-MISSING, E-VALUE when it is not text)."""
    path = folder / name
    if not path.is_file():
        names = [found.name for found in folder.glob(f"*{path.suffix}")] if path.suffix else []
        hint = nearest(name, names) if names else f"It is looked for in {folder}"
        raise PipelineError(problem("E-FILE-MISSING", file=name, hint=hint))
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise PipelineError(problem("E-VALUE", what=f"{name} cannot be read: {error}", hint="")) from None


def check_attachments(pipeline: Pipeline, folder: Path) -> list[Problem]:
    """Findings for every file that the pipeline or a node names: --requirements, --prerun, --path of a data node."""
    found = _file_findings(pipeline.defaults, folder)
    for node in pipeline.nodes:
        found += check_node_files(node, folder)
    return found


def check_node_files(node: Node, folder: Path) -> list[Problem]:
    """Findings for the files that one node names, each with the node's place."""
    return [one.at(node.place) for one in _file_findings(node, folder)]


def _file_findings(owner: Node | Defaults, folder: Path) -> list[Problem]:
    try:
        read_requirements(owner.requirements or (), folder)
        if owner.prerun:
            read_text(owner.prerun, folder)
        if isinstance(owner, Node) and owner.kind is Kind.DATA and owner.path:
            _check_data(owner.path, folder)
    except PipelineError as error:
        return list(error.problems)
    return []


def _check_data(name: str, folder: Path) -> None:
    """Raise PipelineError (E-FILE-MISSING, with the nearest name there) unless the path of a data node is there."""
    path = folder / name
    if path.exists():
        return
    beside = Path(name).parent
    try:
        names = [str(beside / found.name) for found in islice(path.parent.iterdir(), MOST_NAMES)]
    except OSError:  # the folder is missing, too, or may not be read
        names = []
    hint = nearest(name, names) if names else f"It is looked for in {folder.absolute()}"
    raise PipelineError(problem("E-FILE-MISSING", file=name, hint=hint))
