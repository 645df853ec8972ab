"""Mistakes in what is typed in a terminal, and in the files beside the notebook."""

from __future__ import annotations

from .mistake import Mistake

FLOW = (
    "%%pipeline_node prepare\nprint(1)",
    "%%pipeline_node train --after prepare --grid lr=0.1,0.01\nprint(lr)",
    "%%pipeline_command publish --after train --approve leah\necho",
)


def typed(name: str, command: str, *, says: str, fix: str, code: str = "", exit: int = 2, **more: object) -> Mistake:
    """A mistake in a call, beside a sound notebook flow.ipynb."""
    return Mistake(name, command, says, fix, code, exit, FLOW, **more)  # type: ignore[arg-type]


IN_CALLS = (
    typed("a command mistyped", "rnu flow.ipynb", says='no command "rnu"', fix='Did you mean "run"?'),
    typed("a flag mistyped", "run flow.ipynb --exeuctor process", says="--exeuctor", fix="'--executor'"),
    typed("an executor in a flag mistyped", "run flow.ipynb --executor dokcer", says="'dokcer'", fix="'docker'"),
    typed("no jobs at all", "run flow.ipynb --jobs 0", says="0 is not in the range", fix="x>=1"),
    typed("a parameter with an equals sign", "run flow.ipynb -p n=5", says="'n=5'", fix="Write -p n 5"),
    typed("parameters with equals signs", "plan -p a.n=x -p m=3 flow.ipynb", says="'a.n=x'", fix="Write -p a.n x"),
    typed(
        "an axis with a space after a comma",
        "run flow.ipynb --grid lr=0.1, 0.2, 3 -q",
        says="comma",
        fix="--grid lr=0.1,0.2,3",
    ),
    typed("an axis that ends with a comma", "run flow.ipynb --grid lr=0.1,", says="comma", fix="Write --grid lr=0.1"),
    typed("half a parameter", "run flow.ipynb -p epochs", says="'-p'", fix="2 arguments"),
    typed(
        "a file name mistyped",
        "run flwo.ipynb",
        says="flwo.ipynb does not exist",
        fix='Did you mean "flow.ipynb"?',
        code="E-FILE-MISSING",
    ),
    typed(
        "an empty notebook", "run a.ipynb", says="0 bytes", fix="checkpoints", code="E-NB-PARSE", files={"a.ipynb": ""}
    ),
    typed(
        "a notebook cut off",
        "run a.ipynb",
        says="cut off",
        fix="earlier copy",
        code="E-NB-PARSE",
        files={"a.ipynb": '{"cells": ['},
    ),
    typed(
        "a table as a pipeline",
        "run a.csv",
        says="a single value",
        fix="cnvrg",
        code="E-YAML-ROOT",
        files={"a.csv": "a,b\n1,2\n"},
    ),
    Mistake(
        "a notebook without nodes",
        "run flow.ipynb",
        "no node in this pipeline",
        "%%pipeline_node TITLE",
        "E-PIPELINE-EMPTY",
        cells=("print(1)",),
    ),
    typed(
        "YAML of ours without its first line",
        "check p.yaml",
        says="no format that is known",
        fix="begins with the line `dagbook: 1`",
        code="E-FORMAT",
        files={"p.yaml": "name: churn\nnodes:\n  - title: load\n    source: print(1)\n"},
    ),
    typed(
        "a node's title called name",
        "check p.yaml",
        says="node 1 knows no 'name'",
        fix='Did you mean "title"?',
        code="E-KEY-UNKNOWN",
        files={"p.yaml": "dagbook: 1\nnodes:\n  - name: load\n    source: print(1)\n"},
    ),
    typed(
        "a node's source called code",
        "check p.yaml",
        says="the node \"load\" knows no 'code'",
        fix='Did you mean "source"?',
        code="E-KEY-UNKNOWN",
        files={"p.yaml": "dagbook: 1\nname: x\nnodes:\n  - title: load\n    code: print(1)\n"},
    ),
    typed(
        "a parameter that is not there",
        "run flow.ipynb -p epochs 5",
        says="'epochs'",
        fix='Known: "train.lr"',
        code="E-PARAM-UNKNOWN",
    ),
    typed(
        "parameters that are no YAML", "run flow.ipynb -y 'a: ['", says="not YAML", fix="name: value", code="E-USAGE"
    ),
    typed(
        "a file of parameters that is not there",
        "run flow.ipynb -f no.yaml",
        says="no.yaml",
        fix="YAML file",
        code="E-FILE-MISSING",
    ),
    typed("a node mistyped", "run flow.ipynb --node tran", says="'tran'", fix='"train"', code="E-NODE-UNKNOWN"),
    typed(
        "a node to force mistyped",
        "run flow.ipynb --force prepair",
        says="'prepair'",
        fix='"prepare"',
        code="E-NODE-UNKNOWN",
    ),
    typed(
        "an image with white space", "run flow.ipynb --image 'x y'", says="white space", fix="TAG", code="E-IMAGE-REF"
    ),
    typed(
        "no engine for containers",
        "run flow.ipynb --executor docker",
        says="no Docker engine answers",
        fix="--executor process",
        code="E-DOCKER-DOWN",
        exit=5,
    ),
    typed(
        "a file as a store",
        "run flow.ipynb --executor process --store notes.txt",
        says="notes.txt",
        fix="folder",
        code="E-STORE",
        exit=5,
        files={"notes.txt": "x"},
    ),
    typed("looking where nothing ran", "runs", says="no store", fix="dagbook run", code="E-STORE"),
    typed(
        "a setting mistyped",
        "run flow.ipynb",
        says="exectuor",
        fix='"executor"',
        code="E-SETTING",
        files={"dagbook.toml": 'exectuor = "process"\n'},
    ),
    typed(
        "settings that are no TOML",
        "run flow.ipynb",
        says="dagbook.toml",
        fix="TOML",
        code="E-SETTING",
        files={"dagbook.toml": "executor = process\n"},
    ),
    typed(
        "a variable with a wrong value",
        "run flow.ipynb",
        says="DAGBOOK_JOBS",
        fix="number",
        code="E-SETTING",
        environment={"DAGBOOK_JOBS": "many"},
    ),
    typed("a format that there is not", "export flow.ipynb --to airflow", says="'airflow'", fix="'valohai'"),
    typed(
        "a key mistyped",
        "check flow.yaml",
        says="'nodse'",
        fix='"nodes"',
        code="E-KEY-UNKNOWN",
        files={"flow.yaml": "dagbook: 1\nnodse: []\n"},
    ),
    typed(
        "a value with braces unquoted",
        "check flow.yaml",
        says="braces",
        fix="'",
        code="E-YAML-KEY",
        files={"flow.yaml": "dagbook: 1\nname: {{ a.b }}\n"},
    ),
    typed(
        "a key twice",
        "check flow.yaml",
        says="second time",
        fix="Take one",
        code="E-YAML-DUPKEY",
        files={"flow.yaml": "dagbook: 1\nname: a\nname: b\n"},
    ),
)
