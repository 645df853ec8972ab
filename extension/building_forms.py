"""The forms of the build panel: what can be typed about a pipeline, and what it amounts to."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..runner.core.masking import MASK, looks_secret
from ..runner.core.model import Kind, Node, Pipeline
from ..runner.formats.edited import Edited, Link, changed, connected, moved, with_node, words_of
from ..runner.formats.node_yaml import node_yaml

STEP = 40  # pixels that an arrow moves a card
FARTHEST = 20_000  # pixels that the fields offer
_KINDS = (
    ("Python cell", Kind.CELL),
    ("shell script", Kind.COMMAND),
    ("notebook", Kind.NOTEBOOK),
    ("dataset", Kind.DATA),
)
_LINKS = (
    ("all files (--after)", Link.AFTER),
    ("all runs at once (--gather)", Link.GATHER),
    ("files into a slot", Link.FILES),
    ("parameter into parameter", Link.PARAMETER),
    ("tag into parameter", Link.TAG),
)
_KEYS = {  # what the two fields of a link mean; empty: the link has none
    Link.AFTER: ("", ""),
    Link.GATHER: ("", ""),
    Link.FILES: ("files", "slot"),
    Link.PARAMETER: ("parameter", "parameter"),
    Link.TAG: ("tag", "parameter"),
}
WhereIs = Callable[[str], tuple[int, int]]


class Form:
    """A form: its fields, and what they amount to. `chosen` is the node that it is about, `taken` the last given."""

    hint = ""
    taken = ""

    def __init__(self) -> None:
        self.fields: list[Any] = []

    @property
    def chosen(self) -> str:
        return ""

    @property
    def begun(self) -> bool:
        """Whether something was typed, so that what is missing may be complained of."""
        return True

    def take(self, pipeline: Pipeline, title: str, where: WhereIs | None) -> None:
        """Be about this node."""

    def edited(self, pipeline: Pipeline) -> Edited:
        """What the fields say. Raises PipelineError."""
        raise NotImplementedError

    def on_change(self, show: Callable[[], None]) -> None:
        """Call `show` whenever a field has another value."""
        for field in self.fields:
            if field.has_trait("value"):
                field.observe(lambda _: show(), "value")


class AddForm(Form):
    """A new node: its title, kind, what it comes after, and its values."""

    hint = "Give the node a title."

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self.title = _text("Title", "Train model")
        self.kind = _choice("Kind", _KINDS)
        self.after = _several("After", titles)
        self.place = _text("Path", "score.ipynb, data/images: for a notebook or a dataset")
        self.image = _text("Image", "as the pipeline says")
        self.params = _lines("Parameters", "epochs=3, a line each")
        self.grid = _lines("Grid", "lr=0.1,0.01 : a run for each value")
        self.fields = [self.title, self.kind, self.after, self.place, self.image, self.params, self.grid]

    @property
    def begun(self) -> bool:
        return bool(self.title.value.strip())

    def edited(self, pipeline: Pipeline) -> Edited:
        kind, options = self.kind.value, {"--path": _words(self.place)}
        if kind is not Kind.DATA:
            options |= {"--param": _words(self.params), "--grid": _words(self.grid), "--image": _words(self.image)}
        return with_node(pipeline, kind, self.title.value, () if kind is Kind.DATA else self.after.value, options)


class ConnectForm(Form):
    """A new edge between two nodes."""

    hint = "Say what is led where."

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self.source, self.target = _choice("From", titles), _choice("To", titles)
        if len(titles) > 1:
            self.target.value = titles[1]
        self.link = _choice("What", _LINKS)
        self.source_key, self.target_key = _text("", ""), _text("", "")
        self.fields = [self.source, self.target, self.link, self.source_key, self.target_key]
        self.link.observe(lambda _: self._name_keys(), "value")
        self._name_keys()

    def _name_keys(self) -> None:
        for field, name, end in zip(
            (self.source_key, self.target_key), _KEYS[self.link.value], ("its", "as"), strict=True
        ):
            field.layout.display = "" if name else "none"
            field.description = f"{end} {name}".strip()
            field.placeholder = {"files": "*.csv; empty: all", "slot": "empty: named after the node"}.get(name, "")

    def edited(self, pipeline: Pipeline) -> Edited:
        ends = self.source.value, self.target.value
        return connected(pipeline, *ends, self.link.value, self.source_key.value, self.target_key.value)


class NodeForm(Form):
    """A form about one node, which is chosen in it or on the board."""

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self.node = _choice("Node", titles)
        self.fields = [self.node]

    @property
    def chosen(self) -> str:
        return str(self.node.value)

    def take(self, pipeline: Pipeline, title: str, where: WhereIs | None) -> None:
        self.node.value = self.taken = title


class ChangeForm(NodeForm):
    """Other parameters for a node that is there."""

    hint = "Write NAME=VALUE, a line each."

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__(titles)
        self.params, self.grid = _lines("Parameters", "epochs=3, a line each"), _lines("Grid", "lr=0.1,0.01")
        self.image = _text("Image", "as the pipeline says")
        self.fields += [self.params, self.grid, self.image]

    def take(self, pipeline: Pipeline, title: str, where: WhereIs | None) -> None:
        super().take(pipeline, title, where)
        words = words_of(pipeline.node(title))
        self.params.value, self.grid.value = "\n".join(words["--param"]), "\n".join(words["--grid"])
        self.image.value = "".join(words["--image"])

    def edited(self, pipeline: Pipeline) -> Edited:
        words = {"--param": _words(self.params), "--grid": _words(self.grid), "--image": _words(self.image)}
        return changed(pipeline, self.chosen, words)


class MoveForm(NodeForm):
    """Another place for a node's card in the picture."""

    hint = "Move the card with the arrows, or say where it shall stand."

    def __init__(self, titles: Sequence[str]) -> None:
        import ipywidgets

        super().__init__(titles)
        self._stood = (0, 0)
        whole = {
            "min": 0,
            "max": FARTHEST,
            "step": STEP,
            "continuous_update": True,
            "style": {"description_width": "80px"},
        }
        self.left = ipywidgets.BoundedIntText(description="from left", **whole)
        self.top = ipywidgets.BoundedIntText(description="from top", **whole)
        self.arrows = {
            name: ipywidgets.Button(
                icon=f"arrow-{name}", tooltip=f"Move it {name}", layout=ipywidgets.Layout(width="40px")
            )
            for name in ("left", "right", "up", "down")
        }
        for name, button in self.arrows.items():
            button.on_click(lambda _, name=name: self._step(name))
        row = ipywidgets.HBox(list(self.arrows.values()), layout=ipywidgets.Layout(margin="0 0 0 84px"))
        self.fields += [self.left, self.top, row]

    def _step(self, name: str) -> None:
        field = self.left if name in ("left", "right") else self.top
        field.value += STEP if name in ("right", "down") else -STEP

    def take(self, pipeline: Pipeline, title: str, where: WhereIs | None) -> None:
        if title == self.taken == self.chosen and self._moved:
            return  # it was clicked on where it was moved to
        super().take(pipeline, title, where)
        node = pipeline.node(title)
        left, top = where(title) if where else (node.left or 0, node.top or 0)
        self.left.value, self.top.value = max(0, left), max(0, top)
        self._stood = self.left.value, self.top.value

    @property
    def _moved(self) -> bool:
        return (self.left.value, self.top.value) != self._stood

    def edited(self, pipeline: Pipeline) -> Edited:
        if not self._moved:
            return Edited("", self.hint, pipeline)
        return moved(pipeline, self.chosen, self.left.value, self.top.value)


