"""A task of a cnvrg file as a node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core import dialect as core_dialect
from ...core.dialect import Argument, Serving, Setup
from ...core.model import FARTHEST, Kind, Node
from ...core.names import clean_title
from ...core.notify import Notify
from ...core.quantities import check_image
from ..documents import Whole
from ..git_address import read_git_address
from .conditions import read_conditions
from .keeping import Kept
from .params import read_params
from .part import Part
from .schemas import DataTask, DeployTask, Dialect, ExecTask, Head, Task, TaskType, Working, as_truth
from .serving import read_serving
from .titles import Titles

MASTER = ("master", "latest")  # what stands for the default branch and its newest commit
_EVENTS = {"notify_on_error": "failure", "notify_on_success": "success"}
_SCHEMAS: Mapping[str, type[Task]] = {
    TaskType.DATA: DataTask,
    TaskType.EXEC: ExecTask,
    TaskType.DEPLOY: DeployTask,
}


def read_task(part: Part, dialect: Dialect, titles: Titles, csv_grid: bool) -> Node | None:
    """The node that the task at `part` tells, but for what comes before it. None, and the faults are taken down."""
    kind = part.raw("type") if part.has("type") else None
    schema = _SCHEMAS.get(kind) if isinstance(kind, str) else None
    if schema is None:
        part.read(Head)
        return None
    told = part.read(schema)
    if told is None:
        return None
    reader = _Reader(part, dialect, titles, csv_grid)
    fields = reader.fields(told)
    return part.attempt(lambda: Node.model_validate(fields)) if fields["title"] is not None else None


class _Reader:
    """Reads one task."""

    def __init__(self, part: Part, dialect: Dialect, titles: Titles, csv_grid: bool) -> None:
        self._part, self._dialect, self._titles, self._csv_grid = part, dialect, titles, csv_grid
        self._kept = Kept(part)
        self._unresolved: list[str] = []

    def fields(self, told: Task) -> dict[str, Any]:
        """The fields of the node; its title is None where it cannot be one."""
        found = self._common(told)
        if isinstance(told, DataTask):
            found |= self._data(told)
        elif isinstance(told, ExecTask):
            found |= {**self._working(told), **self._exec(told)}
        elif isinstance(told, DeployTask):
            found |= {**self._working(told), "kind": Kind.DEPLOY}
            found["serving"] = read_serving(self._part, told, self._dialect) or Serving()
            for key in ("requirements", "command"):  # which an exec task has, too, and with effect
                if self._part.has(key):
                    self._kept.one(key)
        self._kept.keys(told)
        return {**found, "unresolved": tuple(self._unresolved), "origin": self._kept.origin}

    def _common(self, told: Task) -> dict[str, Any]:
        title = self._part.attempt(lambda: clean_title(told.title), "title")
        if title is not None and title != told.title.strip():
            what = f"the title {told.title!r} is {title!r} here"
            self._part.note("W-CHANGED", "read with single spaces", "title", what=what, hint="Mend its white space.")
        found: dict[str, Any] = {"title": title, "kind": Kind.DATA}
        for side in ("top", "left"):
            value = getattr(told, side)
            if isinstance(value, Whole) and 0 <= value <= FARTHEST:
                found[side] = int(value)
            elif value is not None:
                self._kept.one(side)
        return found

    def _data(self, told: DataTask) -> dict[str, Any]:
        if told.data_commit and told.data_query:
            what = f"{self._part.what} has both data_commit and data_query"
            hint = "A query looks at the newest version; keep one of the two."
            self._part.note("E-CONFLICT", "not read", "data_query", what=what, hint=hint)
        name = told.dataset.strip()
        if "@" in name:
            facts = {"where": f"dataset of {self._part.what}", "what": "holds an @, which no name of a dataset does"}
            self._part.note("E-TYPE", "not read", "dataset", hint="Write the version as data_commit.", **facts)
        return {"dataset": f"{name}@{told.data_commit}" if told.data_commit else name, "query": told.data_query}

    def _working(self, told: Working) -> dict[str, Any]:
        tests, approvers = read_conditions(self._part.inner("conditions", what=self._part.what), self._titles)
        return {
            "dialect": core_dialect.Dialect.CNVRG,
            "compute": self._computes(told),
            "image": self._image(told),
            "when": tests,
            "approve": approvers,
            "git": self._git(told),
        }

    def _computes(self, told: Working) -> tuple[str, ...] | None:
        if told.computes:
            what = f"computes of {self._part.what}, where dagbook.toml has no template of that name,"
            self._part.note("W-KEPT", "kept for export", "computes", what=what)
            return told.computes
        if self._dialect is Dialect.FLOW:
            what = f"{self._part.what} names no compute template, and cnvrg wants one"
            hint = "Write `computes:` and below it `- NAME`."
            self._part.note("W-CHANGED", "read without", "computes", what=what, hint=hint)
        return None

    def _image(self, told: Working) -> str | None:
        image = told.image.strip() if told.image else ""
        if not image or self._part.attempt(lambda: check_image(image), "image") is None:
            return None
        if _is_loose(image):
            self._part.note("W-LATEST", "kept", "image", image=image)
        return image

    def _git(self, told: Working) -> str | None:
        """`.@REF`: the commit where there is one, else the branch. What that does not tell is kept."""
        branch, commit = told.git_branch or "", told.git_commit or ""
        ref, key = (commit, "git_commit") if commit and commit not in MASTER else (branch, "git_branch")
        if branch and (key == "git_commit" or branch in MASTER or is_commit(branch)):
            self._kept.one("git_branch", noted=False)
        if key == "git_commit" and not is_commit(commit):
            self._kept.one("git_commit", noted=False)
        if not ref or ref in MASTER:
            return None
        address = self._part.attempt(lambda: read_git_address(f".@{ref}"), key)
        if address is not None and address.url != ".":
            what = f"{key} of {self._part.what} is {ref!r}; a name with an @ cannot be told from an address here"
            self._part.note("E-GIT", "not read", key, what=what, hint="Name the commit as git_commit instead.")
        return None if address is None else str(address)

    def _exec(self, told: ExecTask) -> dict[str, Any]:
        params = read_params(self._part.inner("params", what=self._part.what), self._csv_grid)
        self._kept.types = params.types
        for folder in told.mount_folders:
            self._mount(folder)
        if told.mount_folders:
            self._kept.one("mount_folders", noted=False)
        return {
            "kind": Kind.COMMAND,
            "source": self._command(told),
            "params": params.single,
            "grid": params.grid,
            "arguments": tuple(Argument(name=key) for key in params.order),
            "single": told.single_mode,
            "retries": None if told.restart_if_stuck is None else int(told.restart_if_stuck),
            "notify": self._notify(told),
            "setup": Setup(requirements=self._requirements(told), prerun=told.prerun, output=told.output_dir),
        }

    def _notify(self, told: ExecTask) -> Notify | None:
        """Of which ends people are told, and who else is; a `false` and addresses that get nothing are kept."""
        wanted = {"notify_on_error": told.notify_on_error, "notify_on_success": told.notify_on_success}
        for key in (key for key, on in wanted.items() if not on and self._part.has(key)):
            self._kept.one(key)
        events = tuple(_EVENTS[key] for key, on in wanted.items() if on)
        said = {"events": events, "emails": told.emails}
        made = self._part.attempt(lambda: Notify.model_validate(said), "emails")
        if not events and told.emails:
            self._kept.one("emails")
        return made if events else None

    def _command(self, told: ExecTask) -> str:
        usual, other = ("input", "command") if self._dialect is Dialect.FLOW else ("command", "input")
        if told.input and told.command:
            what = f"{self._part.what} has both `input` and `command`"
            self._part.note("E-CONFLICT", "not read", other, what=what, hint=f"Keep `{usual}`.")
        command = told.input or told.command or ""
        if command and getattr(told, usual) is None:
            what = f"{self._part.what} has its command as `{other}`"
            self._part.note("W-CHANGED", f"read as {usual}", other, what=what, hint=f"Write `{usual}:`.")
        if not command and told.library:
            what = f"the component {told.library} of {self._part.what} is not in this file"
            self._part.note("W-REF", "kept for export", "library", what=what, nearest="Write its command as well.")
            self._kept.one("library", noted=False)
            self._unresolved.append(f"its component {told.library} is not here, and it has no command of its own")
        elif not command:
            facts = {"where": self._part.what, "key": usual, "hint": f"Write the command: `{usual}: python3 train.py`."}
            self._part.note("E-KEY-MISSING", "not read", **facts)
        return command

    def _requirements(self, told: ExecTask) -> bool:
        given = as_truth(told.requirements)
        if isinstance(given, dict):
            self._kept.one("requirements")
        elif given is not None and not isinstance(given, bool):
            facts = {"where": f"requirements of {self._part.what}", "what": "should be true or false", "hint": ""}
            self._part.note("E-TYPE", "not read", "requirements", **facts)
        return given if isinstance(given, bool) else True

    def _mount(self, folder: str) -> None:
        address, colon, path = folder.partition(":/")
        if not (address and colon) or ".." in path.split("/") or " " in address or "/" in address:
            where = f"mount_folders of {self._part.what}"
            self._part.note("E-MOUNT", "not read", "mount_folders", where=where, value=folder)
            return
        self._unresolved.append(f"the network folder {folder} is not mounted here")
        facts = {"what": f"the network folder {folder} of {self._part.what}", "hint": "Take the files from a dataset."}
        self._part.note("W-NOT-HERE", "kept for export", "mount_folders", **facts)


def is_commit(ref: str) -> bool:
    """Whether a reference looks like the id of a commit."""
    return 7 <= len(ref) <= 40 and not set(ref.lower()) - set("0123456789abcdef")


def _is_loose(image: str) -> bool:
    """Whether an image has no tag or digest that stays."""
    name, digest, _ = image.partition("@")
    tag = name.rpartition("/")[2].partition(":")[2]
    return not digest and tag in ("", "latest")
