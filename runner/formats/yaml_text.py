"""Values as YAML, the way people write it: in block style, code of several lines as literal blocks, nothing wrapped.

Texts that a reader of YAML 1.1 would take for something else are quoted: many systems and editors still read that.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ruamel.yaml import YAML

# Truth values, numbers in base 60, numbers with _ in them, dates and the sign of a merge, as YAML 1.1 has them.
_OTHERWISE = re.compile(
    r"y|n|yes|no|on|off|true|false|null|~|=|<<|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[-+]?[0-9][0-9_,]*"
    r"|[-+]?0[xXbB][0-9a-fA-F_]+|[-+]?(?:[0-9][0-9_]*)?\.[0-9_]*(?:e[-+]?[0-9]+)?|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}.*",
    re.IGNORECASE,
)
_NEVER_WRAPPED = 2**20  # characters in a line: a wrapped text is hard to read and to compare


def yaml_text(value: Any) -> str:
    """A value of mappings, lists and scalars as a YAML document. Read again it is equal, the types of scalars too."""
    stream = io.StringIO()
    _writer().dump(_laid_out(value), stream)
    return stream.getvalue()


def _writer() -> YAML:
    from ruamel.yaml import YAML

    writer = YAML()  # the round trip's writer: the safe one knows no literal blocks
    writer.default_flow_style = False
    writer.width = _NEVER_WRAPPED
    writer.indent(mapping=2, sequence=4, offset=2)
    writer.representer.ignore_aliases = lambda *_: True  # equal values are written out, not referred to
    return writer


def _laid_out(value: Any) -> Any:
    """The same with texts of several lines as literal blocks."""
    from ruamel.yaml.scalarstring import (
        DoubleQuotedScalarString,
        LiteralScalarString,
        SingleQuotedScalarString,
    )

    if isinstance(value, dict):
        return {_name(key): _laid_out(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_laid_out(one) for one in value]
    if not isinstance(value, str):
        return value
    if _OTHERWISE.fullmatch(value):
        return SingleQuotedScalarString(value)
    if not _is_plain(value):
        return DoubleQuotedScalarString(value)  # the only style that can spell odd characters, line breaks among them
    return LiteralScalarString(value) if "\n" in value else value


def _is_plain(text: str) -> bool:
    """True for a text that a literal block holds as it is: printable, and not beginning with white space."""
    return not text[:1].isspace() and all(c in "\n\t" or c.isprintable() for c in text)


def _name(key: Any) -> Any:
    """A key; one that no plain or literal text can spell is quoted."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString, SingleQuotedScalarString

    if not isinstance(key, str):
        return key
    if _OTHERWISE.fullmatch(key):
        return SingleQuotedScalarString(key)
    return DoubleQuotedScalarString(key) if not _is_plain(key) or "\n" in key else key
