"""Pachyderm's contract: the inputs of one datum at /pfs/NAME, /pfs/out for what it leaves, a command with lines."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

from ..core.datums import Datum, Part
from ..core.dialect import Transform
from ..executors.contract import Mount
from .terms import Facts, Terms

HOME = "/pfs"
RECOVERED = ".recovered"  # beside the inputs: the rescue command has succeeded
_MOST_MOUNTS = 200  # of a datum; more matches than that are copied
_END = "DAGBOOK-END-OF-LINES"


def terms(facts: Facts, datum: Datum, places: Mapping[str, Path]) -> Terms:
    """The command for one datum. `places` has, by title, the folder that holds what a node left, or the dataset."""
    transform = facts.node.transform or Transform()
    frame = facts.folder / "pfs"
    mounts = tuple(_mounts(facts, datum, places, frame))
    variables = _variables(facts, datum)
    text = "\n".join(f"{name}={shlex.quote(value)}" for name, value in variables.items())
    (frame / ".env").write_text(text + "\n", encoding="utf-8")
    return Terms(script_of(transform), variables, mounts, folder=transform.folder)


def script_of(transform: Transform) -> str:
    """The script that runs the command with its lines; after a failure the rescue command, whose success is marked."""
    lines = [*([f"cd {shlex.quote(transform.folder)}"] if transform.folder else []), "set +e"]
    lines += [_piped(transform.argv, transform.stdin), "code=$?"]
    accepted = "|".join(map(str, sorted({0, *transform.accepted})))
    lines.append(f"case $code in {accepted}) exit 0;; esac")
    if transform.rescue_argv:
        mark = f'"${{DAGBOOK_PFS:-{HOME}}}/{RECOVERED}"'
        lines += [_piped(transform.rescue_argv, transform.rescue_stdin)]
        lines.append(f"case $? in {accepted}) : >{mark};; esac")
    return "\n".join([*lines, "exit $code", ""])


def _piped(argv: tuple[str, ...], stdin: tuple[str, ...] | None) -> str:
    command = shlex.join(argv)
    if stdin is None:
        return f"{command} </dev/null"
    end, lines = _END, "\n".join(stdin).split("\n")
    while end in lines:
        end += "-"
    return "\n".join([f"{command} <<'{end}'", *stdin, end])


def _mounts(facts: Facts, datum: Datum, places: Mapping[str, Path], frame: Path) -> Iterator[Mount]:
    """The frame of /pfs, and in it each match from where it lies; nothing else of an input is there."""
    frame.mkdir(parents=True, exist_ok=True)
    (frame / "out").mkdir(exist_ok=True)
    shown = list(_shown(datum))
    copied = len(shown) > _MOST_MOUNTS
    inner = []
    for part, inside in shown:
        source, place = places[part.repo] / inside, frame / part.name / inside
        if part.empty_files:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        elif copied:
            place.parent.mkdir(parents=True, exist_ok=True)
            _copy(source, place)
        elif inside:
            _mount_point(source, place)
            inner.append(Mount(source, f"{HOME}/{part.name}/{inside}"))
        else:
            place.mkdir(parents=True, exist_ok=True)
            inner.append(Mount(source, f"{HOME}/{part.name}"))
    yield Mount(frame, HOME, read_only=False, variable="DAGBOOK_PFS")
    yield from inner
    yield Mount(facts.output, f"{HOME}/out", read_only=False)


def _shown(datum: Datum) -> Iterator[tuple[Part, str]]:
    """What is shown of each input: the match itself, or file by file where bytes are not to be there."""
    for part in datum.parts:
        if part.empty_files:
            yield from ((part, entry.path) for entry in part.files)
        else:
            yield part, part.path.strip("/")


def _mount_point(source: Path, place: Path) -> None:
    if source.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()


def _copy(source: Path, place: Path) -> None:
    """A copy, not a link: the node may write to its own view, and must not reach what others have."""
    if source.is_dir():
        shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, place)


def _variables(facts: Facts, datum: Datum) -> dict[str, str]:
    found = {
        "PACH_JOB_ID": facts.run,
        "PACH_OUTPUT_COMMIT_ID": facts.run,
        "PACH_DATUM_ID": datum.id,
        "PPS_PIPELINE_NAME": facts.node.title,
        "PPS_PROJECT_NAME": str(facts.node.origin.get("project", "default")),
        "PPS_POD_NAME": facts.node_run.id,
        "PPS_SPEC_COMMIT": facts.run,
        "PPS_NAMESPACE": "default",
    }
    for part in datum.parts:
        inside = PurePosixPath(part.path.strip("/"))
        found[part.name] = str(PurePosixPath(HOME) / part.name / inside)
        found[f"{part.name}_COMMIT"] = facts.run
        if part.join_on:
            found[f"PACH_DATUM_{part.name}_JOIN_ON"] = part.join_on
        if part.group_by:
            found[f"PACH_DATUM_{part.name}_GROUP_BY"] = part.group_by
    return found
