"""What a node's code may ask of dagbook: `import dagbook` inside a node.

This one file is mounted into nodes whose image has no dagbook, so it imports nothing but the standard library, and
runs on Python 3.8.
It works without dagbook's run too: `input`, `data` and `param` then say what is missing, `output` is the working
directory and what is logged is printed.

    import dagbook
    table = dagbook.input("Prepare data") / "table.csv"
    dagbook.log_metric("loss", 0.3, step=1)
    dagbook.log_tag("accuracy", 0.93)
    dagbook.log_image("confusion", figure)
"""

from __future__ import annotations

import ast
import base64
import io
import math
import os
import re
import sys
import unicodedata
from pathlib import Path
from typing import Any

__all__ = ["data", "input", "log_image", "log_metric", "log_param", "log_tag", "output", "param", "returned"]

_MIME = "application/vnd.dagbook.logged+json"
_NOTHING: Any = object()
_WORDS = {"True": True, "False": False, "None": None}


def input(title: str) -> Path:
    """The folder with what the task `title` (as typed, or its folder name) left; read-only.

    Raises LookupError when no such task comes before this node; the message lists those that do.
    """
    found = os.environ.get("INPUT_" + _slug(title).upper())
    if found:
        return Path(found)
    known = sorted(name[6:].lower() for name in os.environ if name.startswith("INPUT_"))
    listed = ", ".join(known) if known else "none (name them with --after)"
    raise LookupError(f"no input {title!r} here. Inputs of this node: {listed}")


def data(name: str) -> Path:
    """The folder of the dataset `name`; read-only.

    Raises LookupError when no such dataset is connected to this node; the message lists those that are.
    """
    found = os.environ.get("DATA_" + _slug(name).upper())
    if found:
        return Path(found)
    known = sorted(key[5:].lower() for key in os.environ if key.startswith("DATA_"))
    listed = ", ".join(known) if known else "none (name their data nodes with --after)"
    raise LookupError(f"no dataset {name!r} here. Datasets of this node: {listed}")


def output() -> Path:
    """The folder whose content becomes this node's artifact; the working directory of a node."""
    return Path(os.environ.get("DAGBOOK_OUTPUT") or os.getcwd())


def param(name: str, default: Any = _NOTHING) -> Any:
    """The value of the parameter `name` of this node, typed (bool, int, float, None, list, else text).

    `default` when there is no such parameter; without a default that is a LookupError that lists those there are.
    """
    for dialect in ("DAGBOOK", "CNVRG"):
        text = os.environ.get(f"{dialect}_TAG_{_slug(name).upper()}")
        if text is not None:
            return _typed(text)
    if default is not _NOTHING:
        return default
    known = sorted(key[12:].lower() for key in os.environ if key.startswith("DAGBOOK_TAG_"))
    raise LookupError(f"no parameter {name!r} here. Parameters of this node: {', '.join(known) or 'none'}")


def log_tag(name: str, value: Any) -> None:
    """Give this node's run the tag `name`. Conditions, later tasks and the board see it."""
    _log(name, value, None)


def log_param(name: str, value: Any) -> None:
    """Record a parameter that the node chose itself; a tag like any other."""
    _log(name, value, None)


def log_metric(name: str, value: Any, step: float | None = None) -> None:
    """Add a point to the metric `name`; without a step the points are counted from 0. Its last value is a tag too."""
    _log(name, value, _stepped("metric", name, step))


def log_image(name: str, image: Any, step: float | None = None) -> None:
    """Show an image, and keep it in the series `name`; without a step the images are counted from 0.

    `image` is a figure of matplotlib, a Pillow image, the path of a PNG, JPEG or SVG file, the bytes of one, or an
    array (rows, columns, and 1, 3 or 4 channels: whole numbers 0-255 or fractions 0-1), for which Pillow is needed.
    Raises ValueError for anything else, ImportError without Pillow.
    """
    name = _named(name)
    content = _image(image)
    mime = _mime(content)
    step = _stepped("image", name, step)
    shown = content.decode("utf-8", "replace") if mime == _SVG else base64.b64encode(content).decode("ascii")
    told = {"dagbook": {"image": name, "step": step}}
    if not _displayed({mime: shown, "text/plain": f"<image {name}>"}, told):
        _say(f"dagbook_image_{name}@{step:.15g}: {_left(content, mime)}")


def returned(value: Any) -> Any:
    """Take what a function that is a node has returned: each entry of a dict becomes a tag, all else is given back.

    Single values and short lists of them can be tags; a line tells which entries are none, such as a model.
    """
    if not isinstance(value, dict):
        return value
    left = []
    for name, one in value.items():
        if isinstance(name, str) and _is_a_tag(one):
            log_tag(name, one)
        else:
            left.append(f"{name} ({type(one).__name__})")
    if left:
        print(f"Not kept as tags: {', '.join(left)}")  # noqa: T201
    return None


_LONGEST_LIST = 100  # values in a list that is returned as a tag