class YamlForm(NodeForm):
    """A node as YAML, to read."""

    def edited(self, pipeline: Pipeline) -> Edited:
        node = pipeline.node(self.chosen)
        told = without_secrets(node)
        where = "The node as YAML; what is as by default is left out."
        where += " Dots stand for what looks like a secret." if told != node else ""
        return Edited(node_yaml(told), where, pipeline)


def without_secrets(node: Node) -> Node:
    """The node with dots in place of all values that look like secrets, as everywhere where people read."""

    def by_name(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: MASK if looks_secret(name, value) else value for name, value in values.items()}

    grid = {name: [MASK if looks_secret(name, one) else one for one in values] for name, values in node.grid.items()}
    shown: dict[str, Any] = {"params": by_name(node.params), "env": by_name(node.env), "grid": grid}
    shown |= {name: MASK for name in ("git", "url", "image") if looks_secret("", getattr(node, name) or "")}
    when = (one.model_copy(update={"target": MASK}) if looks_secret(one.tag, one.target) else one for one in node.when)
    return node.model_copy(update=shown | {"when": tuple(when)})


def _text(description: str, placeholder: str) -> Any:
    import ipywidgets

    # at each key: a text that changed when its field is left would go away under the click that marks it
    return ipywidgets.Text(description=description, placeholder=placeholder, **_wide())


def _lines(description: str, placeholder: str) -> Any:
    import ipywidgets

    area = ipywidgets.Textarea(description=description, placeholder=placeholder, **_wide())
    area.rows = 2
    return area


def _choice(description: str, options: Sequence[Any]) -> Any:
    import ipywidgets

    return ipywidgets.Dropdown(description=description, options=list(options), **_wide())


def _several(description: str, titles: Sequence[str]) -> Any:
    import ipywidgets

    rows = min(max(len(titles), 2), 5)
    return ipywidgets.SelectMultiple(description=description, options=list(titles), rows=rows, **_wide())


def _wide() -> dict[str, Any]:
    return {"layout": {"width": "auto"}, "style": {"description_width": "80px"}}


def _words(field: Any) -> list[str]:
    """The lines of a field that are not blank, trimmed."""
    return [line.strip() for line in field.value.splitlines() if line.strip()]
