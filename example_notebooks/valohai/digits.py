"""Handwritten digits in gzipped idx files, and the model that the other scripts share: a softmax regression."""

import gzip
import json
import math
import os
import struct
from pathlib import Path

INPUTS = Path(os.environ.get("VH_INPUTS_DIR", "/valohai/inputs"))
OUTPUTS = Path(os.environ.get("VH_OUTPUTS_DIR", "/valohai/outputs"))
IMAGES, LABELS = 2051, 2049  # how idx files of each kind begin


def read_images(file):
    """The size of the images, and each as a list of its pixels."""
    content = _read(file, IMAGES)
    count, height, width = struct.unpack(">III", content[4:16])
    size = height * width
    return (height, width), [list(content[at : at + size]) for at in range(16, 16 + count * size, size)]


def read_labels(file):
    """The digit of each image."""
    return list(_read(file, LABELS)[8:])


def write_images(file, size, images):
    """Write images as an idx file."""
    _write(file, struct.pack(">IIII", IMAGES, len(images), *size) + bytes(sum(images, [])))


def write_labels(file, labels):
    """Write digits as an idx file."""
    _write(file, struct.pack(">II", LABELS, len(labels)) + bytes(labels))


def _read(file, kind):
    content = gzip.decompress(Path(file).read_bytes())
    if struct.unpack(">I", content[:4]) != (kind,):
        raise SystemExit(f"{file} is no idx file of {'images' if kind == IMAGES else 'labels'}")
    return content


def _write(file, content):
    Path(file).write_bytes(gzip.compress(content, mtime=0))


def read_model(file):
    """The weights of a model: a row for each digit."""
    return json.loads(gzip.decompress(Path(file).read_bytes()))


def write_model(file, weights):
    """Write weights as `read_model` reads them."""
    Path(file).write_bytes(gzip.compress(json.dumps(weights).encode(), mtime=0))


def the_file(name):
    """The one file of an input."""
    (file,) = sorted((INPUTS / name).iterdir())
    return file


def inked(image):
    """An image as the model sees it: (position, darkness from 0 to 1) of each pixel that is not empty, and the bias."""
    return [*((at, value / 255) for at, value in enumerate(image) if value), (len(image), 1.0)]


def probabilities(weights, pixels):
    """How likely the image shows each of the ten digits."""
    scores = [sum(row[at] * value for at, value in pixels) for row in weights]
    powers = [math.exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def tell(**metadata):
    """Print metadata, as Valohai reads it."""
    print(json.dumps(metadata))
