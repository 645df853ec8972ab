"""What Tab completes on the command line: files of pipelines, runs, nodes, parameters, users, datasets.

Whoever presses Tab wants no error: what cannot be read completes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from .core.lifecycle import NodeRun
    from .formats.notebook import Definition
    from .records.store import Store

MOST_RUNS = 30
_DEEPEST = 4  # folders that are gone into as long as there is no choice

Items = list[CompletionItem]


@dataclass(frozen=True, slots=True)
class Typed:
    """A command line up to the word that is to be completed."""

    context: click.Context

    @property
    def words(self) -> Sequence[str]:
        """The words from the command's name on: for `data put images`, `put` and `images`."""
        words, name = tuple(self.context.obj or ()), str(self.context.info_name)
        return words[words.index(name) :] if name in words else words

    def value(self, name: str) -> Any:
        """The value of an argument or option; None when it was not typed, or click did not come so far."""
        return self.context.params.get(name)


Finder = Callable[[Typed, str], Iterator[CompletionItem]]


def let_complete(command: click.Command) -> None:
    """Have the values of a command's parameters completed here, but where click itself knows, as for choices."""
    if isinstance(command, click.Group):
        for below in command.commands.values():
            let_complete(below)
    for parameter in command.params:
        find = _FINDERS.get(str(parameter.name))
        if find and not isinstance(parameter.type, click.Choice):
            parameter.shell_complete = partial(_completed, find)  # type: ignore[method-assign]


def _completed(find: Finder, context: click.Context, incomplete: str) -> Items:
    return list(find(Typed(context), incomplete))


# files


def _files(typed: Typed, incomplete: str) -> Iterator[CompletionItem]:
    for one in files(incomplete):
        yield CompletionItem(one)


def files(incomplete: str, depth: int = 0) -> list[str]:
    """Files of pipelines and folders that go on from `incomplete`; a folder that is the only one is gone into."""
    from .formats.nearby import ENDINGS, pipeline_files

    folder, prefix = os.path.split(incomplete)
    place = Path(os.path.expanduser(folder or "."))
    named = sorted(one for one in os.listdir(place) if one.startswith(prefix) and (prefix or not one.startswith(".")))
    folders = [one for one in named if (place / one).is_dir()]
    fitting = set(pipeline_files(place))
    plain = [one for one in named if one.endswith(ENDINGS) and one not in folders]
    found = [one for one in plain if one in fitting or one.endswith(".ipynb")] or plain
    if len(folders) == 1 and not found and depth < _DEEPEST:
        inside = files(os.path.join(folder, folders[0], ""), depth + 1)
        return inside or [os.path.join(folder, folders[0], "")]
    return [os.path.join(folder, one) for one in found] + [os.path.join(folder, one, "") for one in folders]


def _definition(typed: Typed) -> Definition | None:
    """The pipeline of the file that was typed; a program is not executed for this."""
    from .formats.nearby import ENDINGS
    from .formats.pipeline_file import is_notebook, read_definition

    words = [typed.value("file"), *typed.words]
    for path in (Path(os.path.expanduser(str(word))) for word in words if word):
        if path.suffix in ENDINGS and path.is_file() and (path.suffix != ".py" or is_notebook(path)):
            return read_definition(path)
    return None


# runs


def _store(typed: Typed) -> Store:
    from .formats.settings import find_store
    from .records.store import Store

    given = typed.value("store")
    return Store(find_store(given, None, Path.cwd()), create=False)


def _runs(typed: Typed, incomplete: str) -> Iterator[CompletionItem]:
    if typed.context.info_name == "datums" and typed.words[1:]:
        yield from _nodes(typed, incomplete)
        return
    if "latest".startswith(incomplete):
        yield CompletionItem("latest", help="the latest run")
    for row in _store(typed).latest(most=MOST_RUNS):
        if row.id.startswith(incomplete):
            yield CompletionItem(row.id, help=f"{row.pipeline} {row.state.replace('_', ' ')}")


