"""The models of a graph, as the library's front end knows them. Imported only where one is drawn: that takes long.

The library's own elements cost thrice as much to make, which is felt with thousands of them: they tell the front end
all that it takes for granted anyway.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipycytoscape
from ipywidgets import DOMWidget, Widget, widget_serialization
from traitlets import Dict, Instance, List, Unicode, default

_MODULE: str = ipycytoscape.Node.class_traits()["_model_module"].default_value
_VERSION: str = ipycytoscape.Node.class_traits()["_model_module_version"].default_value


class _Element(Widget):  # type: ignore[misc]  # the library has no types
    """What nodes and edges have in common; `data` and `classes` are always set whole."""

    _model_module = Unicode(_MODULE).tag(sync=True)
    _model_module_version = Unicode(_VERSION).tag(sync=True)
    classes = Unicode().tag(sync=True)
    data = Dict().tag(sync=True)

    @default("keys")
    def _default_keys(self) -> list[str]:
        return ["_model_name", "_model_module", "_model_module_version", "classes", "data"]

    def get_state(self, key: str | Iterable[str] | None = None, drop_defaults: bool = False) -> dict[str, Any]:
        """What the front end is told: all that it knows of, or what `key` names. All of it is JSON as it is."""
        names = self.keys if key is None else [key] if isinstance(key, str) else key
        return {name: getattr(self, name) for name in names}


class Node(_Element):
    """A node, which nobody can drag."""

    _model_name = Unicode("NodeModel").tag(sync=True)
    position = Dict().tag(sync=True)

    @default("keys")
    def _default_keys(self) -> list[str]:
        return [*super()._default_keys(), "position"]


class Edge(_Element):
    """An edge."""

    _model_name = Unicode("EdgeModel").tag(sync=True)


class Graph(Widget):  # type: ignore[misc]
    """Nodes and edges; which there are cannot change while they are shown."""

    _model_name = Unicode("GraphModel").tag(sync=True)
    _model_module = Unicode(_MODULE).tag(sync=True)
    _model_module_version = Unicode(_VERSION).tag(sync=True)
    nodes = List(Instance(Node)).tag(sync=True, **widget_serialization)
    edges = List(Instance(Edge)).tag(sync=True, **widget_serialization)


class CytoscapeWidget(ipycytoscape.CytoscapeWidget):  # type: ignore[misc]
    """The library's widget for a graph that is whole from the beginning: its own makes an empty one and forgets it."""

    graph = Instance(Graph).tag(sync=True, **widget_serialization)

    def __init__(self, graph: Graph, **settings: Any) -> None:
        DOMWidget.__init__(self, graph=graph, **settings)
        self.on_msg(self._handle_interaction)
