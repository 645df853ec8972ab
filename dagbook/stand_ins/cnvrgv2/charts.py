"""The charts that `Experiment.log_metric` takes: plain holders of what they were made of."""

from __future__ import annotations

from typing import Any

from dagbook_stand_in import plain


class Chart:
    """A chart of series. Known names: Ys, Xs, bars, matrix, series_name, title, x_axis, y_axis, group, step, stops."""

    chart_type = "none"

    def __init__(self, key: Any, **given: Any) -> None:
        self.key = key
        self.kwargs = given
        self.series_list: list[dict[str, Any]] = []
        self.new: list[tuple[Any, list[Any]]] = []  # what has been added since it was logged
        first = given.get("matrix") if given.get("matrix") is not None else given.get("Ys")
        if first is not None:
            self.add_series(first, given.get("series_name"))

    @property
    def x_ticks(self) -> Any:
        """What stands on the x axis, or the steps of a line."""
        return next(
            (plain(self.kwargs[one]) for one in ("Xs", "bars", "x_ticks") if self.kwargs.get(one) is not None), None
        )

    def add_series(self, data: Any, name: Any = None) -> None:
        """Add values to the series of that name."""
        values = plain(data)
        for series in self.series_list:
            if series["name"] == name:
                series["data"].extend(values)
                break
        else:
            self.series_list.append({"name": name, "data": list(values)})
        self.new.append((name, list(values)))

    def to_dict(self) -> dict[str, Any]:
        """Everything that it was given."""
        told = {name: plain(value) for name, value in self.kwargs.items() if name not in ("Ys", "Xs", "matrix", "bars")}
        return {
            **told,
            "chart_type": self.chart_type,
            "key": self.key,
            "x_ticks": self.x_ticks,
            "series": self.series_list,
        }


class LineChart(Chart):
    """Lines, which dagbook keeps as metrics."""


class BarChart(Chart):
    """Bars."""

    chart_type = "bar"


class ScatterPlot(Chart):
    """Points."""

    chart_type = "scatter"


class Heatmap(Chart):
    """Rows of values."""

    chart_type = "heatmap"
