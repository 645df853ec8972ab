"""The library's graph widget, without what it leaves behind. Imported only where a graph is drawn: that takes long."""

from __future__ import annotations

from typing import Any

import ipycytoscape
from traitlets import observe


class CytoscapeWidget(ipycytoscape.CytoscapeWidget):  # type: ignore[misc]  # the library has no types
    """Its constructor makes two models of a graph and forgets the first, which would live as long as the kernel."""

    @observe("graph")
    def _close_the_first(self, change: Any) -> None:
        if isinstance(change["old"], ipycytoscape.Graph):
            change["old"].close()
