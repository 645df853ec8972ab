"""Hand on the model that won: only its training comes before this task, and its tags are variables."""

import os
import shutil
from pathlib import Path

print("passed:", os.environ["CNVRG_TASKS_PASSED_CONDITION"])
for name in ("rate", "epochs", "accuracy", "confidence"):
    print(f"cnvrg_tag_{name}: {os.environ['CNVRG_TRAIN_' + name.upper()]}")
shutil.copy(Path(os.environ["INPUT_TRAIN"]) / "model.json", "model.json")
