"""Files that would do something if anything of them were executed, imported, expanded or fetched."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.formats.notebooks import code, markdown, write

SHADOWING = """json re click yaml pydantic papermill jupytext jupytext_config ruamel secrets pip venv code
    dagbook runner sitecustomize usercustomize conftest setup __init__"""
PROGRAMS = """core.fsmonitor filter.evil.clean filter.evil.smudge filter.evil.process filter.a=b.clean core.sshCommand
    core.pager core.editor diff.external credential.helper gpg.program"""
TRAP = "open({trap!r}, 'a').write({name!r})\n"


def lay_traps(folder: Path, trap: Path) -> list[str]:
    """Fill `folder` with hostile files, each of which would write to `trap`; gives the names of those to be read."""
    _modules(folder, trap)
    _notebook(folder, trap)
    _script(folder, trap)
    _texts(folder, trap)
    _repository(folder, trap)
    return ["flow.ipynb", "sound.ipynb", "script.py", "own.yaml", "tags.yaml", "flow.yaml", "valohai.yaml", "spec.json"]


def _sprung(trap: Path, name: str) -> str:
    return TRAP.format(trap=str(trap), name=name)


def _modules(folder: Path, trap: Path) -> None:
    """Modules that would be imported instead of others, or at the start of an interpreter."""
    for name in SHADOWING.split():
        (folder / f"{name}.py").write_text(_sprung(trap, name))
    (folder / "evil.pth").write_text(f"import os; {_sprung(trap, 'pth')}")
    (folder / ".env").write_text(f"PYTHONSTARTUP={folder}/json.py\n")
    (folder / "pyvenv.cfg").write_text("home = /nowhere\n")
    (folder / "jupytext.toml").write_text('formats = "ipynb,py:percent"\n')
    (folder / ".jupytext.py").write_text(_sprung(trap, "jupytext.py"))
    (folder / "dagbook.toml").write_text(f'secret_command = "touch {trap}"\nimage = "python:3.12-slim"\n')
    (folder / "requirements.txt").write_text("--index-url http://127.0.0.1:9/\nevil @ file:///nowhere\n")


def _notebook(folder: Path, trap: Path) -> None:
    sprung = _sprung(trap, "cell").strip()
    shell = f"touch {trap}"
    write(
        folder / "flow.ipynb",
        "%load_ext dagbook",
        f"{sprung}\n!{shell}\n%run json.py\n%sx {shell}",
        f"%%bash\n{shell}",
        code(f"epochs = 3\npath = {sprung}\nname = __import__('os').system({shell!r})", "parameters"),
        f"%%pipeline_shared\nimport json\n{sprung}",
        f"%%pipeline_node a --param 'x=$({shell})' --env 'Y=`{shell}`' --secret KEY\n{sprung}\n!{shell}\nget_ipython()",
        f"%%pipeline_node b --after a --param 'x={{{{ a.loss }}}}' --grid 'y=[1, 2]' --param 'z=[{sprung}]'\n{sprung}",
        f'%%pipeline_node c --after b --when \'eq:loss:__import__("os").system("{shell}")\'\n{sprung}',
        f"%%pipeline_command d --after c\n{shell}",
        "%pipeline_data e --url http://127.0.0.1.nip.example/data.csv",
        "%%pipeline_node f --after e --requirements requirements.txt\n1",
        markdown(f"<img src=x onerror='{shell}'> {{{{ {sprung} }}}}"),
    )
    write(
        folder / "sound.ipynb",
        "%load_ext dagbook",
        sprung,
        "%%pipeline_shared\nimport json",
        f"%%pipeline_node a --param 'x=$({shell})' --env 'Y=`{shell}`' --grid 'y=1,2'\n{sprung}\n!{shell}",
        f"%%pipeline_command b --after a --when max:loss\n{shell}",
    )


def _script(folder: Path, trap: Path) -> None:
    sprung = _sprung(trap, "script")
    header = "# ---\n# jupyter:\n#   jupytext:\n#     formats: !!python/object/apply:os.system [id]\n# ---\n"
    (folder / "header.py").write_text(header + "# %%\n1\n")
    (folder / "script.py").write_text(
        f'# %%\n{sprung}\n# %% tags=["parameters"]\nn = {sprung}\n# %%\n# %%pipeline_node a --param n\n{sprung}\n'
        f"# %%\n# !touch {trap}\n"
    )


def _texts(folder: Path, trap: Path) -> None:
    shell = f"touch {trap}"
    (folder / "tags.yaml").write_text(f"dagbook: 1\nname: !!python/object/apply:os.system ['{shell}']\n")
    own = {"title": "a", "kind": "command", "source": shell, "params": {"x": f"$({shell})", "y": "{{ a.x }}"}}
    (folder / "own.yaml").write_text(json.dumps({"dagbook": 1, "name": f"`{shell}`", "nodes": [own]}))
    (folder / "flow.yaml").write_text(
        f"flow: $({shell})\ntasks:\n- title: a\n  type: exec\n  input: {shell}\n  computes: [small]\n"
        f"  conditions:\n  - {{objective: human_validation, value: '$({shell})'}}\n"
        f"- {{title: d, type: data, dataset: '`{shell}`'}}\nrelations:\n- {{from: d, to: a}}\n"
    )
    (folder / "valohai.yaml").write_text(
        f"- step:\n    name: s\n    image: python:3.12-slim\n    command: {shell}\n    inputs:\n"
        "    - {name: i, default: 'http://127.0.0.1:9/x'}\n    - {name: j, default: 's3://bucket/x'}\n"
        "- pipeline:\n    name: p\n    nodes:\n    - name: a\n      type: execution\n      step: s\n"
        f"      actions:\n      - if: \"__import__('os').system('{shell}')\"\n        when: node-complete\n"
        "        then: stop-pipeline\n    edges: []\n"
    )
    (folder / "spec.json").write_text(
        json.dumps(
            {
                "pipeline": {"name": "a"},
                "transform": {
                    "cmd": ["sh", "-c", shell],
                    "image": "x:1",
                    "secrets": [{"name": "s", "key": "k", "env_var": "E"}],
                },
                "input": {"pfs": {"repo": "$(id)", "glob": "/*"}},
            }
        )
    )


def _repository(folder: Path, trap: Path) -> None:
    """A repository whose configuration names programs."""

    def git(*words: str) -> None:
        subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)

    program = folder / "monitor.sh"
    program.write_text(f"#!/bin/sh\necho git >> {trap}\n")
    program.chmod(0o755)
    git("init", "-q")
    (folder / ".gitattributes").write_text("* filter=evil\nclick.py filter=a=b\n")
    git("add", "json.py", "click.py", ".gitattributes")
    git("-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "x")
    for key in PROGRAMS.split():
        git("config", key, str(program))
    for hook in ("post-index-change", "post-checkout", "pre-commit", "reference-transaction", "fsmonitor-watchman"):
        (folder / ".git" / "hooks").mkdir(exist_ok=True)
        (folder / ".git" / "hooks" / hook).write_text(program.read_text())
        (folder / ".git" / "hooks" / hook).chmod(0o755)
    for name in ("json.py", "click.py"):
        os.utime(folder / name, (0, 0))  # git has to look into it
    trap.unlink(missing_ok=True)  # what making it may have sprung
