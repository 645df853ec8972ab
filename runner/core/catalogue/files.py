"""Magics, notebooks and files of pipelines: the sentences of their errors and warnings."""

from __future__ import annotations

_TAKEN = ("INPUT", "DATA", "PARAM")  # what a body takes and does not find; an error where the run surely fails

FILES: dict[str, tuple[str, str]] = {
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
    "W-SHARED-UNUSED": (
        "no node starts with this cell: it is for nodes that are cells of Python, and there is none",
        "Make it a plain cell, if the notebook itself needs it.",
    ),
    "W-EMPTY-BODY": ("the node's cell is empty", "It will run and do nothing."),
    **{f"{kind}-NO-{what}": ('"{node}" reads {spelled}, but {why}', "{hint}") for kind in "EW" for what in _TAKEN},
    "W-NO-TAG": ('"{node}" reads {spelled}, but {why}', "{hint}"),
    "E-VALUE": ("{what}", "{hint}"),
    "E-CELL-TEXT": ("{what} cannot be written as a magic line: {why}", "{hint}"),
    # notebooks and files
    "E-FILE-MISSING": ("{file} does not exist", "{hint}"),
    "E-FILE-EXISTS": ("{files} {verb} there already, and nothing was written", "{hint}"),
    "E-REQUIREMENT": ("{where} is no requirement: {why}", "{hint}"),
    "E-FILE-WRITE": ("{file} cannot be written: {why}", "Name a file in a folder that exists and may be written to."),
    "E-EXTRA": ("{what}", "Install it: pip install 'dagbook[{extra}]'"),
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
    "W-NB-LOAD": (
        "no cell before this one loads dagbook, so {magic} fails in JupyterLab and under papermill",
        "Put into a cell above: %load_ext dagbook",
    ),
    "W-NB-REPAIRED": ("{what}", "Save the notebook once in JupyterLab to make this lasting."),
    "W-NB-LARGE": ("{file} is {size}; reading it takes a while", "Clear outputs that are no longer needed."),
    "E-STDIN": (
        "{call}() asks somebody for an answer, and nobody sits at a node",
        "Use a parameter (--param) or an environment variable (--env) instead.",
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
    "W-MAP-EMPTY": ('"{node}" maps over {glob!r}, which matches nothing in the dataset "{data}"', "{hint}"),
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
