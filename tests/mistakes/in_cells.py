"""Mistakes in the cells of a notebook: each is found by `dagbook check`, before anything runs."""

from __future__ import annotations

from .mistake import in_a_cell

A = "%%pipeline_node a\nprint(1)"

IN_CELLS = (
    # titles and order
    in_a_cell("a node without a title", "E-MAGIC-USAGE", "%%pipeline_node\n1", says="needs a title", fix="Usage: "),
    in_a_cell(
        "an option mistyped", "E-MAGIC-ARG", A, "%%pipeline_node b --afer a\n1", says="no option --afer", fix="--after"
    ),
    in_a_cell(
        "a magic mistyped",
        "E-MAGIC-UNKNOWN",
        "%%pipeline_noed a\n1",
        says="no magic %%pipeline_noed",
        fix='Did you mean "%%pipeline_node"?',
    ),
    in_a_cell(
        "a magic below other code",
        "E-MAGIC-PLACE",
        "import os\n%%pipeline_node a\n1",
        says="stands on line 2",
        fix="first line of a cell",
    ),
    in_a_cell(
        "a quote left open", "E-MAGIC-ARG", "%%pipeline_node 'a --after b\n1", says="never closed", fix="Close it"
    ),
    in_a_cell(
        "a node before it mistyped",
        "E-EDGE-UNKNOWN",
        "%%pipeline_node prepare\n1",
        "%%pipeline_node b --after prepar\n1",
        says='"prepar"',
        fix='Did you mean "prepare"?',
    ),
    in_a_cell("a title used twice", "E-NODE-DUP", A, A, says="defined twice (also in cell 1)", fix="Rename one"),
    in_a_cell(
        "two titles with one folder",
        "E-NAME-COLLIDES",
        "%%pipeline_node 'Train Model'\n1",
        "%%pipeline_node train_model\n1",
        says="/input/train_model",
        fix="Rename one",
    ),
    in_a_cell("a slash in a title", "E-NAME-CHARS", "%%pipeline_node a/b\n1", says='"/"', fix="Use letters"),
    in_a_cell(
        "nodes in a circle",
        "E-CYCLE",
        "%%pipeline_node a --after c\n1",
        "%%pipeline_node b --after a\n1",
        "%%pipeline_node c --after b\n1",
        says="a -> b -> c -> a",
        fix="--after options away",
    ),
    in_a_cell("a node after itself", "E-EDGE-SELF", "%%pipeline_node a --after a\n1", says="itself", fix="--after"),
    in_a_cell(
        "a tag mistyped in a condition",
        "W-TAG-UNLOGGED",
        "%%pipeline_node train --grid lr=1,2\nimport dagbook\ndagbook.log_tag('accuracy', lr)",
        "%%pipeline_node best --after train --when max:acuracy\n1",
        says='"best" tests the tag "acuracy", and nothing in the code of "train" logs it',
        fix='Did you mean "accuracy"?',
    ),
    in_a_cell(
        "a tag mistyped that a line logs",
        "W-TAG-UNLOGGED",
        '%%pipeline_command train\necho "dagbook_tag_accuracy: $X"',
        "%%pipeline_node best --after train --when gt:train.acuracy:0\n1",
        says='"acuracy"',
        fix='Did you mean "accuracy"?',
    ),
    in_a_cell(
        "an input that is mapped and does not come before",
        "E-MAP",
        "%%pipeline_node 'Load it'\n1",
        "%%pipeline_node b --map 'Load it:/*'\n1",
        says='"b" maps over the files of "Load it", which does not come before it',
        fix="Add it: --after 'Load it'",
    ),
    in_a_cell(
        "a notebook that does not load dagbook",
        "W-NB-LOAD",
        "import os",
        "%%pipeline_node a\nprint(1)",
        "%load_ext dagbook",
        says="cell 2, line 1 W-NB-LOAD: no cell before this one loads dagbook, so %%pipeline_node fails",
        fix="Put into a cell above: %load_ext dagbook",
    ),
    # values
    in_a_cell(
        "an axis with a space",
        "E-GRID-EMPTY",
        "%%pipeline_node a --grid lr=0.1, 0.2\n1",
        says="--grid lr=0.1, holds an empty value",
        fix="without spaces",
    ),
    in_a_cell(
        "a parameter that nobody gives",
        "E-PARAM-MISSING",
        "%%pipeline_node a --param epochs\n1",
        says="epochs",
        fix="-p epochs VALUE",
    ),
    in_a_cell("a grid of nothing", "E-GRID-EMPTY", "%%pipeline_node a --grid lr=\n1", says="--grid lr=", fix="lr=1,2"),
    in_a_cell(
        "one name for a grid and a parameter",
        "E-PARAM-TWICE",
        "%%pipeline_node a --grid lr=1,2 --param lr=3\n1",
        says="lr is given twice",
        fix="Keep one",
    ),
    in_a_cell(
        "a keyword as a parameter",
        "E-PARAM-NAME",
        "%%pipeline_node a --param class=1\n1",
        says="'class'",
        fix="learning_rate",
    ),
    in_a_cell(
        "a time in no unit", "E-VALUE", "%%pipeline_node a --timeout '10 parsecs'\n1", says="10 parsecs", fix="10m"
    ),
    in_a_cell("less than no memory", "E-VALUE", "%%pipeline_node a --memory -1\n1", says="'-1'", fix="512m"),
    in_a_cell("retries in words", "E-VALUE", "%%pipeline_node a --retries many\n1", says="'many'", fix="0 to 100"),
    in_a_cell(
        "an image with a space", "E-IMAGE-REF", "%%pipeline_node a --image 'My Image'\n1", says="white space", fix="TAG"
    ),
    in_a_cell(
        "an executor mistyped",
        "E-MAGIC-ARG",
        "%%pipeline_node a --executor dokcer\n1",
        says="dokcer",
        fix='Did you mean "docker"?',
    ),
    in_a_cell(
        "a variable of the system", "E-ENV-RESERVED", "%%pipeline_node a --env PATH=/x\n1", says="PATH", fix="another"
    ),
    # references, conditions, approvals
    in_a_cell(
        "a reference to nobody",
        "E-REF-TASK",
        A,
        "%%pipeline_node b --after a --param 'x={{ c.loss }}'\n1",
        says='there is no "c"',
        fix='Known: "a", "b".',
    ),
    in_a_cell(
        "a reference left open",
        "E-REF-SYNTAX",
        A,
        "%%pipeline_node b --after a --param 'x={{ a.loss'\n1",
        says="not closed",
        fix="{{ Task title.tag }}",
    ),
    in_a_cell(
        "a filter mistyped",
        "E-REF-FILTER",
        A,
        "%%pipeline_node b --after a --param 'x={{ a.loss | hypr }}'\n1",
        says="'hypr'",
        fix='"hyper"',
    ),
    in_a_cell(
        "an objective that there is not",
        "E-COND-OP",
        A,
        "%%pipeline_node b --after a --when best:loss\n1",
        says="'best'",
        fix='"max"',
    ),
    in_a_cell(
        "a threshold in words",
        "E-COND-TARGET",
        A,
        "%%pipeline_node b --after a --when gt:loss:high\n1",
        says="no number",
        fix="gt:loss:NUMBER",
    ),
    in_a_cell(
        "approval by nobody", "E-APPROVERS", "%%pipeline_node a --approve ,\n1", says="names nobody", fix="leah,yochay"
    ),
    in_a_cell(
        "an edge with a port misnamed",
        "E-EDGE-KIND",
        A,
        "%%pipeline_node b --after a\n1",
        "%pipeline_edge a.outputs.*.csv b.input.table",
        says="names no port",
        fix='Did you mean "output"?',
    ),
    # what a node says
    in_a_cell(
        "a colon forgotten",
        "E-SYNTAX",
        "%%pipeline_node a\nif True\n    print(1)",
        says="cell 1, line 2",
        fix="Mend the cell",
    ),
    in_a_cell(
        "a variable of the notebook",
        "W-FREE-NAME",
        "%%pipeline_node a\nprint(frame.shape)",
        says="frame is defined nowhere",
        fix="%%pipeline_shared",
    ),
    in_a_cell(
        "a question to nobody", "E-STDIN", "%%pipeline_node a\nname = input('who? ')", says="input()", fix="--param"
    ),
    # what is not there
    in_a_cell(
        "requirements that are not there",
        "E-FILE-MISSING",
        "%%pipeline_node a --requirements reqs.txt\n1",
        says="reqs.txt does not exist",
        fix="looked for",
    ),
    in_a_cell(
        "a notebook that is not there",
        "E-FILE-MISSING",
        "%pipeline_notebook a --path flwo.ipynb",
        says="flwo.ipynb does not exist",
        fix='Did you mean "flow.ipynb"?',
    ),
    in_a_cell(
        "data that are not there",
        "E-FILE-MISSING",
        "%pipeline_data a --path data/images",
        says="data/images does not exist",
        fix="looked for",
    ),
    in_a_cell("data without a place", "E-MAGIC-ARG", "%pipeline_data a", says="where the data is", fix="--path"),
)
