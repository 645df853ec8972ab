"""Pachyderm's pipeline specs, read and written."""

from .reading import is_jsonnet, is_pachyderm, read_pachyderm
from .writing import write_pachyderm

__all__ = ["is_jsonnet", "is_pachyderm", "read_pachyderm", "write_pachyderm"]
