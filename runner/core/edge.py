"""What leads from one node to another: edges, and the conditions on which what comes before lets it go on."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BeforeValidator, model_validator

from .dialect import check_file_name
from .masking import masked_in_full
from .names import clean_title
from .values import shown
from .written import Written


class Objective(StrEnum):
    """What a condition asks of a tag."""

    GT = "gt"  # greater than the target
    LT = "lt"  # less
    GE = "ge"  # greater or equal
    LE = "le"  # less or equal
    EQ = "eq"  # equal, exactly
    NE = "ne"  # not equal
    MAX = "max"  # the highest of all runs tested
    MIN = "min"  # the lowest


COMPARING = frozenset({Objective.MAX, Objective.MIN})  # these look at all tested runs together


class Port(StrEnum):
    """What an edge takes from a node, or gives to one."""

    OUTPUT = "output"  # files of its artifact that match a glob
    PARAMETER = "parameter"
    METADATA = "metadata"  # a tag
    INPUT = "input"  # the files of an input slot
    FILE = "file"  # a file of a deployment: `endpoint.name`
    ENVIRONMENT = "environment-variable"
    DEPENDENCY = "dependency"  # order only
    DEPLOYMENT = "deployment"  # what is known of a deployment: id, version_id


def _listed(data: Any) -> Any:
    return (data,) if isinstance(data, str) else data


Title = Annotated[str, AfterValidator(clean_title)]
# One title may stand for a list of one.
Titles = Annotated[tuple[Title, ...], BeforeValidator(_listed, json_schema_input_type=str | tuple[Title, ...])]


class Condition(Written):
    """Which earlier runs go on: those whose tag `tag` meets the objective.

    `tasks` are the tested parents; empty means all direct parents. A `tag` as typed in a magic may still begin with
    titles and a dot (`Train model.accuracy`); `conditions.settled` takes them apart. `target` is the threshold, and
    None for max and min.
    """

    objective: Objective
    tag: str
    tasks: tuple[Title, ...] = ()
    target: Any = None

    def __str__(self) -> str:
        return self._spelled(masked_in_full(self.tag, self.target))

    @property
    def written(self) -> str:
        """The same as it is spelled in a magic, a threshold that looks like a secret too."""
        return self._spelled(shown(self.target))

    def _spelled(self, target: str) -> str:
        named = f"{','.join(self.tasks)}.{self.tag}" if self.tasks else self.tag
        return f"{self.objective}:{named}" + ("" if self.objective in COMPARING else f":{target}")


class Edge(Written):
    """An edge of Valohai's kinds: output or input to an input slot, parameter or metadata to a parameter.

    `source_key` is a glob for outputs, else a name. A slot that is `optional` may stay empty.
    """

    source: Title
    source_port: Port
    source_key: str
    target: Title
    target_port: Port
    target_key: str
    optional: bool = False

    @model_validator(mode="after")
    def _leads_to_a_name(self) -> Self:
        if self.target_port is Port.INPUT:
            check_file_name(self.target_key)
        elif self.target_port is Port.FILE:
            for part in self.target_key.split(".", 1):
                check_file_name(part)
        return self

    def __str__(self) -> str:
        return (
            f"{self.source}.{self.source_port}.{self.source_key} -> {self.target}.{self.target_port}.{self.target_key}"
        )
