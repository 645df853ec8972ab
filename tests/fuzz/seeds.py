"""What fuzzing begins with: the rows of the tables, and the words of each language."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.formats.test_mutations import FILES
from tests.inputs import (
    test_addresses,
    test_conditions,
    test_magic_lines,
    test_names,
    test_notebooks,
    test_parameters,
    test_resources,
    test_yaml,
)
from tests.inputs.row import Row

ROWS: list[Row] = [
    *test_yaml.ANY, *test_yaml.CNVRG, *test_yaml.VALOHAI, *test_yaml.PACHYDERM,
    *(row for module in (test_addresses, test_conditions, test_magic_lines, test_names, test_notebooks, test_parameters,
                         test_resources) for row in module.ROWS),
]  # fmt: skip
WORDS = {  # of each language, with a space in between
    "magic_line": "a --after b --param x=1 --grid y=1,2 'Train model' --when max:a.loss --approve leah --env A=b "
    "--path --image python:3.12 --memory 2g --timeout 10m --input slot=a/*.csv --gather --map a:/* --single --on-error "
    "stop --secret K --url https://example.org/x --artifact 10c7e5ad/a --no-cache \" ' \\ = {{ }} [ ] # % $( `",
    "template": "{{ a.loss }} { { Train model.x | hyper } } {{ }} | . , b.c b.c.d {{ {{ \" ' a. .a",
    "condition": "max:loss gt:a.loss:0.5 eq:loss:'x' : , . nan inf 1e400 leah,yochay a.output.*.csv b.input.slot /* "
    "metadata.a >= 1 and or not ( ) [ ] in parameter.b \" ' True **",
    "value": "1 1.5 nan inf True None [ ] [1, 2] ['a'] {1} b'' 1e999 , \"\" \" {{ a.b }} \\ 1_0 0x1 Optional[int] "
    "int | Literal['a']",
    "word": "a python:3.12 img@sha256: http:// [::1] 127.1 :80 / ? # @ 10m 2g 0.5 -1 .. ~ * ** [a-z] {a,b} !(x) \\ "
    "@(y) git@example.org:a/b.git https://example.org/a@main",
    "percent": "# %% \n# %%pipeline_node a\n# ---\n# jupyter:\n#   jupytext: {}\n \"\"\" ''' ! % [markdown] tags=[]",
    "notebook": '{ } [ ] "cells": "nbformat": 4 "cell_type": "code" "source": "%%pipeline_node a" null 1 , : '
    '"metadata": {} "tags": ["parameters"] "kernelspec"',
    "yaml": "dagbook: 1\n nodes:\n - title: a\n flow: tasks: - [ ] { } & * ! !! | > ' \" # --- ... <<: ? : , \t",
}


def texts_of(target: str) -> Iterator[str]:
    """Texts to begin with."""
    if target == "yaml":
        yield from FILES.values()
    for row in ROWS:
        for cell in row.cells:
            text = cell if isinstance(cell, str) else cell["source"]
            if target == "magic_line" and text.startswith("%%pipeline"):
                yield text.partition(" ")[2]
            elif target == "percent":
                yield "# %%\n" + "\n".join(f"# {line}" if line.startswith("%") else line for line in text.splitlines())
        if target == "notebook" and row.cells:
            yield json.dumps({"cells": [_cell(cell) for cell in row.cells], "metadata": {}, "nbformat": 4})
        for text in row.files.values():
            if target in ("yaml", "notebook") and len(text) < 20_000:
                yield text if isinstance(text, str) else text.decode("utf-8", "replace")
    yield from WORDS.get(target, "").split(" ")


def _cell(cell: object) -> object:
    return {"cell_type": "code", "metadata": {}, "source": cell} if isinstance(cell, str) else cell
