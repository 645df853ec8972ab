"""Tab in a magic line: options, titles of nodes, ends of edges, objectives, executors, images of this machine."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..runner.formats.magic_table import MAGICS
from ..runner.formats.options import options_of

if TYPE_CHECKING:
    from IPython.core.completer import CompletionContext

# as in core.model, which Tab need not wait for
OBJECTIVES = ("gt", "lt", "ge", "le", "eq", "ne", "max", "min")
_LINE = re.compile(r"\s*%{1,2}(\w+)\s(.*)", re.DOTALL)
_IMAGES_FOR = 60.0  # seconds for which a list of images is good
_DOCKER_WAIT = 1  # seconds that Tab may wait for the engine
_images: tuple[float, list[str]] = (-_IMAGES_FOR, [])


def match(context: CompletionContext) -> dict[str, Any]:
    """IPython's matcher (API v2): completions for the word before the cursor, when it is in a line of ours."""
    from IPython import get_ipython
    from IPython.core.completer import SimpleCompletion

    from .draft import draft_of

    found = _LINE.match(context.text_until_cursor)
    if found is None or found[1] not in MAGICS:
        return {"completions": [], "suppress": False}
    shell = get_ipython()
    titles = draft_of(shell).titles() if shell is not None else []
    word, offered = complete(found[1], found[2], titles)
    return {
        "completions": [SimpleCompletion(text=text, type="dagbook") for text in offered],
        "matched_fragment": word,
        "suppress": bool(offered),
        "ordered": True,
    }


match.matcher_api_version = 2  # type: ignore[attr-defined]
match.matcher_identifier = "dagbook"  # type: ignore[attr-defined]


def complete(magic: str, line: str, titles: Iterable[str]) -> tuple[str, list[str]]:
    """The word that is being typed at the end of `line`, and what it may become.

    >>> complete("pipeline_node", "train --af", [])
    ('--af', ['--after'])
    """
    words = _words(line)
    word = words.pop() if words else ""
    if word.startswith("--"):
        return word, [option.name for option in options_of(magic) if option.name.startswith(word)]
    asked = next((typed for typed in reversed(words) if typed.startswith("--")), "")
    option = next((option for option in options_of(magic) if option.name == asked), None)
    own = words[0].strip("'\"") if words else ""
    if magic == "pipeline_edge" and option is None and len(words) < 2:
        port = "input" if words else "output"
        return word, _begun_with(word, (f"{title}.{port}." for title in titles))
    if magic == "pipeline_attach" and not words:
        return word, _begun_with(word, titles)
    if option is None or (not option.many and words[-1] != asked):
        named = not MAGICS[magic].positional or bool(words)
        return word, [option.name for option in options_of(magic)] if named and not word else []
    values = list(option.choices)
    if option.dest in ("after", "forget", "node", "from", "until"):
        values = [title for title in titles if title != own]
    elif option.dest == "image":
        values = local_images()
    elif option.dest == "when":
        values = [f"{objective}:" for objective in OBJECTIVES]
    elif option.dest == "input":
        slot, equals, _ = word.lstrip("\"'").partition("=")
        values = [f"{slot}={title}/" for title in titles if title != own] if equals else []
    return word, _begun_with(word, values)


def _begun_with(word: str, values: Iterable[str]) -> list[str]:
    """Those of `values`, quoted where they must be, that go on from `word`."""
    return [text for text in map(_quoted, values) if text.startswith((word, f'"{word}'))]


def _words(line: str) -> list[str]:
    """The words of an unfinished line with their quotes; the last one is being typed and may be empty."""
    return re.findall(r"""(?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s"'])+|(?<=\s)$""", line) or [""]


def _quoted(text: str) -> str:
    return f'"{text}"' if re.search(r"\s|'", text) else text


def local_images() -> list[str]:
    """References of the images that the local engine has; empty when it does not answer within a second."""
    global _images
    asked, names = _images
    if time.monotonic() - asked < _IMAGES_FOR:
        return names
    try:
        names = _ask_engine()
    except Exception:  # Tab is no place to report that there is no engine
        names = []
    _images = (time.monotonic(), names)
    return names


def _ask_engine() -> list[str]:
    import docker

    client = docker.from_env(timeout=_DOCKER_WAIT)
    try:
        found = client.api.images()
    finally:
        client.close()
    return sorted({tag for image in found for tag in image.get("RepoTags") or () if not tag.startswith("<none>")})
