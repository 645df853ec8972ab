"""The charts that `Experiment.log_chart` takes: plain holders of what they were made of."""

from __future__ import annotations

import math
from typing import Any

from dagbook_stand_in import plain


class BasicChart:
    """One series of a chart."""

    kind = "chart"

    def __init__(self, name: Any = None, min_val: Any = None, max_val: Any = None) -> None:
        self.name, self.min, self.max = name or "default", min_val, max_val
        self.x_ticks: Any = None
        self.y_ticks: Any = None
        self.data: list[Any] = []

    @classmethod
    def chart_type(cls) -> str:
        """Which chart it is: bar, heatmap or scatter."""
        return cls.kind

    def as_series(self) -> dict[str, Any]:
        """Its name and its values, and what else it was given."""
        more = {"min": self.min, "max": self.max, **self._colours()}
        return {"name": self.name, "data": self.data, **{name: said for name, said in more.items() if said is not None}}

    def _colours(self) -> dict[str, Any]:
        return {}


class Bar(BasicChart):
    """Bars of the heights y at x."""

    kind = "bar"

    def __init__(self, x: Any, y: Any, name: Any = None, min_val: Any = None, max_val: Any = None, colors: Any = None):
        super().__init__(name, min_val, max_val)
        self.x_ticks, self.data, self.colors = plain(x), plain(y), colors

    def _colours(self) -> dict[str, Any]:
        return {"colors": self.colors}


class Heatmap(BasicChart):
    """Values z of points: a list of (x, y, z) or ((x, y), z). Raises ValueError for another form."""

    kind = "heatmap"

    def __init__(
        self, z: Any, name: Any = None, color_stops: Any = None, min_val: Any = None, max_val: Any = None
    ) -> None:
        super().__init__(name, min_val, max_val)
        self.color_stops = color_stops
        points = [_point(one) for one in plain(z)]
        self.x_ticks, self.y_ticks = sorted({x for x, _y, _z in points}), sorted({y for _x, y, _z in points})
        self.data = [(self.x_ticks.index(x), self.y_ticks.index(y), z) for x, y, z in points if not math.isnan(z)]

    def _colours(self) -> dict[str, Any]:
        return {"color_stops": self.color_stops}


def _point(one: Any) -> tuple[Any, Any, Any]:
    if len(one) == 2 and len(one[0]) == 2:
        return one[0][0], one[0][1], one[1]
    if len(one) != 3:
        raise ValueError(f"a heatmap is made of (x, y, z) or ((x, y), z), not {one!r}")
    return one[0], one[1], one[2]


class MatrixHeatmap(Heatmap):
    """Values in rows."""

    def __init__(
        self, matrix: Any, name: Any = None, color_stops: Any = None, min_val: Any = None, max_val: Any = None
    ) -> None:
        points = [(x, y, value) for y, row in enumerate(plain(matrix)) for x, value in enumerate(row)]
        super().__init__(points, name, color_stops, min_val, max_val)


class Scatterplot(BasicChart):
    """Points (x, y)."""

    kind = "scatter"

    def __init__(self, x: Any, y: Any, name: Any = None) -> None:
        super().__init__(name)
        self.data = list(zip(plain(x), plain(y)))


class CategoricalScatterplot(Scatterplot):
    """Points whose x and y are words, or anything that can be sorted."""

    def __init__(self, x: Any, y: Any, name: Any = None) -> None:
        super().__init__(x, y, name)
        self.x_ticks, self.y_ticks = sorted({one for one, _ in self.data}), sorted({one for _, one in self.data})
        self.data = [(self.x_ticks.index(one), self.y_ticks.index(other)) for one, other in self.data]
