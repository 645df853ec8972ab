"""Of each picture in /pfs/data: the mean colour of its middle, and a thumbnail."""

import json
from pathlib import Path

from png import read_png, write_png

OUT = Path("/pfs/out")


def mean(pixels):
    """The mean of colours."""
    return [sum(values) / len(pixels) for values in zip(*pixels)]


for file in sorted(Path("/pfs/data").glob("*.png")):
    rows = read_png(file)
    height, width = len(rows), len(rows[0])
    inside = [row[width // 4 : -width // 4] for row in rows[height // 4 : -height // 4]]
    colour = [round(value, 1) for value in mean(sum(inside, []))]
    (OUT / f"{file.stem}.json").write_text(json.dumps({"colour": colour}))
    (OUT / "thumbnails").mkdir(exist_ok=True)
    squares = [[sum((row[x : x + 2] for row in rows[y : y + 2]), []) for x in range(0, width, 2)] for y in range(0, height, 2)]
    write_png(OUT / "thumbnails" / file.name, [[tuple(map(round, mean(square))) for square in row] for row in squares])
    print(f"{file.name}: {width} x {height}, colour {colour}")
