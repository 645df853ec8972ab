"""The peers' environments, each a venv of its own below `.bench/`, and the image with papermill."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .processes import Failed, last_line

ROOT = Path(__file__).resolve().parents[1]
BENCH = ROOT / ".bench"
BASE = os.environ.get("DAGBOOK_IMAGE", "dagbook/base:bookworm")
PAPERMILL, IPYKERNEL = "papermill==2.7.0", "ipykernel==7.4.0"
INSTALL_SECONDS = 30 * 60

# Set by people and CI; either would make a peer slower or quieter than it is for its users.
_LEFT_OUT = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "VIRTUAL_ENV", "CI")


@dataclass(frozen=True, slots=True)
class Environment:
    """A venv with the given requirements; made once, made anew when they change."""

    name: str
    requirements: tuple[str, ...]

    @property
    def programs(self) -> Path:
        """Where its programs are."""
        return BENCH / self.name / "bin"

    def variables(self) -> dict[str, str]:
        """The variables of a process in it; its programs come first, since a kernel is started as `python`."""
        return variables(self.programs)

    def make(self) -> None:
        """Make it, unless it is there. Raises Failed with the installer's last words."""
        stamp = BENCH / self.name / "bench-environment"
        wanted = "\n".join((sys.version, *self.requirements))
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return
        BENCH.mkdir(exist_ok=True)
        log = BENCH / f"{self.name}.log"
        python = str(self.programs / "python")
        make = [sys.executable, "-m", "venv", "--clear", str(BENCH / self.name)]
        install = [python, "-m", "pip", "install", "--disable-pip-version-check", "-q", *self.requirements]
        with open(log, "wb") as printed:
            for command in (make, install):
                try:
                    subprocess.run(command, check=True, stdout=printed, stderr=printed, timeout=INSTALL_SECONDS)
                except (OSError, subprocess.SubprocessError):
                    said = last_line(log.read_text(encoding="utf-8", errors="replace"))
                    where = log.relative_to(ROOT)
                    raise Failed(f"its environment cannot be made: {said} (all of it: {where})") from None
        stamp.write_text(wanted, encoding="utf-8")


PLOOMBER = Environment("ploomber", ("ploomber==0.23.3", "ploomber-engine==0.0.33", PAPERMILL, IPYKERNEL))
ELYRA = Environment("elyra", ("elyra==4.1.1", PAPERMILL, IPYKERNEL))


def variables(programs: Path) -> dict[str, str]:
    """This process's variables without what would change how a tool works, with `programs` first on PATH."""
    kept = {
        name: text for name, text in os.environ.items() if name not in _LEFT_OUT and not name.startswith("DAGBOOK_")
    }
    return {**kept, "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', '')}"}


@cache
def papermill_image() -> str:
    """The id of an image with papermill on top of the base image, made when it is not there. Raises Failed."""
    import asyncio

    from dagbook.runner.core.errors import DagbookError
    from dagbook.runner.core.model import Kind
    from dagbook.runner.executors.contract import Needs
    from dagbook.runner.executors.docker import DockerExecutor

    try:
        executor = DockerExecutor(default_image=BASE, build_network=os.environ.get("DAGBOOK_BUILD_NETWORK"))
    except DagbookError as error:
        raise Failed(last_line(str(error))) from None
    try:
        needs = Needs("papermill", Kind.CELL, image=BASE, requirements=(PAPERMILL,))
        runtimes, problems = executor.prepare([needs], lambda line: None)
    finally:
        asyncio.run(executor.close())
    if problems:
        raise Failed(f"no image with papermill: {last_line(problems[0].message)}")
    return runtimes["papermill"].digest
