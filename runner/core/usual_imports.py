"""Names that nearly always mean a module, and how it is imported: `import NAME` or `import MODULE as NAME`."""

from __future__ import annotations

USUAL_IMPORTS = {
    **{
        name: name
        for name in ("csv", "dagbook", "json", "math", "os", "pathlib", "pickle", "random", "re", "sys", "time")
    },
    "np": "numpy as np",
    "pd": "pandas as pd",
    "plt": "matplotlib.pyplot as plt",
    "sns": "seaborn as sns",
    "tf": "tensorflow as tf",
    "torch": "torch",
}
