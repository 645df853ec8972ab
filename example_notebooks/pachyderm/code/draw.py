"""Draw a dog or a cat: `python3 code/draw.py cat 7` writes cat-07.png. Each number gives another one."""

import random
import sys

sys.dont_write_bytecode = True  # this folder is put into a repo, with all that is in it
from png import write_png

SIZE = 32


def draw(kind, number):
    """The rows of a picture: brown with hanging ears, or grey with pointed ones."""
    chance = random.Random(f"{kind} {number}")
    fur = [value + chance.randint(-30, 30) for value in ((150, 100, 60) if kind == "dog" else (125, 125, 135))]
    ground = [value + chance.randint(-20, 20) for value in (190, 210, 190)]
    middle, height, radius = SIZE / 2 + chance.randint(-3, 3), SIZE / 2 + chance.randint(0, 3), chance.randint(8, 10)

    def colour(x, y):
        across, down = abs(x - middle), y - height
        if abs(across - 4) < 1.5 and abs(down + 2) < 1.5:
            return (20, 20, 20)  # an eye
        if across < 1.5 and abs(down - 3) < 1.5:
            return (200, 110, 120)  # the nose
        if kind == "dog":
            ear = radius - 3 < across < radius + 2 and -radius / 2 < down < radius
        else:
            ear = across < radius and -radius - 4 < down < 0 and abs(across - radius * 0.6) < (down + radius + 4) / 2
        return tuple(fur) if ear or across**2 + down**2 < radius**2 else tuple(ground)

    return [[colour(x, y) for x in range(SIZE)] for y in range(SIZE)]


if __name__ == "__main__":
    kind, number = sys.argv[1], int(sys.argv[2])
    write_png(f"{kind}-{number:02}.png", draw(kind, number))
