"""Train a softmax regression in steps of a few images each."""

import argparse
import hashlib
import math
import random

from digits import OUTPUTS, inked, probabilities, read_images, read_labels, tell, the_file, write_model

parser = argparse.ArgumentParser()
parser.add_argument("--max_steps", type=int, required=True)
parser.add_argument("--learning_rate", type=float, required=True)
parser.add_argument("--dropout", type=float, required=True, help="the share of pixels that is kept in training")
parser.add_argument("--batch_size", type=int, required=True)
given = parser.parse_args()
chance = random.Random(1)


def read(name):
    """The images and the digits of a set."""
    size, images = read_images(the_file(f"{name}-set-images"))
    return size, [(inked(image), label) for image, label in zip(images, read_labels(the_file(f"{name}-set-labels")))]


def learn(weights, batch):
    """One step; its loss comes back."""
    change = [[0.0] * len(row) for row in weights]
    loss = 0.0
    for pixels, label in batch:
        pixels = [pixel for pixel in pixels if chance.random() < given.dropout]
        found = probabilities(weights, pixels)
        loss -= math.log(found[label] or 1e-300) / len(batch)
        for digit, row in enumerate(change):
            error = found[digit] - (digit == label)
            for at, value in pixels:
                row[at] += error * value
    for row, changed in zip(weights, change):
        for at, value in enumerate(changed):
            row[at] -= given.learning_rate * value / len(batch)
    return loss


(height, width), training = read("training")
_, test = read("test")
weights = [[0.0] * (height * width + 1) for _ in range(10)]
for step in range(1, given.max_steps + 1):
    loss = learn(weights, chance.sample(training, given.batch_size))
    if step % 50 == 0 or step == given.max_steps:
        right = sum(max(range(10), key=probabilities(weights, pixels).__getitem__) == label for pixels, label in test)
        tell(step=step, loss=round(loss, 4), accuracy=round(right / len(test), 4))

weights = [[round(weight, 5) for weight in row] for row in weights]
suffix = hashlib.sha256(repr(weights).encode()).hexdigest()[:8]  # three trainings, three names
write_model(OUTPUTS / f"model-{suffix}.gz", weights)
