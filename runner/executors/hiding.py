"""Keeps the values of secrets out of what a node shows: dots stand where one was printed, in any usual spelling.

It is best effort: a node has its secrets and can tell them in ways that nobody foresees. What is found is the value
itself, line by line, as Python, JSON, HTML, URLs and shells spell it, and its base64 wherever it begins. Values
shorter than `SHORTEST` are not looked for, as they would hide half of all that is said.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..core.masking import MASK
from ..core.spellings import SHORTEST, forms_of
from .contract import Failure, Job, Outcome

_BUNDLES = ("data", "metadata", "transient")  # parts of a message, whose own parts are called as the node likes
_USUAL = {  # names of their parts that every reader knows: a secret spelled like one of them hides no picture
    *(f"text/{kind}" for kind in ("plain", "html", "markdown", "latex")),
    *(f"image/{kind}" for kind in ("png", "jpeg", "svg+xml", "gif")),
    *(f"application/{kind}" for kind in ("json", "javascript", "pdf", "vnd.jupyter.widget-view+json")),
    "display_id",
}


class Hiding:
    """Finds these values in texts; `of_job` gives the one for a job."""

    def __init__(self, forms: Iterable[str]) -> None:
        self._forms = tuple(sorted(forms, key=lambda form: (-len(form), form)))  # the longest that fits is taken
        self._pattern = re.compile("|".join(map(re.escape, self._forms)))
        self._initials = frozenset(form[0] for form in self._forms)
        self._longest = len(self._forms[0])

    def text(self, text: str) -> str:
        """`text` with dots in place of secrets."""
        return self._pattern.sub(MASK, text) if self._is_in(text) else text

    def inside(self, value: Any) -> Any:
        """Plain data with dots in place of secrets, in all texts and numbers in it; names too."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.inside(name): self.inside(one) for name, one in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(self.inside(one) for one in value)
        if isinstance(value, int | float) and self._is_in(str(value)):
            return MASK
        return value

    def values(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """The content of a message with dots in place of secrets; what its parts are called is the protocol's."""
        return {name: self.inside(value) for name, value in content.items()}

    def bundle(self, parts: Mapping[str, Any]) -> dict[str, Any]:
        """A display's parts by their media types, with dots in place of secrets, also in names of the node's own."""
        return {name if name in _USUAL else self.text(name): self.inside(part) for name, part in parts.items()}

    def outcome(self, outcome: Outcome) -> Outcome:
        """How an attempt ended, with dots in place of secrets."""
        failure = outcome.failure
        if failure:
            name, message, traceback = self.inside((failure.name, failure.message, failure.traceback))
            failure = Failure(name, message, traceback, failure.cell)
        reason, warnings = self.inside((outcome.reason, outcome.warnings))
        return replace(outcome, reason=reason, failure=failure, warnings=warnings)

    def pieces(self, raw: str) -> tuple[str, str]:
        """What can be told of a text that goes on, dots in place; and its end, with which a secret may have begun."""
        held = self._begun(raw, 0)
        if held == len(raw) and not self._is_in(raw):
            return raw, ""
        told, done = [], 0
        for match in self._pattern.finditer(raw):
            if match.start() >= held:
                break
            told += [raw[done : match.start()], MASK]
            done = match.end()
            if done > held:
                held = self._begun(raw, done)
        return "".join([*told, raw[done:held]]), raw[held:]

    def _is_in(self, text: str) -> bool:
        return any(form in text for form in self._forms)  # far faster than the pattern, where there is none

    def _begun(self, raw: str, start: int) -> int:
        """From where on `raw` may be the beginning of a secret; no form has a line end in it."""
        for at in range(max(start, raw.rfind("\n") + 1, len(raw) - self._longest + 1), len(raw)):
            if raw[at] in self._initials:
                tail = raw[at:]
                if any(len(form) > len(tail) and form.startswith(tail) for form in self._forms):
                    return at
        return len(raw)


class HiddenStream:
    """A text that comes in pieces, with dots in place of secrets, also of those that two pieces share.

    What may be the beginning of one is held back until it is known.
    """

    def __init__(self, hiding: Hiding) -> None:
        self._hiding = hiding
        self._held = ""

    def feed(self, text: str) -> str:
        """What can be told after this piece."""
        told, self._held = self._hiding.pieces(self._held + text)
        return told

    def rest(self) -> str:
        """What was held back: nothing more comes for now."""
        held, self._held = self._held, ""
        return self._hiding.text(held)


class HiddenMessages:
    """A kernel's messages with dots in place of secrets."""

    def __init__(self, hiding: Hiding) -> None:
        self._hiding = hiding
        self._streams: dict[tuple[str, str], tuple[HiddenStream, dict[str, Any]]] = {}

    def shown(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """The message as it may be shown; None when all of it is held back."""
        parent, content = str(message["parent_header"].get("msg_id")), message["content"]
        if message["msg_type"] == "stream":
            name = str(content.get("name"))
            known = self._streams.get((parent, name))
            stream = known[0] if known else HiddenStream(self._hiding)
            self._streams[parent, name] = stream, message
            text = stream.feed(content.get("text") or "")
            return {**message, "content": {**content, "text": text}} if text else None
        if message["msg_type"] == "clear_output":  # what is held back is cleared with the rest
            for of, name in list(self._streams):
                if of == parent:
                    del self._streams[of, name]
        if message["msg_type"] == "status":
            return message
        bundles = {name: content[name] for name in _BUNDLES if isinstance(content.get(name), Mapping)}
        told = {name: self._hiding.bundle(bundle) for name, bundle in bundles.items()}
        return {**message, "content": {**self._hiding.values(content), **told}}

    def rest(self, parents: Collection[str]) -> Iterator[dict[str, Any]]:
        """Messages with what was held back of these requests: nothing more comes of them for now."""
        for parent, name in list(self._streams):
            if parent in parents:
                stream, message = self._streams.pop((parent, name))
                if text := stream.rest():
                    yield {**message, "content": {**message["content"], "text": text}}


def of_job(job: Job) -> Hiding | None:
    """What hides the job's secrets; None where there is nothing to hide."""
    values = job.secrets.hidden
    return _of_values(values) if values else None


def told(job: Job, outcome: Outcome) -> Outcome:
    """How an attempt of the job ended, without its secrets."""
    hiding = of_job(job)
    return hiding.outcome(outcome) if hiding else outcome


def told_text(job: Job, words: str) -> str:
    """What is said of the job, without its secrets: names of its files may hold them."""
    hiding = of_job(job)
    return hiding.text(words) if hiding else words


@lru_cache(maxsize=16)
def _of_values(values: tuple[bytes, ...]) -> Hiding | None:
    forms = {form for value in values for form in forms_of(value) if len(form) >= SHORTEST}
    return Hiding(forms) if forms else None
