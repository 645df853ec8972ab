"""Where the code runs."""

import os


def is_running_in_valohai() -> bool:
    """Whether this is an execution of a Valohai step; dagbook's runs of such steps are."""
    return bool(os.environ.get("VH_JOB_ID"))
