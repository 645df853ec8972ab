"""Train a softmax regression on train.csv, tag how well it does on validation.csv, and leave model.json."""

import argparse
import csv
import json
import math
import os
import random
from pathlib import Path

from predict import probabilities

SPLIT = Path(os.environ["INPUT_SPLIT"])


def read(name):
    """The flowers of a file: their measurements, and their kinds."""
    with (SPLIT / name).open() as file:
        rows = list(csv.reader(file))[1:]
    return [[float(number) for number in row[:-1]] for row in rows], [row[-1] for row in rows]


parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=float, required=True)
parser.add_argument("--epochs", type=int, required=True)
given = parser.parse_args()

flowers, kinds = read("train.csv")
names = sorted(set(kinds))
model = {"kinds": names, "weights": [[0.0] * 5 for _ in names]}
learnt = list(zip(flowers, kinds))
random.Random(7).shuffle(learnt)
for epoch in range(given.epochs):
    loss = 0.0
    for flower, kind in learnt:
        found = probabilities(model, flower)
        loss -= math.log(found[names.index(kind)]) / len(learnt)
        for number, name in enumerate(names):
            error = found[number] - (name == kind)
            for position, value in enumerate([*flower, 1.0]):
                model["weights"][number][position] -= given.rate * error * value
    if (epoch + 1) % 5 == 0:
        print(f"dagbook_metric_loss@{epoch + 1}: {loss:.4f}")

flowers, kinds = read("validation.csv")
chances = [probabilities(model, flower) for flower in flowers]
right = sum(names[chance.index(max(chance))] == kind for chance, kind in zip(chances, kinds))
sure = sum(chance[names.index(kind)] for chance, kind in zip(chances, kinds))
print(f"cnvrg_tag_accuracy: {right / len(kinds):.4f}")
print(f"cnvrg_tag_confidence: {sure / len(kinds):.4f}")
Path("model.json").write_text(json.dumps(model))
