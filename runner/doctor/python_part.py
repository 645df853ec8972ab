"""Python and the packages in it: dagbook's own needs, and what the extras bring."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from importlib import metadata
from typing import TYPE_CHECKING

from .findings import Finding, ok, trouble
from .subject import Subject

if TYPE_CHECKING:
    from packaging.requirements import Requirement

OLDEST = (3, 11)
# What each extra is for; those for dagbook's own developers are not told of.
EXTRAS = {
    "lab": "the board in JupyterLab",
    "text": "notebooks as py:percent scripts",
    "plot": "pictures that one can drag along",
    "fast": "quicker hashing of large files",
    "mlflow": "runs in MLflow, too",
    "notify": "messages when a run ends",
}


def python_part(_subject: Subject) -> Iterator[Finding]:
    """The interpreter that dagbook runs with."""
    system = f"{platform.system()} {platform.machine()}"
    facts = {"python": platform.python_version(), "system": system, "executable": sys.executable}
    facts["dagbook"] = version_of("dagbook") or "unknown"
    words = f"dagbook {facts['dagbook']} on Python {facts['python']}, {system} ({sys.executable})"
    if sys.version_info[:2] < OLDEST:
        fix = f"Install it with Python {OLDEST[0]}.{OLDEST[1]} or newer."
        yield trouble("python", words, fix, **facts)
    else:
        yield ok("python", words, **facts)


def version_of(package: str) -> str | None:
    """The version of a package that is installed here, None when it is not."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def packages_part(_subject: Subject) -> Iterator[Finding]:
    """The packages that dagbook cannot do without."""
    needed = [one for one in _requirements() if not _extra_of(one)]
    found = {one.name: version_of(one.name) for one in needed}
    lacking = [one for one in needed if not _is_met(one, found[one.name])]
    if not lacking:
        told = ", ".join(f"{name} {found[name]}" for name in ("papermill", "ipykernel", "ipython", "click"))
        yield ok("packages", f"{len(needed)} are here: {told} …", versions=found)
    for one in lacking:
        there = found[one.name] or "not installed"
        words = f"{one.name} is {there}, and {one.specifier} is needed" if found[one.name] else f"{one.name} is {there}"
        yield trouble("packages", words, f"{_pip()} install '{one.name}{one.specifier}'", versions=found)


def extras_part(_subject: Subject) -> Iterator[Finding]:
    """What `pip install 'dagbook[…]'` adds, where it is wanted; that it is not here is no fault."""
    complete: dict[str, bool] = {}
    for one in _requirements():
        extra = _extra_of(one)
        if extra in EXTRAS:
            complete[extra] = complete.get(extra, True) and _is_met(one, version_of(one.name))
    here = [extra for extra, whole in complete.items() if whole]
    lacking = [extra for extra, whole in complete.items() if not whole]
    words = f"{', '.join(here)} {'are' if len(here) > 1 else 'is'} here" if here else "none"
    if lacking:
        words += f"; pip install 'dagbook[{lacking[0]}]' adds {EXTRAS[lacking[0]]}"
    if lacking[1:]:
        words += f"; there are also {', '.join(lacking[1:])}"
    yield ok("extras", words, here=here, lacking=lacking)


def _requirements() -> list[Requirement]:
    from packaging.requirements import Requirement

    try:
        return [Requirement(text) for text in metadata.requires("dagbook") or ()]
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        return []


def _extra_of(one: Requirement) -> str:
    """The extra that asks for this package; empty for one that is always needed here."""
    if one.marker is None or one.marker.evaluate({"extra": ""}):
        return ""
    return next((extra for extra in EXTRAS if one.marker.evaluate({"extra": extra})), "other")


def _is_met(one: Requirement, version: str | None) -> bool:
    return version is not None and one.specifier.contains(version, prereleases=True)


def _pip() -> str:
    return f"{sys.executable} -m pip"
