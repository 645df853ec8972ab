"""cnvrg's flow files, in both of their dialects: flows as they are exported, and blueprints."""

from .reading import is_cnvrg, read_cnvrg
from .writing import write_cnvrg

__all__ = ["is_cnvrg", "read_cnvrg", "write_cnvrg"]