def _run(typed: Typed, store: Store) -> str:
    """The run that was typed: what click took for it, or the first word after the command; else the latest."""
    given = typed.value("wanted")
    words = [given] if isinstance(given, str) else [*(given or ()), *typed.words[1:]]
    for word in words:
        if word and not word.startswith("-"):
            return store.find(word).id
    return store.find("latest").id


def _node_runs(typed: Typed) -> list[NodeRun]:
    store = _store(typed)
    return list(store.state_of(_run(typed, store)).node_runs.values())


# nodes and what belongs to them


def _nodes(typed: Typed, incomplete: str) -> Iterator[CompletionItem]:
    """Titles: of the pipeline in FILE where the command takes one, else of the run's nodes, with `node#2` for each."""
    if _takes_file(typed):
        definition = _definition(typed)
        titles = [node.title for node in definition.pipeline.nodes] if definition else []
        yield from _beginning(titles, incomplete)
        return
    runs = _node_runs(typed)
    if typed.context.info_name in ("approve", "reject"):
        runs = [run for run in runs if run.state == "pending_approval"]
    yield from _beginning(dict.fromkeys(run.node for run in runs), incomplete)
    if "#" in incomplete:
        yield from _beginning((run.id for run in runs if "#" in run.id), incomplete)


def _takes_file(typed: Typed) -> bool:
    return any(one.name == "file" for one in typed.context.command.params)


def _parameters(typed: Typed, incomplete: str) -> Iterator[CompletionItem]:
    """Names after -p, with their values as help; the value itself after a name."""
    known = _known_parameters(typed)
    if typed.words and typed.words[-1] in known:  # NAME is there, and VALUE is wanted
        yield from _beginning([known[typed.words[-1]]], incomplete)
        return
    for name, value in known.items():
        if name.startswith(incomplete):
            yield CompletionItem(name, help=f"= {value}")


def _known_parameters(typed: Typed) -> dict[str, str]:
    from .core.values import shown

    if not _takes_file(typed):
        store = _store(typed)
        pipeline = store.run(_run(typed, store)).record["pipeline"]
        return {name: shown(value) for name, value in pipeline.get("parameters", {}).items()}
    definition = _definition(typed)
    if definition is None:
        return {}
    found = {one.name: shown(one.value) for one in definition.parameters.values()}
    for node in definition.pipeline.nodes:
        found |= {f"{node.slug}.{name}": shown(value) for name, value in node.params.items()}
    return found


def _users(typed: Typed, incomplete: str) -> Iterator[CompletionItem]:
    if typed.context.info_name in ("approve", "reject"):
        pending = [run for run in _node_runs(typed) if run.state == "pending_approval"]
        yield from _beginning({user: None for run in pending for user in run.detail.get("approvers", ())}, incomplete)


def _datasets(typed: Typed, incomplete: str) -> Iterator[CompletionItem]:
    """Names after the commands of `data`; elsewhere a NAME is a new one."""
    from .records.repos import list_repos

    above = typed.context.parent
    if above is None or above.info_name != "data":
        return
    yield from _beginning((repo.name for repo in list_repos(_store(typed))), incomplete)


def _beginning(names: Iterable[str], incomplete: str) -> Iterator[CompletionItem]:
    """Those of the names that begin so, whatever their case."""
    for name in names:
        if name.lower().startswith(incomplete.lower()):
            yield CompletionItem(name)


# By what commands call their parameters; a test looks that none is left out.
_FINDERS: dict[str, Finder] = {
    "file": _files,
    "files": _files,
    "wanted": _runs,
    "words": _runs,
    "node": _nodes,
    "nodes": _nodes,
    "start": _nodes,
    "until": _nodes,
    "force": _nodes,
    "typed": _parameters,
    "raw": _parameters,
    "by": _users,
    "name": _datasets,
}
