"""Settings, images, executors, the store and runs: the sentences of their errors and warnings."""

from __future__ import annotations

RUNNING: dict[str, tuple[str, str]] = {
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
    "E-IMAGE-DENIED": (
        "{who} may not run in the image {image}{whole}: {origin} allows {allowed}",
        "Take an image of that list (--image, --image-map '{image}=OTHER'), or have this one added to it: "
        "allowed_images in dagbook.toml, or DAGBOOK_ALLOWED_IMAGES, which stands above the file.",
    ),
    "W-IMAGE-PULL": (
        "the image {image} is not on this machine, and a run would pull it",
        "Pull it now if it takes long: docker pull {image}",
    ),
    "E-IMAGE-KERNEL": ("the image {image} has no kernel {kernel!r}: {why}", "{hint}"),
    "E-BUILD-FAILED": (
        "the {made} for {what} could not be made (exit code {exit_code})",
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
    "E-DOCKER-FAILED": (
        "the Docker engine could not {what}: {why}",
        "That is the engine's trouble: make room on its disk where that is full (docker system df), restart it, and "
        "look with: dagbook doctor",
    ),
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
    "E-OPEN-FILES": (
        "this process may have {most} files open at once, and a run needs {least}",
        "Raise that limit: ulimit -n {least}",
    ),
    "W-OPEN-FILES": (
        "{jobs} of {asked} nodes run at once: this process may have {most} files open",
        "Raise that limit: ulimit -n {least}",
    ),
    "E-MACHINE": (
        "this machine let it down: {why}",
        "What was recorded before is kept. When the machine is well again, go on: dagbook resume latest",
    ),
    "W-STORE-REMOTE": (
        "the store {store} is on a network filesystem ({kind}), where its database is not safe; it is {database}",
        "Choose a local folder with --store to keep all of it together.",
    ),
    "E-RUN-UNKNOWN": ("there is no run {run!r} in {store}", "{nearest}"),
    "E-NODE-UNKNOWN": ("there is no node {node!r}", "{nearest}"),
    "E-CANCELLED": ("cancelled by {by} before the run had begun", "Nothing was run, and nothing stored."),
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
    "W-RESUME-OLD": (
        "{file} has changed since run {run} began; what goes on is what that run began with",
        "Run what it says now; what is done is not done again: dagbook run {file}",
    ),
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
}
