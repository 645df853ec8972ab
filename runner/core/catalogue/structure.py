"""Names, nodes and the edges between them: the sentences of their errors and warnings."""

from __future__ import annotations

STRUCTURE: dict[str, tuple[str, str]] = {
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
    "E-EDGE-END": ('the edge {edge} names "{missing}", but no node has that title', "{nearest}"),
    **dict.fromkeys(
        ("E-EDGE-GLOB", "W-EDGE-GLOB"),
        ("the glob {glob!r} matches no file: {why}", "Write it as seen from /output, such as *.csv or models/**"),
    ),
    "W-EDGE-COVERED": ("the edge {edge} brings no file that {other} does not bring, too", "Take one of them away."),
    "W-EDGE-SELF": ("the edge {edge} begins and ends at one node", "It has no effect; take it away."),
    "E-SLOT-UNKNOWN": (
        'the edge {edge} takes the input slot {slot!r} of "{node}", which has no such slot',
        "Fill it by an edge of its own, or take the files from where they come from.",
    ),
    "E-SLOT-TAKEN": (
        'the slot {slot!r} of "{node}" would be at /input/{slot}, where the files of the node before it are',
        "Give the slot another name, or leave that node out of --after.",
    ),
    "E-SLOT-CLASH": (
        "two files would be {name} in the slot {slot}: by {first} and by {second}",
        "Rename one, or take a narrower glob.",
    ),
    "E-EDGE-EMPTY": ("no file matches the edge {edge}. There is: {there}", "{hint}"),
    "E-CONFLICT": ("{what}", "{hint}"),
    "E-CYCLE": ("the nodes wait for each other: {path}", "Take one of these --after options away."),
    "W-EDGE-DUP": ('"{node}" names "{parent}" twice in --after', "Once is enough; it was taken once."),
    "W-DATA-UNUSED": ('no node takes the dataset "{node}"', "Name it where it is needed: --after, or delete its cell."),
    "W-NODE-ALONE": (
        '"{node}" comes after no node, and no node after it; it runs whenever there is room',
        "If an order is meant, say so with --after.",
    ),
    "E-NEST-CYCLE": (
        "a pipeline would contain itself: {path}",
        "Take one of these nodes out, or move what both need into a notebook of its own.",
    ),
    "E-NEST-DEPTH": (
        "more than {depth} pipelines stand within each other, the last one is {file}",
        "Put the nodes of one into the pipeline around it.",
    ),
    "E-NEST-OPTION": (
        '"{node}" is a pipeline, and an option of it means nothing there: {why}',
        "Take the option out, or give it to a node of that pipeline.",
    ),
    "E-PIPELINE-EMPTY": ("there is no node in this pipeline", "Begin a cell with: %%pipeline_node TITLE"),
    "E-EDGE-KIND": ("{what}", "{hint}"),
    "E-SLOT": (
        "{slot!r} cannot be an input slot: it names a folder",
        "Use letters a-z, digits and _ - . in it, 100 at most, and neither - nor . at its beginning.",
    ),
}
