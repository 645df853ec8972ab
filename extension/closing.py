"""Closing what a board is made of: a widget that is closed leaves all that is in it behind, in kernel and page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .flush import Flusher


def close_all(top: Any, flusher: Flusher | None = None, others: Iterable[Any] = ()) -> None:
    """Take the widget `top` out of the page, then everything in it and the `others`, not more at once than a server
    takes. `flusher` is closed with that.
    """
    models = [*models_in(top), *others]
    top.close()
    (flusher or Flusher()).close(*(model.close for model in models if model is not top))


def models_in(top: Any) -> Iterator[Any]:
    """A widget, and all models that it is made of: what it contains, how that is laid out, its styles."""
    from ipywidgets import Widget

    waiting, seen = [top], set[int]()
    while waiting:
        model = waiting.pop()
        if id(model) in seen:
            continue
        seen.add(id(model))
        yield model
        for name in model.keys:
            value = getattr(model, name)
            parts = value if isinstance(value, list | tuple) else (value,)
            waiting += [part for part in parts if isinstance(part, Widget)]
