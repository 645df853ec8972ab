"""What MLflow can hold, and our names, values and states as it holds them. Pure.

Its limits are those of 2.16 and later: keys of 250 characters out of a small set, values of a parameter of 6000
characters, of a tag 5000 (a database of a later MLflow takes 8000), whole steps.
"""

from __future__ import annotations

import hashlib
import math
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from ..core.lifecycle import RunSoFar, RunState, State
from ..core.masking import masked_in_full
from ..core.names import slug_of
from ..core.values import Value
from ..records.run_rows import RunRow
from ..view import route_words
from .tries import Point, Tries, Try

LONGEST_KEY = 250
LONGEST_PARAMETER = 6000
LONGEST_TAG = 5000
MOST_ENTRIES = 100  # parameters or tags in one request
MOST_POINTS = 1000
_LARGEST_STEP = 2**63 - 1
_RESERVED = ("mlflow.", "dagbook.")  # what begins so is not the user's
_ILLEGAL = re.compile(r"[^\w./ -]")  # a colon is legal on some machines only

ENDS: Mapping[str, str] = {
    **dict.fromkeys((State.SUCCEEDED, State.CACHED, RunState.SUCCEEDED), "FINISHED"),
    **dict.fromkeys((State.FAILED, State.TIMED_OUT, State.LOST, State.REJECTED), "FAILED"),
    **dict.fromkeys((RunState.FAILED, RunState.REJECTED), "FAILED"),
    **dict.fromkeys((State.CANCELLED, RunState.CANCELLED), "KILLED"),
}

T = TypeVar("T")


def key_of(name: str) -> str:
    """`name` as MLflow takes it: what it does not take is spelled by number, so that two names stay two."""
    key = _ILLEGAL.sub(lambda found: f"_x{ord(found[0]):x}_", name)
    if posixpath.normpath(key) != key or key.startswith(("/", "..")):
        key = key.replace("/", "_x2f_").replace("..", ".._x2e_")
    if key in (".", "..") or not key:
        key = f"_{key}_"
    if len(key) <= LONGEST_KEY:
        return key
    return f"{key[: LONGEST_KEY - 9]}_{hashlib.sha256(name.encode(errors='surrogatepass')).hexdigest()[:8]}"


def tag_key_of(name: str) -> str:
    """`name` of a tag as MLflow takes it; what would mean something to MLflow or to us is the user's all the same."""
    return key_of(f"tag.{name}" if name.startswith(_RESERVED) else name)


def cut(text: str, longest: int) -> str:
    """`text`, cut with a mark where it is too long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def parameters_of(one: Try) -> dict[str, str]:
    """All parameters of a try, and the values on its route that earlier nodes chose, as `train.lr`; secrets as dots."""
    named = dict(one.created.params)
    for title, chosen in one.created.route.items():
        if title != one.created.node:
            named |= {f"{slug_of(title)}.{name}": value for name, value in chosen.items()}
    return written(named)


def written(named: Mapping[str, Value]) -> dict[str, str]:
    """Parameters as MLflow holds them."""
    return {key_of(name): cut(masked_in_full(name, value), LONGEST_PARAMETER) for name, value in named.items()}


@dataclass(frozen=True, slots=True)
class Number:
    """A point of a metric as MLflow holds it; `at` in milliseconds."""

    key: str
    value: float
    at: int
    step: int


class Numbers:
    """The metrics of one try. A step must be whole: where one is not, the points of its metric are counted."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._counted: set[str] = set()

    def of(self, points: Iterable[Point]) -> list[Number]:
        """What further points give: each number of a series, and the number that a tag is, at step 0."""
        return [made for point in points if (made := self._of(point))]

    def _of(self, point: Point) -> Number | None:
        if not _is_number(point.value):
            return None
        try:
            value = float(point.value)  # type: ignore[arg-type]
        except OverflowError:
            return None
        return Number(tag_key_of(point.name), value, milliseconds(point.at), self._step(point))

    def _step(self, point: Point) -> int:
        if point.step is None:
            return 0
        count = self._counts[point.name] = self._counts.get(point.name, -1) + 1
        whole = math.isfinite(point.step) and point.step == int(point.step) and abs(point.step) <= _LARGEST_STEP
        if not whole:
            self._counted.add(point.name)
        return count if point.name in self._counted else int(point.step)


