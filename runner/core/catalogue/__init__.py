"""Every error and warning code with its sentence and its hint, by subject.

Fields in braces are the facts that `errors.problem(code, **facts)` is given.
E- codes stop before anything starts, W- codes are told and nothing stops.
docs/errors.md has a section for each; a test compares the two.
"""

from __future__ import annotations

from .data import DATA
from .files import FILES
from .flow_words import FLOW_WORDS
from .observing import OBSERVING
from .programs import PROGRAMS
from .running import RUNNING
from .structure import STRUCTURE

CATALOGUE: dict[str, tuple[str, str]] = {**STRUCTURE, **FLOW_WORDS, **FILES, **DATA, **PROGRAMS, **OBSERVING, **RUNNING}
