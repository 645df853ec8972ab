"""Read and write small pictures: PNG files of three bytes a pixel, with the standard library alone."""

import struct
import zlib
from pathlib import Path

START = b"\x89PNG\r\n\x1a\n"


def write_png(path, rows):
    """Write rows of (red, green, blue) as a picture."""
    size = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 2, 0, 0, 0)
    lines = b"".join(b"\0" + bytes(value for pixel in row for value in pixel) for row in rows)
    chunks = ((b"IHDR", size), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    Path(path).write_bytes(START + b"".join(_chunk(*chunk) for chunk in chunks))


def _chunk(kind, content):
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def read_png(path):
    """Rows of (red, green, blue)."""
    content = Path(path).read_bytes()
    if not content.startswith(START):
        raise SystemExit(f"{path} is no PNG file")
    at, packed, head = len(START), b"", None
    while at < len(content):
        length, kind = struct.unpack(">I4s", content[at : at + 8])
        chunk = content[at + 8 : at + 8 + length]
        head = struct.unpack(">IIBBBBB", chunk) if kind == b"IHDR" else head
        packed += chunk if kind == b"IDAT" else b""
        at += 12 + length
    width, _, *form = head
    if form != [8, 2, 0, 0, 0]:
        raise SystemExit(f"{path} is a PNG file of another form; wanted are 8 bits RGB, not interlaced")
    return [[tuple(line[at : at + 3]) for at in range(0, len(line), 3)] for line in _lines(zlib.decompress(packed), width)]


def _lines(content, width):
    """The bytes of each row; a row may be written as what differs from the pixel before and the row above."""
    above = bytearray(3 * width)
    for start in range(0, len(content), 3 * width + 1):
        filtered, line = content[start], bytearray(content[start + 1 : start + 3 * width + 1])
        for i in range(len(line)):
            left, corner = (line[i - 3], above[i - 3]) if i >= 3 else (0, 0)
            line[i] = (line[i] + (0, left, above[i], (left + above[i]) // 2, _nearest(left, above[i], corner))[filtered]) & 255
        yield line
        above = line


def _nearest(left, above, corner):
    """Which of the three is nearest to left + above - corner."""
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))
