"""Put every third flower aside: train.csv and validation.csv are new in /cnvrg, and so they go on."""

import argparse
import csv
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--data", required=True)
given = parser.parse_args()

with (Path(os.environ["DATA_FLOWERS"]) / given.data).open() as file:
    header, *flowers = csv.reader(file)
for name, rows in (
    ("train.csv", [row for number, row in enumerate(flowers) if number % 3]),
    ("validation.csv", flowers[::3]),
):
    with open(name, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    print(f"{name}: {len(rows)} flowers")
print(f"cnvrg_tag_flowers: {len(flowers)}")
