"""Find the best of the models by their predictions, and leave it alone."""

import argparse
import json
import shutil
from pathlib import Path

from digits import INPUTS, OUTPUTS, tell

parser = argparse.ArgumentParser()
parser.add_argument("--prediction-dir", type=Path, required=True)
parser.add_argument("--my_param", required=True, help="the measure that decides")
given = parser.parse_args()

found = [json.loads(file.read_text()) for file in sorted(given.prediction_dir.glob("*.json"))]
best = max(found, key=lambda one: one[given.my_param])
for one in found:
    print(f"{one['model']}: {given.my_param} {one[given.my_param]}{', the best' if one is best else ''}")
shutil.copy(INPUTS / "models" / best["model"], OUTPUTS)
tell(models=len(found), best=best["model"], accuracy=best["accuracy"])