def tags_of(one: Try) -> dict[str, str]:
    """The tags that a try logged, the last value of each; what is a number is a metric instead."""
    last = {point.name: point.value for point in one.points if not _is_number(point.value)}
    return {tag_key_of(name): cut(masked_in_full(name, value), LONGEST_TAG) for name, value in last.items()}


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def facts_of(one: Try) -> dict[str, str]:
    """What is known of a try, as tags that begin with `dagbook.`."""
    detail, earlier = one.detail, one.detail.get("from") or {}
    image = detail.get("image") or {}
    told = {
        "state": str(one.state),
        "reason": one.reason,
        "executor": detail.get("executor"),
        "image": image.get("reference") if isinstance(image, Mapping) else image,
        "artifact": detail.get("artifact"),
    }
    if one.state is State.CACHED:
        told["cached_from"] = "/".join(str(earlier[part]) for part in ("run", "node_run", "attempt") if part in earlier)
    return {f"dagbook.{name}": cut(str(value), LONGEST_TAG) for name, value in told.items() if value}


def name_of(one: Try) -> str:
    """What a try is called: its node and route, and which attempt it is, from the second on."""
    words = route_words(one.created.route) if one.created.route else ""
    again = f" attempt {one.attempt}" if one.attempt > 1 else ""
    return cut(f"{one.created.node} [{words}]{again}" if words else f"{one.created.node}{again}", LONGEST_KEY)


def tags_of_run(row: RunRow, store: str, shown: str) -> dict[str, str]:
    """What a run is tagged with from its first moment; `shown` is the command that shows it."""
    record = row.record
    return plain(
        {
            "dagbook.kind": "run",
            "dagbook.run": row.id,
            "dagbook.store": store,
            "dagbook.pipeline": row.pipeline,
            "dagbook.version": record.get("dagbook"),
            "dagbook.executor": ", ".join(sorted(set((record.get("executors") or {}).values()))),
            "mlflow.user": record.get("user"),
            "mlflow.source.name": record.get("file") or record.get("folder"),
            "mlflow.source.type": "LOCAL",
            "mlflow.source.git.commit": (record.get("git") or {}).get("commit"),
            "mlflow.note.content": f"Run `{row.id}` of the pipeline {row.pipeline}, by dagbook: `{shown}`",
        }
    )


def told_of_run(so_far: RunSoFar, tries: Tries) -> dict[str, str]:
    """What is known of a run by now, as tags: its state, the node runs that never ran, its datasets."""
    told = {"dagbook.state": str(so_far.state), "dagbook.reason": so_far.reason}
    for one in tries.untried.values():
        name = f"dagbook.{one.state}"
        words = f"{one.created.id}: {one.reason}" if one.reason else one.created.id
        told[name] = f"{told[name]}\n{words}" if name in told else words
    return plain(told | {f"dagbook.dataset.{slug_of(title)}": version for title, version in tries.datasets.items()})


def portions(entries: Sequence[T], most: int) -> Iterator[Sequence[T]]:
    """`entries` in pieces of at most `most`."""
    for start in range(0, len(entries), most):
        yield entries[start : start + most]


def milliseconds(at: float) -> int:
    """A time in seconds as MLflow counts it."""
    return int(at * 1000)


def plain(named: Mapping[str, Any]) -> dict[str, str]:
    """Tags without those that say nothing."""
    return {name: cut(str(value), LONGEST_TAG) for name, value in named.items() if value not in (None, "")}
