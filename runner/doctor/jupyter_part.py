"""Jupyter: what the board in the notebook needs, and whether the notebook's kernel has dagbook."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from ..origin import how_to_install
from .findings import Finding, note, ok
from .python_part import version_of
from .subject import Subject

KERNEL = "python3"
KERNEL_SECONDS = 10  # for the kernel's Python to say whether it has dagbook
# The browser's half of each package, by the folder that it installs.
LABEXTENSIONS = {"ipywidgets": "@jupyter-widgets/jupyterlab-manager", "ipycytoscape": "jupyter-cytoscape"}
# Not from the working directory: a checkout there would be taken for the package.
_ASK = "import dagbook, ipykernel, sys; print(dagbook.__version__, sys.version.split()[0])"


def jupyter_part(_subject: Subject) -> Iterator[Finding]:
    """The front end, the widgets of the board, and the kernel python3."""
    fronts = {name: version_of(name) for name in ("jupyterlab", "notebook")}
    widgets = {name: version_of(name) for name in LABEXTENSIONS}
    facts = {"versions": {**fronts, **widgets}}
    here = [f"{name} {version}" for name, version in {**fronts, **widgets}.items() if version]
    if not any(fronts.values()):
        words = "neither JupyterLab nor Notebook is in this environment; dagbook run needs neither"
        yield note("jupyter", words, "For notebooks: pip install 'dagbook[lab]'", **facts)
    elif lacking := [name for name, version in widgets.items() if not version]:
        words = f"{', '.join(here)}; without {' and '.join(lacking)} a run is shown as a picture, not as a board"
        yield note("jupyter", words, "pip install 'dagbook[lab]'", **facts)
    elif lost := _not_in_the_browser():
        words = f"{', '.join(here)}; the browser's half of {' and '.join(lost)} is not there, or is switched off"
        fix = f"See: jupyter labextension list. Then: pip install --force-reinstall {' '.join(lost)}"
        yield note("jupyter", words, fix, **facts)
    else:
        yield ok("jupyter", ", ".join(here), **facts)
    yield _kernel()


def _not_in_the_browser() -> list[str]:
    """The packages whose extension of JupyterLab is lacking here, or disabled."""
    from jupyter_core.paths import jupyter_config_path, jupyter_path

    off: set[str] = set()
    for folder in (*jupyter_config_path(), str(Path(sys.prefix, "share", "jupyter", "lab", "settings"))):
        for file in (Path(folder, "labconfig", "page_config.json"), Path(folder, "page_config.json")):
            off |= _disabled(file)
    places = jupyter_path("labextensions")
    found = {name for name in LABEXTENSIONS.values() if any(Path(one, name).is_dir() for one in places)}
    return [package for package, name in LABEXTENSIONS.items() if name not in found or name in off]


def _disabled(file: Path) -> set[str]:
    try:
        named = json.loads(file.read_text(encoding="utf-8")).get("disabledExtensions") or {}
    except (OSError, ValueError, AttributeError):
        return set()
    return {name for name, value in named.items() if value} if isinstance(named, dict) else set(map(str, named))


def _kernel() -> Finding:
    """Whether the Python of notebooks' kernel python3 has dagbook, which `%load_ext dagbook` and papermill need."""
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    mend = f"Make it this Python's: {sys.executable} -m ipykernel install --sys-prefix"
    try:
        spec = KernelSpecManager().get_kernel_spec(KERNEL)
    except NoSuchKernel:
        return note("kernel", f"there is no kernel {KERNEL}, which notebooks ask for", mend)
    python = spec.argv[0] if spec.argv else ""
    if python in ("python", "python3", f"python{sys.version_info[0]}.{sys.version_info[1]}"):
        python = sys.executable  # as jupyter takes these names
    facts = {"kernel": KERNEL, "kernelspec": spec.resource_dir, "python": python}
    said, why = _asked(python, {**os.environ, **spec.env})
    if why:
        words = f"the kernel {KERNEL} runs {python or 'nothing'}, {why}: %load_ext dagbook fails in it"
        return note("kernel", words, f"{mend}{_or_there(python, spec.resource_dir)}", **facts)
    same = version_of("dagbook")
    dagbook, _, version = said.partition(" ")
    facts |= {"dagbook": dagbook, "python_version": version}
    if same and dagbook != same:
        words = f"the kernel {KERNEL} has dagbook {dagbook}, and this command is of dagbook {same}"
        return note("kernel", words, f"Bring both to one: {python} -m pip install -U {how_to_install()}", **facts)
    return ok("kernel", f"{KERNEL} is Python {version} with dagbook", **facts)


def _or_there(python: str, kernelspec: str) -> str:
    """How that Python gets dagbook, where there is one that could."""
    if not Path(python).is_file():
        return f"; it is {kernelspec}"
    return f"; or have dagbook there: {python} -m pip install {how_to_install()}"


def _asked(python: str, environment: dict[str, str]) -> tuple[str, str]:
    """What the kernel's Python says of dagbook in it, or else what keeps it from that."""
    command = [python, "-c", _ASK]
    try:
        done = subprocess.run(
            command, cwd="/", env=environment, capture_output=True, text=True, timeout=KERNEL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "", f"which does not answer within {KERNEL_SECONDS} seconds"
    except OSError as error:
        return "", f"which cannot be run ({error.strerror or error})"
    if done.returncode == 0:
        return done.stdout.strip(), ""
    lacking = re.search(r"No module named '(\w+)", done.stderr)
    return "", f"which has no {lacking[1]}" if lacking else f"which ends with {done.returncode}"