def _is_a_tag(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return len(value) <= _LONGEST_LIST and all(map(_is_a_tag, value))
    single = hasattr(value, "item") and getattr(value, "size", 0) == 1  # a number of NumPy
    return value is None or isinstance(value, (bool, int, float, str)) or single


_steps: dict[tuple[str, str], int] = {}


def _named(name: Any) -> str:
    if not isinstance(name, str) or not name.strip() or len(name) > 200 or re.search(r"[:\r\n]", name):
        raise ValueError(f"a tag's name is a text without ':' and line ends, at most 200 characters, not {name!r:.250}")
    return name.strip()


def _stepped(series: str, name: str, step: float | None) -> float:
    """The step given, or the one that follows in this series."""
    if step is None:
        key = (series, str(name).strip())
        step = _steps[key] = _steps.get(key, -1) + 1
    number = float(step)
    if not math.isfinite(number):
        raise ValueError(f"a step is a finite number, not {step!r}")
    return number


def _log(name: str, value: Any, step: float | None) -> None:
    name, value = _named(name), _plain(value)
    if _displayed({_MIME: {"name": name, "value": _json(value), "step": step}}, {}):
        return
    text = re.sub(r"\s*[\r\n]\s*", " ", value if isinstance(value, str) else repr(value))
    _say(f"dagbook_tag_{name}: {text}" if step is None else f"dagbook_metric_{name}@{step:.15g}: {text}")


def _displayed(data: dict[str, Any], metadata: dict[str, Any]) -> bool:
    """Hand it to the run as a display of the kernel; False where there is no kernel, or a child of one."""
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    shell = get_ipython()
    kernel = getattr(shell, "kernel", None)
    if kernel is None:
        return False
    session = getattr(kernel, "session", None)
    if session is not None and getattr(session, "pid", os.getpid()) != os.getpid():
        return False  # a forked worker: the kernel's channels are its parent's
    if getattr(shell.display_pub, "session", None) is None:
        return False  # %%capture has put its own in place, and would keep it to itself
    shell.display_pub.publish(data=data, metadata=metadata)
    return True


def _say(line: str) -> None:
    """Print a line on the process's own stdout: what captures Python's does not keep it from the run."""
    for stream in (sys.stdout, sys.__stdout__):
        if stream is not None and not stream.closed:
            stream.flush()
    data = f"\n{line}\n".encode("utf-8", "replace")
    while data:
        data = data[os.write(1, data) :]


def _image(image: Any) -> bytes:
    """The bytes of an image file."""
    if isinstance(image, (bytes, bytearray, memoryview)):
        return bytes(image)
    if isinstance(image, (str, os.PathLike)):
        return Path(image).read_bytes()
    figure: Any = image if hasattr(image, "savefig") else getattr(image, "figure", None)
    file = io.BytesIO()
    if hasattr(figure, "savefig"):
        figure.savefig(file, format="png", bbox_inches="tight")
    elif hasattr(image, "save") and hasattr(image, "convert"):
        _save(image, file)
    elif hasattr(image, "__array__"):
        _save(_from_array(image), file)
    else:
        expected = "a figure, a Pillow image, an array, the path or the bytes of a PNG, JPEG or SVG file"
        raise ValueError(f"log_image takes {expected}, not {type(image).__name__}")
    return file.getvalue()


def _save(image: Any, file: io.BytesIO) -> None:
    writable = image.mode in ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA")
    (image if writable else image.convert("RGB")).save(file, format="PNG")


def _from_array(array: Any) -> Any:
    import numpy

    try:
        from PIL import Image
    except ImportError:
        raise ImportError("log_image needs Pillow for an array, and this node has none: pip install pillow") from None
    pixels = numpy.asarray(array)
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[:, :, 0]
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)) or not pixels.size:
        raise ValueError(f"an image has rows, columns, and 1, 3 or 4 channels; this array has the shape {pixels.shape}")
    top = 1.0 if pixels.dtype.kind in "fb" else 255.0
    if pixels.dtype.kind not in "fbiu" or not (pixels.min() >= 0 and pixels.max() <= top):
        raise ValueError("an image is of whole numbers 0-255 or of fractions 0-1; scale the array first")
    return Image.fromarray((pixels * (255.0 / top)).round().astype("uint8"))


_PNG, _JPEG, _SVG = "image/png", "image/jpeg", "image/svg+xml"
_ENDINGS = {_PNG: ".png", _JPEG: ".jpg", _SVG: ".svg"}


def _mime(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return _PNG
    if content.startswith(b"\xff\xd8\xff"):
        return _JPEG
    start = content[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<svg") or (start.startswith((b"<?xml", b"<!")) and b"<svg" in start):
        return _SVG
    raise ValueError(f"this is no PNG, JPEG or SVG image; it begins with {content[:12]!r}")


def _left(content: bytes, mime: str) -> str:
    """Leave an image for the run in a file, and give its path."""
    folder = os.environ.get("DAGBOOK_IMAGES") or os.getcwd()
    path = os.path.join(folder, f"image-{os.urandom(8).hex()}{_ENDINGS[mime]}")
    with open(path, "xb") as file:
        file.write(content)
    return path


def _plain(value: Any) -> Any:
    """A value that can be a tag; numbers of NumPy and the like become Python's."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and getattr(value, "size", 1) == 1:
        return _plain(value.item())
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    return str(value)


def _json(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    return [_json(item) for item in value] if isinstance(value, list) else value


def _typed(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    for convert in (int, float):
        try:
            return convert(text)
        except (ValueError, OverflowError):
            continue
    if text.startswith("[") and text.endswith("]"):
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return text
    return text


def _slug(title: str) -> str:
    lowered = unicodedata.normalize("NFC", " ".join(title.split())).lower()
    return re.sub(r"[^a-z0-9_]", "", re.sub(r"[\s-]", "_", lowered))
