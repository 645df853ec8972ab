"""Python expressions in what users write: parsed and never evaluated."""

from __future__ import annotations

import ast
import warnings


def parsed_expression(text: str) -> ast.expr:
    """The tree of an expression.

    Raises SyntaxError, ValueError, RecursionError or MemoryError for a text that is none.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "\\d" and `1if x` are the user's business, and told on no terminal
        return ast.parse(text.strip(), mode="eval").body
