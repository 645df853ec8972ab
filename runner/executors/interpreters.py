"""What nodes run on with the process executor: this interpreter, or a cached virtual environment."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from pathlib import Path

from ..core.errors import PipelineError, Problem, closest, problem
from ..core.model import Kind
from ..core.names import variable_of
from .caches import cache_folder, only_one
from .contract import Needs, Runtime

PYTHON = "DAGBOOK__PYTHON"  # in a Runtime's environment: the interpreter to use; never shown to the node
_MODULE = ("-P", "-m")  # -P: a pip.py in the user's folder is not pip
RECIPE = 1  # raise it when environments are made differently

_DISTRIBUTION = re.compile(r".+-.+\.(dist-info|egg-info)")
_PATH = re.compile(r"^/(input|output|code|data|pfs|valohai|cnvrg)(/|$)")
_QUOTED = re.compile(r"""(["'])(/(?:input|output|code|data|pfs|valohai|cnvrg)(?:/[^"'\n]*)?)\1""")


def settle(
    needs: Sequence[Needs], tell: Callable[[str], None], *, cache: Path | None, sandbox: bool, by_name: bool
) -> tuple[dict[str, Runtime], list[Problem]]:
    """A runtime for each node, and what is to be said. Raises PipelineError (E-BUILD-FAILED)."""
    found = [finding for need in needs for finding in process_findings(need, sandbox)]
    if by_name and not sandbox:
        what = "nodes run as plain processes: the network is open and inputs are protected by nothing but their modes"
        found.append(problem("W-EXECUTOR", what=what, hint="Install bubblewrap, or run with --executor docker."))
    runtimes = {need.title: _runtime(need, tell, cache) for need in needs if not any(p.is_error for p in found)}
    return runtimes, found


def process_findings(need: Needs, sandbox: bool) -> Iterator[Problem]:
    """What the process executor cannot do of what a node asks, known by its words alone: E-EXECUTOR, W-EXECUTOR,
    E-PATH-LITERAL where there is no `sandbox`."""
    if need.image:
        what = f"the process executor cannot run the image {need.image}"
        yield problem("E-EXECUTOR", need.place, what=what, hint="Run with --executor docker, or drop --image.")
    if need.prerun:
        what = "the process executor does not run --prerun: it would change this machine"
        yield problem("E-EXECUTOR", need.place, what=what, hint="Run with --executor docker, or drop --prerun.")
    if need.kind is not Kind.COMMAND and (need.kernel or need.language) not in ("python", "python3", None):
        asked = need.kernel or need.language or ""
        meant = 'Did you mean "python3"? If not, run' if closest(asked, ("python3",)) else "Run"
        hint = f"{meant} with --executor docker and an image that has it."
        yield problem("E-EXECUTOR", need.place, what=f"the process executor has no kernel {asked!r}", hint=hint)
    limits = [name for name, value in (("--memory", need.memory), ("--cpus", need.cpus)) if value is not None]
    if limits:
        what = f"the process executor cannot enforce {' and '.join(limits)}"
        yield problem("W-EXECUTOR", need.place, what=what, hint="Run with --executor docker to have it enforced.")
    if not sandbox:
        yield from _literal_paths(need)


def _literal_paths(need: Needs) -> Iterator[Problem]:
    for literal in sorted(set(_literals(need))):
        top = literal.split("/")[1]
        rest = literal.split("/")[2:]
        variable, helper = "DAGBOOK_OUTPUT", "dagbook.output()"
        if top == "input":
            title = rest[0] if rest and rest[0] else "TITLE"
            variable, helper = variable_of("INPUT", title), f'dagbook.input("{title}")'
        yield problem("E-PATH-LITERAL", need.place, literal=literal, variable=variable, helper=helper)


def _literals(need: Needs) -> Iterator[str]:
    """The string literals that spell a path of the node; in other languages than Python, what looks like one."""
    if need.kind is Kind.COMMAND:
        yield from re.findall(r"(?<![\w./-])/(?:input|output|code|data)(?:/[\w./*-]*)?(?![\w-])", need.source)
        return
    try:
        tree = ast.parse(re.sub(r"(?m)^\s*[%!].*$", "pass", need.source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        yield from (match[2] for match in _QUOTED.finditer(need.source))
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and _PATH.match(node.value):
            yield node.value


def _runtime(need: Needs, tell: Callable[[str], None], cache: Path | None) -> Runtime:
    missing = unmet(need.requirements)
    if not missing:
        return Runtime(reference=f"python {sys.version.split()[0]}", digest=digest_here())
    python = _environment(need, tell, cache)
    digest = hashlib.sha256(f"{sys.version}\n{_frozen(python)}".encode()).hexdigest()
    return Runtime(
        reference=f"python {sys.version.split()[0]} with {', '.join(need.requirements)}",
        digest=f"sha256:{digest}",
        environment={PYTHON: str(python)},
    )


def unmet(requirements: Sequence[str]) -> list[str]:
    """Those requirements that this interpreter does not meet."""
    from packaging.requirements import InvalidRequirement, Requirement

    missing = []
    for text in requirements:
        try:
            wanted = Requirement(text)
            if wanted.marker and not wanted.marker.evaluate():
                continue
            met = not wanted.url and wanted.specifier.contains(metadata.version(wanted.name), prereleases=True)
        except (InvalidRequirement, metadata.PackageNotFoundError):
            met = False
        if not met:
            missing.append(text)
    return missing


def digest_here() -> str:
    """What pins this interpreter with its packages: sha256 over its version and all installed distributions.

    Their folders carry name and version; parsing each one's metadata took two seconds where JupyterLab is installed.
    A checkout that happens to be on the path has a folder without a version, and is no installation.
    """
    installed = sorted({name for folder in sys.path for name in _distributions(folder)})
    text = "\n".join([sys.version, sys.implementation.cache_tag or "", *installed])
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def _distributions(folder: str) -> list[str]:
    try:
        return [name for name in os.listdir(folder or ".") if _DISTRIBUTION.fullmatch(name)]
    except OSError:  # zip files, folders that are not there
        return []


def _frozen(python: Path) -> str:
    return (python.parent.parent / "frozen.txt").read_text(encoding="utf-8")


def _environment(need: Needs, tell: Callable[[str], None], cache: Path | None) -> Path:
    """The interpreter of a virtual environment with the requirements; made once, whole or not at all."""
    wanted = "\n".join([str(RECIPE), sys.version, sys.base_prefix, *sorted(need.requirements)])
    key = hashlib.sha256(wanted.encode()).hexdigest()[:24]
    folder = (cache or cache_folder() / "environments") / key
    folder.parent.mkdir(parents=True, exist_ok=True)
    with only_one(f"environment-{key}"):
        if not (folder / "frozen.txt").exists():
            tell(f"making an environment with {', '.join(need.requirements)}")
            shutil.rmtree(folder, ignore_errors=True)
            _make_environment(need, folder)
    return folder / "bin" / "python"


def _make_environment(need: Needs, folder: Path) -> None:
    python = str(folder / "bin" / "python")
    log = Path(tempfile.mkdtemp(prefix="dagbook")) / "log"
    steps = [
        [sys.executable, *_MODULE, "venv", str(folder)],
        [python, *_MODULE, "pip", "install", "--disable-pip-version-check", "ipykernel", *need.requirements],
    ]
    try:
        for step in steps:
            with open(log, "ab") as out:
                done = subprocess.run(step, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False)
            if done.returncode:
                lines = "\n".join(log.read_text(errors="replace").strip().splitlines()[-15:])
                facts = {"what": f'node "{need.title}"', "exit_code": done.returncode, "lines": lines}
                raise PipelineError(problem("E-BUILD-FAILED", need.place, made="Python environment", **facts))
        frozen = subprocess.run(
            [python, *_MODULE, "pip", "freeze", "--all"], capture_output=True, text=True, check=True
        )
        # Last, and in one step: its being there says that the environment is whole.
        part = folder / "frozen.part"
        part.write_text(frozen.stdout, encoding="utf-8")
        os.replace(part, folder / "frozen.txt")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(log.parent, ignore_errors=True)
