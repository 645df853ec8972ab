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
    "E-EDGE-END": ('the edge {edge} names "{missing}", but no node has that title', "{nearest}"),
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
    "E-PIPELINE-EMPTY": ("there is no node in this pipeline", "Begin a cell with: %%pipeline_node TITLE"),
    "E-EDGE-KIND": ("{what}", "{hint}"),
    "E-SLOT": (
        "{slot!r} cannot be an input slot: it names a folder",
        "Use letters a-z, digits and _ - . in it, 100 at most, and neither - nor . at its beginning.",
    ),
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
    "E-COND-TASK": ('"{node}" tests a tag of "{missing}", which does not come right before it', "{nearest}"),
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
    "E-SECRET": ("{what}", "{hint}"),
    "E-SECRET-MISSING": (
        '"{node}" needs the secret {secret}, and this machine has no value for it{why}',
        "Set the variable {variable}, write the value into the file {file},\nor name a command that prints it:"
        ' secret_command = "pass show {{name}}/{{key}}" in dagbook.toml.',
    ),
    "W-SECRET-MODE": (
        "others on this machine can read the secret in {file}",
        "Keep it to yourself: chmod go= {file}",
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
    "E-CELL-TEXT": ("{what} cannot be written as a magic line: {why}", "{hint}"),
    # notebooks and files
    "E-FILE-MISSING": ("{file} does not exist", "{hint}"),
    "E-FILE-WRITE": ("{file} cannot be written: {why}", "Name a file in a folder that exists and may be written to."),
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
    # datasets
    "E-DATA-LINK": (
        "{path} is a link to {target}, which leads out of the dataset; a node would find nothing there",
        "Put the file itself there, or name the folder that it leads to as a dataset of its own.",
    ),
    "E-DATA-KIND": (
        "{path} is {kind}, which a dataset cannot hold",
        "Take it out of the folder, or name a folder that holds only files.",
    ),
    "E-DATA-READ": ("{path} cannot be read: {why}", "Mend its permissions, or leave it out of the dataset's folder."),
    "E-DATA-CHANGED": (
        "{path} changed while the dataset was read",
        "Wait until nobody writes to it any more, and run it again.",
    ),
    "E-DATA-STORE": (
        "{path} holds dagbook's own store ({store}), which every run changes",
        "Name a folder that does not hold it, or keep the store elsewhere with --store.",
    ),
    "E-DATA-PIN": (
        "{path} is not the version {pin}; it is {found}",
        "Bring that version back, or pin the one that is there.",
    ),
    # datasets of the store
    "E-REPO-NAME": ("{name!r} cannot name a {what}: {why}", "Take another name."),
    "E-REPO-EXISTS": ("{what}", "{hint}"),
    "E-REPO-UNKNOWN": ("there is no dataset {name!r} in {store}", "{nearest}"),
    "E-REPO-PATH": ("{what}", "{hint}"),
    "E-REPO-CLASH": ("{what}", "{hint}"),
    "E-COMMIT-UNKNOWN": ("{what}", "{nearest}"),
    "E-QUERY-UNKNOWN": ("{name} has no saved query {query!r}, and a glob has a * or ? in it", "{nearest}"),
    "E-FILE-THERE": ("{what}", "{hint}"),
    "W-DATA-LEFT": ("{path} {why}; it was left out", "Put the file itself there if it is meant."),
    "E-URL-SCHEME": ("{what}", "{hint}"),
    "E-URL-FORM": ("the URL {url!r} cannot be used: {why}", "{hint}"),
    "E-URL-PRIVATE": (
        "{url} leads to {address}, which is this machine or a private network",
        'If that is meant, allow the host: data_hosts = ["{host}"] in dagbook.toml, or DAGBOOK_DATA_HOSTS={host}.',
    ),
    "E-FETCH-FAILED": (
        "{url} cannot be fetched: {why}",
        "Look whether the host can be reached from this machine, and run it again.",
    ),
    "E-FETCH-STATUS": ("{url} cannot be fetched: the server answers {status}", "{hint}"),
    "E-FETCH-REDIRECT": ("{url} cannot be fetched: {why}", "Look where it leads, and write that URL."),
    "E-FETCH-LENGTH": (
        "{url} was cut off: {got} bytes came, {announced}",
        "Run it again; nothing of it was kept.",
    ),
    "E-FETCH-SIZE": (
        "{url} {what}; {limit} are the most that is fetched",
        "Bring such a file here by other means, and name it with --path.",
    ),
    "E-FETCH-EMPTY": ("{url} is empty: 0 bytes came", "Look at it in a browser; the file may not be ready yet."),
    "E-FETCH-HTML": (
        "{url} gives a web page instead of a file: a login page?",
        "Look at it in a browser, and take the address of the file itself. If the page is meant, pin it with --pin.",
    ),
    "E-FETCH-CHECKSUM": (
        "{url} is not the version {pin}: the file's sha256 is {found}, the dataset's {tree}",
        "If the new version is meant, pin one of these two; nothing of it was kept.",
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
    "E-DOCKERFILE": ("no image came of {dockerfile}: {why}", "{hint}"),
    "E-PUSH": ("{image} was not pushed to {registry}: {why}", "{hint}"),
    "E-PUSH-LOGIN": ("{registry} does not take {image} from here: {why}", "{hint}"),
    "E-PUSH-REACH": (
        "{registry} could not be reached with {image}: {why}",
        "Look at the name, and whether the engine's machine reaches it; the engine pushes, not dagbook.",
    ),
    "E-DOCKER-DOWN": ("no Docker engine answers at {where}: {why}", "{hint}"),
    "E-RESOURCE": ("{what}", "{hint}"),
    "E-COMPUTE": ('"{node}" asks for --compute {name}, and there is no compute template of that name', "{nearest}"),
    "E-GIT": ("{what}", "{hint}"),
    "E-GIT-REF": ("{url} has no branch, tag or commit {ref!r}", "{nearest}"),
    "W-GIT": (
        "{url} could not be asked what {ref} is now ({why}); commit {commit} is taken, as it was the last time",
        "Name the commit (--git URL@COMMIT) to need no network.",
    ),
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
    "E-PENDING": ("run {run} needs a decision, and nobody can be asked here: {waiting}", "Go on with:\n  {commands}"),
    "E-NOT-PENDING": ("{what}", "{nearest}"),
    "E-NOT-APPROVER": (
        "{user!r} may not decide on {node_run}: it asks {listed}",
        "{nearest} Give the name with --by.",
    ),
    "E-RUN-LIVE": (
        "run {run} is being run right now (process {pid} on {host})",
        "Wait for it, follow it with dagbook show {run}, or end it with dagbook cancel {run}.",
    ),
    "E-RESUME": ("run {run} cannot be resumed: {why}", "{hint}"),
    "E-NO-EARLIER": (
        '"{node}" is not selected and no earlier run left its artifact in the store',
        "Run it first: dagbook run FILE --until {slug}",
    ),
    "E-ATTACH": ("{what}", "{hint}"),
    "E-USAGE": ("{what}", "{hint}"),
    "E-ILLEGAL-CHANGE": (
        "{node_run} cannot go from {before} to {after} (its story: {story})",
        "This is a defect in dagbook; please report it with the lines above.",
    ),
    # files of pipelines
    "E-YAML-SYNTAX": ("this is no YAML: {why}", "{hint}"),
    "E-YAML-EMPTY": ("the file holds nothing", "Write a pipeline into it."),
    "E-YAML-ROOT": ("the file holds {found}, and a pipeline is {wanted}", "{hint}"),
    "E-YAML-MULTI": (
        "the file holds {count} documents, and one is read",
        "Put the others into files of their own; the second one begins here.",
    ),
    "E-YAML-SIZE": ("the file is too large: {what}", "A pipeline is a text of some kilobytes; is this the right file?"),
    "E-YAML-DEPTH": ("values stand within values more than {limit} deep", "Is this the right file?"),
    "E-YAML-ALIASES": (
        "written out, what the aliases (*name) repeat is more than {limit:,} values",
        "Write the values where they are needed.",
    ),
    "E-YAML-TAG": ("the tag {tag} asks for more than a value, and is not obeyed", "Write a plain value without the !."),
    "E-YAML-DUPKEY": ("{name!r} stands here a second time; it was given in line {first}", "Take one of the two out."),
    "E-YAML-KEY": (
        "a mapping or a list stands where a name is due",
        "Quote a value with braces: '{{{{ task.tag }}}}'.",
    ),
    "E-FORMAT": ("{file} is in no format that is known here", "{hint}"),
    "E-KEY-UNKNOWN": ("{where} knows no {key!r}", "{nearest}"),
    "W-KEY-UNKNOWN": ("{where} knows no {key!r}", "{nearest}"),
    "E-KEY-MISSING": ("{where} lacks {key!r}", "{hint}"),
    "E-TYPE": ("{where} {what}", "{hint}"),
    "E-ENUM": ("{where} is {value!r}, which is none of {known}", "{nearest}"),
    "E-RANGE": ("{where} {what}", "{hint}"),
    "E-DATE": (
        "{where} is {value!r}, which is no date and time",
        "Write it like 31.01.2027 16:25 or 2027.01.31 4:25PM.",
    ),
    "W-DATE-PAST": ("{where} is {value}, which has passed", "Nothing is begun for it; give it a later date."),
    "E-MOUNT": ("{where} is {value!r}, which names no network folder", "Write it like 10.0.0.7:/folder."),
    "E-EDGE-FORM": ("{what}", "{hint}"),
    "E-REF": ("{what}", "{nearest}"),
    "W-REF": ("{what}", "{nearest} It is an error only when it is to run."),
    "E-UNSUPPORTED": ("{what} cannot be taken over", "{hint}"),
    "W-NOT-HERE": ("{what} is taken over, but cannot run here", "{hint}"),
    "E-GLOB": ("{glob!r} is no glob: {why}", "Put a backslash before a character that is to stand for itself."),
    "E-DATUMS": (
        "{what} would be cut into {count:,} datums, and {limit:,} is the most",
        "Take a coarser glob, such as /* instead of /**, or a join instead of a cross.",
    ),
    "W-KEPT": ("{what} has no effect here", "It is kept, and written out again by dagbook export."),
    "W-CHANGED": ("{what}", "{hint}"),
    "E-EXPORT": (
        "{what} cannot be said in {format}, and leaving it out would make another pipeline of it",
        "Choose another format, or make a command of it: %%pipeline_command.",
    ),
    "W-EXPORT": ("{what} cannot be said in {format}", "dagbook's own format keeps everything: --to native."),
    "W-LATEST": (
        "the image {image} may be another one tomorrow",
        "Give it a tag that stays, such as :1.4; the digest that a run took is in its record.",
    ),
    "E-SLOT-EMPTY": (
        'the input slot {slot!r} of "{node}" has no files: no edge fills it, and it names none itself',
        "Lead files into it, or make it optional.",
    ),
    "E-INPUT-URI": (
        'the input slot {slot!r} of "{node}" takes {uri}, which cannot be had here',
        "Map it to what can: --input-map '{uri}=data/file', or a folder for all that begin alike.",
    ),
    "E-UNRESOLVED": ('"{node}" cannot run here: {why}', "{hint}"),
    "E-MAP": ('"{node}" maps over the files of "{missing}", which does not come before it', "{nearest}"),
    "E-NO-PIPELINE": (
        "{file} holds no pipeline, and nothing that could be run by itself",
        "A pipeline, a step or a task is needed; endpoints and deployments belong to one.",
    ),
    "W-IMPORT": (
        "{count} things in {file} are not kept as they are written",
        "They are listed, each with its place, by: dagbook import {file}",
    ),
}
