"""The magics: what each is called, what it does, what it takes besides options, an example."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Magic:
    """One of our magics: its name without %, whether it owns the cell, its positional words (empty: none) and
    whether they must be there, whether it defines something (or runs and looks), what it does, an example."""

    name: str
    help: str
    example: str
    positional: str = ""
    required: bool = False
    cell: bool = False
    defines: bool = True
    both: bool = False  # on a line, and as a cell magic too

    @property
    def spelled(self) -> str:
        """The name as it is typed: `%%pipeline_node`."""
        return ("%%" if self.cell else "%") + self.name


_ALL = (
    Magic(
        "pipeline",
        "Name this notebook's pipeline and give its nodes defaults.",
        "%pipeline churn --image python:3.12-slim --requirements requirements.txt",
        "NAME",
    ),
    Magic(
        "pipeline_shared",
        "Code that every node of a cell starts with; it runs in the notebook, too.",
        "%%pipeline_shared",
        cell=True,
    ),
    Magic(
        "pipeline_node",
        "Make this cell a node of the pipeline.",
        '%%pipeline_node "Train model" --after prepare --grid lr=0.1,0.01 --param epochs=3',
        "TITLE",
        required=True,
        cell=True,
    ),
    Magic(
        "pipeline_command",
        "Make this cell, a shell script, a node of the pipeline.",
        '%%pipeline_command report --after "Train model" --image r-base:4.4',
        "TITLE",
        required=True,
        cell=True,
    ),
    Magic(
        "pipeline_notebook",
        "Make a whole notebook a node of the pipeline.",
        '%pipeline_notebook score --path score.ipynb --after "Train model"',
        "TITLE",
        required=True,
    ),
    Magic(
        "pipeline_data",
        "Make a dataset, a path or a URL, a node of the pipeline; others name it in --after.",
        "%pipeline_data images --path data/images",
        "TITLE",
        required=True,
    ),
    Magic(
        "pipeline_edge",
        "Lead files into an input slot of a node, or a parameter or tag into a parameter.",
        '%pipeline_edge prepare.output.*.csv "Train model".input.table',
        "SOURCE TARGET",
        required=True,
    ),
    Magic(
        "pipeline_yaml",
        "Make this cell, a pipeline as YAML, the pipeline of the notebook; dagbook's own format or another system's.",
        "%%pipeline_yaml",
        cell=True,
    ),
    Magic(
        "pipeline_import",
        "Make a file of dagbook, cnvrg, Valohai or Pachyderm the pipeline of the notebook, and show it.",
        "%pipeline_import valohai.yaml --pipeline train",
        "FILE",
        required=True,
    ),
    Magic("pipeline_run", "Run the pipeline.", '%pipeline_run --until "Train model"', defines=False),
    Magic(
        "pipeline_resume",
        "Go on with a run that ended or waits; what is done is kept.",
        "%pipeline_resume latest",
        "RUN",
        defines=False,
    ),
    Magic(
        "pipeline_approve",
        "Decide on a node that waits for an approval: let it start, or not.",
        '%pipeline_approve "Deploy model" --by leah',
        "NODE",
        required=True,
        defines=False,
    ),
    Magic("pipeline_plan", "Tell what a run would do, and why.", "%pipeline_plan", defines=False),
    Magic("pipeline_show", "Show the pipeline, or a run of it.", "%pipeline_show latest", "RUN", defines=False),
    Magic("pipeline_runs", "List the runs in the store.", "%pipeline_runs", defines=False),
    Magic(
        "pipeline_compare",
        "Compare the routes of a run, or several runs: RUN may be several ids.",
        "%pipeline_compare latest --by accuracy",
        "RUN",
        defines=False,
    ),
    Magic("pipeline_stop", "Cancel a run.", "%pipeline_stop latest", "RUN", defines=False),
    Magic(
        "pipeline_attach",
        "Go into the kernel of a failed node that --keep-failed left; as %%pipeline_attach, run the cell there.",
        "%pipeline_attach train --done",
        "NODE",
        both=True,
        defines=False,
    ),
)
MAGICS = {magic.name: magic for magic in _ALL}
