"""What people write of a flow: conditions, approvals, references, parameters, variables; what can be wrong with it."""

from __future__ import annotations

FLOW_WORDS: dict[str, tuple[str, str]] = {
    # conditions and approvals, as written
    "E-COND": ("{what}", "{hint}"),
    "E-COND-OP": ("{op!r} is no objective of a condition", "{nearest}"),
    "E-COND-TAG": ("the condition {objective} names no tag", "Write the tag after the colon: --when {example}"),
    "E-COND-TARGET": (
        "the condition {objective} has {why}",
        "Write --when {objective}:{tag}:{kind}",
    ),
    "E-APPROVERS": ("{what}", "Write each name once, with commas in between: --approve leah,yochay"),
    # references
    "E-REF-SYNTAX": (
        "{text!r} holds braces that are no reference: {why}",
        "Write {{{{ Task title.tag }}}}, each pair of braces closed and none inside another.",
    ),
    "E-REF-TASK": ('{{{{ {text} }}}} names no node: there is no "{missing}"', "{nearest}"),
    "E-REF-FILTER": ("{{{{ {text} }}}}: there is no filter {filter!r}", "{nearest}"),
    "E-REF-HYPER": (
        "{where} holds {reference}, and | hyper means one run for each value",
        "Give the node a parameter with it: one | hyper in a --param.",
    ),
    "E-REF-UPSTREAM": (
        '{where} of "{node}" takes {reference}, but {how}',
        "A reference takes the tag of a node before: name that node in --after.",
    ),
    "E-REF-MANY": (
        '{where} of "{node}" takes {reference}, but it is handed several runs of "{title}" at once',
        "Read the tags in /input/<task>/runs.json instead, or take the tag where there is one run of it.",
    ),
    "E-REF-TAG": ('"{node}" ({run}) logged no tag "{tag}"', "{hint}"),
    "E-REF-ROUTE": (
        'there is no run of "{title}" on this route for {reference}',
        "It did not pass a condition on the way; take the tag of a node that is on every route.",
    ),
    "E-SINGLE": (
        '"{node}" is --single and tests {what}, but "{parent}" has several runs',
        "A single node ignores its parents' runs; take the condition or --single away.",
    ),
    "W-COND-TAG": (
        '"{node}" tests a tag called {tag!r}: no node right before it is called "{wanted}"',
        "{nearest}",
    ),
    "W-TAG-UNLOGGED": ('"{node}" tests the tag "{tag}", and nothing in the code of {tasks} logs it', "{nearest}"),
    "E-COND-TASK": ('"{node}" tests a tag of "{missing}", which does not come right before it', "{nearest}"),
    # parameters and grids
    "E-PARAM-NAME": (
        "{name!r} cannot be a parameter: a name is a Python identifier, not a keyword, of at most 128 characters",
        "Write --param name=value, with a name such as learning_rate.",
    ),
    "E-PARAM-VALUE": ("the value of {name} holds a {what}", "Take the {what} out."),
    "E-PARAM-TYPE": (
        "the value of {name} is {type}, which is not {wanted}",
        "{hint}",
    ),
    "E-PARAM-UNKNOWN": ("there is no parameter {name!r} here", "{nearest}"),
    "E-PARAM-TWICE": ("{name} is given twice ({first} and {second})", "Keep one of the two."),
    "E-PARAM-MISSING": (
        "{name} is named as a pipeline parameter, but the cell tagged `parameters` gives it no plain value",
        "{nearest} Or give it: -p {name} VALUE.",
    ),
    "W-PARAM-UNUSED": (
        "no node takes the parameter {name}",
        "Take it where it is meant: --param {name}, or delete it.",
    ),
    "E-GRID-EMPTY": (
        "--grid {name}={text} holds an empty value",
        "Write --grid {name}=1,2,3 without spaces; an empty text is written as {name}='\"\",a'.",
    ),
    "E-GRID-TAKEN": ("{what}", "{hint}"),
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
    "E-SECRET": ("{what}", "{hint}"),
    "E-SECRET-MISSING": (
        '"{node}" needs the secret {secret}, and this machine has no value for it{why}',
        "Set the variable {variable}, write the value into the file {file},\nor name a command that prints it:"
        ' secret_command = "pass show {{name}}/{{key}}" in dagbook.toml.',
    ),
    "W-SECRET-MISSING": (
        '"{node}" needs the secret {secret}, and this machine has no value for it',
        "A run here would need one; see E-SECRET-MISSING for where it is looked for.",
    ),
    "W-SECRET-TEXT": (
        "{what} stands here written out, where everybody can read it who gets the file",
        "Take it out, and give it by name: --secret NAME, with the value in a variable or a file of this machine.",
    ),
    "W-SECRET-GIVEN": (
        "{name} looks like a secret, and parameters are kept with the run and shown",
        "Give it as a secret: --secret {variable} on the node, its value in DAGBOOK_SECRET_{variable} or a file.",
    ),
    "W-SECRET-MODE": (
        "others on this machine can read the secret in {file}",
        "Keep it to yourself: chmod go= {file}",
    ),
}
