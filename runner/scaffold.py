"""A project to start from: a pipeline, its test, the file with which CI runs it, settings; made of `templates/`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from .core.errors import PipelineError
from .core.names import clean_title

FORMATS = ("notebook", "yaml", "py")
SERVICES = ("github", "gitlab", "none")

_TEMPLATES = Path(__file__).parent / "templates"
_NAME = "my-pipeline"  # in the templates, where the name of the pipeline goes
_FILES = {"notebook": "pipeline.ipynb", "yaml": "pipeline.yaml", "py": "pipeline.py"}
_IGNORED = (".dagbook/", "dagbook-reports/", "__pycache__/", ".ipynb_checkpoints/")


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be made: where, its text, and what it is in a few words. `extends` one that may be there already."""

    path: Path
    text: str
    words: str
    extends: bool = False


def project(folder: Path, name: str | None, form: str, service: str, package: str | None = None) -> list[NewFile]:
    """The files of a new project in `folder`, which need not exist yet; nothing is written.

    `name` is the pipeline's (None: the folder's, where a pipeline may be called so); `form` one of FORMATS, `service`
    one of SERVICES; `package` is what pip installs there to have dagbook (None: left for the user to say).
    Raises PipelineError (E-NAME-…).
    """
    folder = folder.absolute()
    title = clean_title(name) if name is not None else _title_of(folder)
    file = _FILES[form]
    files = [NewFile(folder / file, _pipeline(title, form), "the pipeline: three nodes, one of them a grid")]
    if form == "yaml":
        files.append(NewFile(folder / "dagbook.schema.json", _schema(), "by which editors complete it"))
    files += [
        NewFile(folder / "tests" / "test_pipeline.py", _template("test_pipeline.py", file), "checks it and runs it"),
        NewFile(folder / "dagbook.toml", _template("dagbook.toml", file), "settings, all of them commented out"),
        *_of_service(folder, service, file, package),
    ]
    missing = [line for line in _IGNORED if line.strip("/") not in _lines(folder / ".gitignore")]
    if missing:
        text = _ended(_text(folder / ".gitignore")) + "".join(f"{line}\n" for line in missing)
        files.append(NewFile(folder / ".gitignore", text, "keeps what runs leave out of git", extends=True))
    return files


def _title_of(folder: Path) -> str:
    try:
        return clean_title(folder.name)
    except PipelineError:
        return "pipeline"  # a folder may have a name that no pipeline can have


def _pipeline(title: str, form: str) -> str:
    if form == "yaml":
        return _as_yaml(title)
    if form == "py":
        program = (_TEMPLATES / "pipeline.py").read_text(encoding="utf-8")
        return program.replace(f'"{_NAME}"', json.dumps(title, ensure_ascii=False))
    notebook = json.loads((_TEMPLATES / "pipeline.ipynb").read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = [_named(line, title) for line in cell["source"]]
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _named(line: str, title: str) -> str:
    from .formats.cell_text import quoted

    return line.replace(_NAME, quoted(title) if line.startswith("%") else title)


def _as_yaml(title: str) -> str:
    """The pipeline of the notebook, as dagbook's own YAML: there is one pipeline to keep right."""
    from .formats.native import write_native
    from .formats.notebook import read_notebook
    from .formats.pipeline_file import without_places

    pipeline = read_notebook(_TEMPLATES / "pipeline.ipynb").pipeline.model_copy(update={"name": title})
    return write_native([without_places(pipeline)])


def _schema() -> str:
    from .formats.native import json_schema

    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"


def _of_service(folder: Path, service: str, file: str, package: str | None) -> list[NewFile]:
    """The file with which that service runs the pipeline, where it looks for it: at the root of the repository."""
    root = _repository(folder) or folder
    inside = folder.relative_to(root).as_posix()
    if service == "github":
        text = installing(_moved(_template("workflow.yml", file), inside, file), package)
        return [NewFile(root / ".github" / "workflows" / _workflow(inside), _on(text, root), "GitHub runs it")]
    if service == "gitlab":
        text = installing(_moved(_template("gitlab-ci.yml", file), inside, file), package)
        return [NewFile(root / ".gitlab-ci.yml", text, "GitLab runs it")]
    return []


def _workflow(inside: str) -> str:
    """A file of its own for each project of a repository."""
    return "dagbook.yml" if inside == "." else f"dagbook-{_plain(inside)}.yml"


def _moved(text: str, inside: str, file: str) -> str:
    """The template for a project that is at `inside` of the repository: pipeline, store and cache are its own."""
    if inside == ".":
        return text
    pipeline, store, name = map(_as_scalar, (f"{inside}/{file}", f"{inside}/.dagbook", f"dagbook {inside}"))
    for pattern, new in (
        (rf"(?m)^(\s*PIPELINE: ){re.escape(file)}$", pipeline),
        (r"(?m)^(\s*(?:- |path: ))\.dagbook/?$", store),
        (r"(?m)^(name: )dagbook$", name),
        (r"(\bdagbook-)(?=\$)", f"{_plain(inside)}-"),
    ):
        text = re.sub(pattern, lambda found, new=new: found[1] + new, text)  # type: ignore[misc]
    return text


def installing(text: str, package: str | None) -> str:
    """The file for CI with what pip installs to have dagbook; None leaves the gap, which the job's first step tells."""
    if package is None:
        return text
    return re.sub(r'(?m)^( +DAGBOOK: )"".*$', lambda found: found[1] + _as_scalar(package), text)


def _as_scalar(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _plain(inside: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "-", inside).strip("-") or "project"


def _on(text: str, root: Path) -> str:
    """The workflow for the branch that is worked on, where it is called master: it would else never begin."""
    return text.replace("branches: [main]", "branches: [master]") if _branch(root) == "master" else text


def _branch(root: Path) -> str:
    return _text(root / ".git" / "HEAD").strip().removeprefix("ref: refs/heads/")


def _repository(folder: Path) -> Path | None:
    """The root of the git repository that `folder` is in."""
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), None)


def _template(name: str, file: str) -> str:
    """A template, for the pipeline in `file`."""
    return (_TEMPLATES / name).read_text(encoding="utf-8").replace(_FILES["notebook"], file)


def _text(path: Path) -> str:
    """The text of a file as it is, its line ends too; empty when it cannot be read."""
    try:
        return path.read_bytes().decode("utf-8", errors="surrogateescape")
    except OSError:
        return ""


def _lines(path: Path) -> set[str]:
    return {line.strip().strip("/") for line in _text(path).splitlines()}


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"
