"""Let each model say what it sees in the images, and hand on the best one."""

import argparse
import json
import shutil
from pathlib import Path

from digits import OUTPUTS, inked, probabilities, read_images, read_labels, read_model, tell

parser = argparse.ArgumentParser()
parser.add_argument("--output-best-model", choices=("yes", "no"), required=True)
parser.add_argument("--model-dir", type=Path, required=True)
parser.add_argument("--image-dir", type=Path, required=True)
given = parser.parse_args()

_, images = read_images(next(given.image_dir.glob("*images*")))
labels = read_labels(next(given.image_dir.glob("*labels*")))
darkest = max(map(max, images))
pixels = [inked([value * 255 // darkest for value in image]) for image in images]

told = []
for file in sorted(given.model_dir.glob("model*")):
    weights = read_model(file)
    found = [probabilities(weights, image) for image in pixels]
    seen = [chances.index(max(chances)) for chances in found]
    predictions = [
        {"label": label, "inference": digit, "probability": round(chances[digit], 4)}
        for label, digit, chances in zip(labels, seen, found)
    ]
    accuracy = sum(one["label"] == one["inference"] for one in predictions) / len(predictions)
    confidence = sum(chances[label] for label, chances in zip(labels, found)) / len(labels)
    measures = {"accuracy": round(accuracy, 4), "confidence": round(confidence, 4)}
    content = {"model": file.name, **measures, "predictions": predictions}
    (OUTPUTS / f"predictions-{file.stem.removeprefix('model-')}.json").write_text(json.dumps(content))
    tell(model=file.name, **measures)
    told.append((accuracy, file))
if given.output_best_model == "yes":
    shutil.copy(max(told)[1], OUTPUTS)
