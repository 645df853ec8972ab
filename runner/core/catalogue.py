"""Every error and warning code with its sentence and its hint.

Fields in braces are the facts that `errors.problem(code, **facts)` is given.
E- codes stop before anything starts, W- codes are told and nothing stops.
docs/errors.md has a section for each; a test compares the two.
"""

from __future__ import annotations

CATALOGUE: dict[str, tuple[str, str]] = {
    # names
    "E-NAME-EMPTY": (
        'the title "{title}" leaves no folder name: nothing of it is a letter a-z, a digit or _',
        "Give the node a title with at least one of a-z, 0-9 or _.",
    ),
    "E-NAME-CHARS": (
        "the title {title!r} holds {bad}, which a title may not",
        "Use letters, digits, spaces and - _ ! ? . , inside a title; it may not begin with - or be . or ..",
    ),
    "E-NAME-LONG": (
        "the title {title!r}… makes a folder name of {length} characters; 100 is the most",
        "Shorten the title.",
    ),
    "E-NAME-COLLIDES": (
        '"{title}" and "{other}" would both be mounted at /input/{slug}',
        "Rename one of the two.",
    ),
    "E-NODE-DUP": (
        'a node titled "{title}" is defined twice (also {other})',
        "Rename one, or delete the cell that is no longer meant.",
    ),
    # edges
    "E-EDGE-UNKNOWN": ('"{node}" comes --after "{missing}", but no node has that title', "{nearest}"),
    "E-EDGE-SELF": ('"{node}" comes --after itself', "Take its own title out of --after."),
    "E-GATHER": ('"{node}" gathers "{missing}", which is not in its --after', "{nearest}"),
    "E-CYCLE": ("the nodes wait for each other: {path}", "Take one of these --after options away."),
    "W-EDGE-DUP": ('"{node}" names "{parent}" twice in --after', "Once is enough; it was taken once."),
    "E-PIPELINE-EMPTY": ("there is no node in this pipeline", "Begin a cell with: %%pipeline_node TITLE"),
    # parameters and grids
    "E-PARAM-NAME": (
        "{name!r} cannot be a parameter: a name is a Python identifier, not a keyword, of at most 128 characters",
        "Write --param name=value, with a name such as learning_rate.",
    ),
    "E-PARAM-VALUE": ("the value of {name} holds a NUL character", "Take the NUL character out."),
    "E-PARAM-TYPE": (
        "the value of {name} is {type}, which is not a parameter type",
        "Use a bool, int, float, str, None, or a list of these at most {depth} deep.",
    ),
    "E-PARAM-UNKNOWN": ("there is no parameter {name!r} here", "{nearest}"),
    "E-PARAM-TWICE": ("{name} is given twice ({first} and {second})", "Keep one of the two."),
    "E-PARAM-MISSING": (
        "{name} is named as a pipeline parameter, but the cell tagged `parameters` gives it no plain value",
        "{nearest} Or give it: -p {name} VALUE.",
    ),
    "E-GRID-EMPTY": (
        "--grid {name}={text} holds an empty value",
        "Write --grid {name}=1,2,3 ; an empty text is written as {name}='\"\",a'.",
    ),
    "E-GRID-SIZE": (
        "{count:,} node runs are planned and {limit:,} are allowed: {product}",
        "Make a grid smaller, or allow it with --max-runs {count}.",
    ),
    # environment
    "E-ENV-NAME": (
        "{name!r} cannot be an environment variable's name",
        "Use letters, digits and _, not a digit first.",
    ),
    "E-ENV-RESERVED": (
        "{name} is reserved: {owner} sets it",
        "Choose another name; it would otherwise be unclear which value the node sees.",
    ),
    "E-ENV-COLLIDES": (
        "{first} and {second} would both become the variable {name}",
        "Rename one of the two.",
    ),
    # magics
    "E-MAGIC-USAGE": ("{what}", "Usage: {usage}"),
    "E-MAGIC-ARG": ("{what}", "{hint}"),
    "E-MAGIC-UNKNOWN": ("there is no magic {name}", "{nearest}"),
    "E-MAGIC-PLACE": ("{what}", "{hint}"),
    "E-SYNTAX": ("{what}", "Mend the cell and run it again.\n{source}"),
    "W-FREE-NAME": (
        "{names} {verb} nowhere in this node or the shared cells, and the notebook's own variables are not there",
        "{hint}",
    ),
    "W-EMPTY-BODY": ("the node's cell is empty", "It will run and do nothing."),
    "E-VALUE": ("{what}", "{hint}"),
    # notebooks and files
    "E-FILE-MISSING": ("{file} does not exist", "{hint}"),
    "E-NB-PARSE": ("{file} is not a notebook: {why}", "{hint}"),
    "E-NB-VERSION": (
        "{file} is a notebook of format {version}, which cannot be read here",
        "Open and save it in JupyterLab, or: jupyter nbconvert --to notebook --nbformat 4 {file}",
    ),
    "E-NB-KERNEL": ("{what}", "{hint}"),
    "E-PARAMS-DUP": (
        "cells {first} and {second} are both tagged `parameters`",
        "Leave the tag on one of them.",
    ),
    "W-NB-REPAIRED": ("{what}", "Save the notebook once in JupyterLab to make this lasting."),
    "W-NB-LARGE": ("{file} is {size}; reading it takes a while", "Clear outputs that are no longer needed."),
    "E-STDIN": (
        "{call}() asks somebody for an answer, and nobody sits at a node",
        "Use a parameter (--param) or an environment variable (--env) instead.",
    ),
    # settings, images, executors
    "E-SETTING": ("{origin}: {what}", "{hint}"),
    "E-IMAGE-REF": (
        "{image!r} is not an image reference: {why}",
        "Write NAME, NAME:TAG or NAME@sha256:DIGEST.",
    ),
    "E-IMAGE-MISSING": (
        "the image {image} is not on this machine and cannot be pulled: {why}",
        "{hint}",
    ),
    "E-IMAGE-KERNEL": ("the image {image} has no kernel {kernel!r}: {why}", "{hint}"),
    "E-BUILD-FAILED": (
        "the image for {what} could not be made (exit code {exit_code})",
        "Its last lines:\n{lines}",
    ),
    "E-DOCKER-DOWN": ("no Docker engine answers at {where}: {why}", "{hint}"),
    "E-RESOURCE": ("{what}", "{hint}"),
    "E-EXECUTOR": ("{what}", "{hint}"),
    "E-PATH-LITERAL": (
        "the node spells out {literal!r}, and this machine cannot make that path real without a container",
        "Use os.environ[{variable!r}] or {helper}, install bubblewrap, or run with --executor docker.",
    ),
    "E-CODE": ("{what}", "{hint}"),
    "W-CODE-SIZE": (
        "the project folder is not shown to the nodes at /code: {why}",
        "List big files in .gitignore, or choose with --code DIR (or --code none).",
    ),
    "W-CODE-PATH": (
        "the node names {literal!r}: that file is in the project, but the node runs in /output",
        "Write {better!r}.",
    ),
    "W-EXECUTOR": ("{what}", "{hint}"),
    # store and runs
    "E-STORE": ("{what}", "{hint}"),
    "W-STORE-REMOTE": (
        "the store {store} is on a network filesystem ({kind}), where its database is not safe; it is {database}",
        "Choose a local folder with --store to keep all of it together.",
    ),
    "E-RUN-UNKNOWN": ("there is no run {run!r} in {store}", "{nearest}"),
    "E-NODE-UNKNOWN": ("there is no node {node!r}", "{nearest}"),
    "E-NODE-FAILED": ("{node} failed: {reason}", "{hint}"),
    "E-RUN-ENDED": ("run {run} {state}: {reason}", "Look at it: dagbook show {run}"),
    "E-NO-EARLIER": (
        '"{node}" is not selected and no earlier run left its artifact in the store',
        "Run it first: dagbook run FILE --until {slug}",
    ),
    "E-USAGE": ("{what}", "{hint}"),
    "E-ILLEGAL-CHANGE": (
        "{node_run} cannot go from {before} to {after} (its story: {story})",
        "This is a defect in dagbook; please report it with the lines above.",
    ),
}
