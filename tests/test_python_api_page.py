"""The page on pipelines in Python: its blocks are one program that runs, and every public name stands there."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path

import dagbook
from dagbook.runner.handles.changes import Change

PAGE = (Path(__file__).parents[1] / "docs" / "python_api.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE)


def test_the_blocks_of_the_page_run_as_one_program(tmp_path: Path) -> None:
    """But for the program that is a file of its own, which the command line reads."""
    program = [block for block in blocks() if not block.startswith("# harbors.py")]
    (file,) = [block for block in blocks() if block.startswith("# harbors.py")]
    (tmp_path / "page.py").write_text("\n".join(program), encoding="utf-8")
    (tmp_path / "harbors.py").write_text(file, encoding="utf-8")
    env = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "DAGBOOK_EXECUTOR": "process"}
    said = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, capture_output=True, text=True, check=False, env=env
    )
    assert said.returncode == 0, said.stdout + said.stderr
    command = re.search(r"(?m)^dagbook (run harbors\.py .*)$", PAGE)
    assert command
    words = re.findall(r'"[^"]*"|\S+', command[1])
    planned = subprocess.run(
        [Path(sys.executable).with_name("dagbook"), "plan", *(word.strip('"') for word in words[1:]), "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env=env,
    )
    assert planned.returncode == 0, planned.stderr
    assert '"Look at tallinn"' in planned.stdout


def test_every_public_name_is_in_the_list_of_names() -> None:
    told = set(re.findall(r"\w+", PAGE[PAGE.index("## All names") :]))
    names = set(dagbook.__all__) - {"__version__", "load_ipython_extension"}
    for one in (dagbook.Pipeline, dagbook.Run, dagbook.NodeRun, Change):
        names |= {name for name, _ in inspect.getmembers(one) if not name.startswith("_")} - {"of"}
        names |= {name for name in getattr(one, "__dataclass_fields__", ()) if not name.startswith("_")}
    assert not names - told


def test_every_public_thing_says_what_it_is() -> None:
    """Docstrings teach: also those of properties, and of what methods are made from."""
    missing = []
    for one in (dagbook.Pipeline, dagbook.Run, dagbook.NodeRun, Change):
        found = {f"{one.__name__}.{name}": value for name, value in vars(one).items() if not name.startswith("_")}
        missing += [
            name
            for name, value in {one.__name__: one, **found}.items()
            if (callable(value) or isinstance(value, property)) and not inspect.getdoc(value)
        ]
    assert not missing
