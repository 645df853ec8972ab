"""Fuzzing led by coverage: `python -m tests.fuzz TARGET --seconds N`. It needs atheris, which no test does.

What it finds is left in the folder that it names, and becomes a row of a table in tests/inputs.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
from pathlib import Path


def main() -> None:
    """Fuzz one target for a while."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--corpus", type=Path, help="a folder that keeps what it learns")
    asked = parser.parse_args()
    try:
        import atheris
    except ImportError:
        sys.exit("It needs atheris: pip install atheris")
    with atheris.instrument_imports(include=["dagbook"]):
        from .targets import TARGETS
    if asked.target not in TARGETS:
        parser.error(f"there is {', '.join(TARGETS)}")
    target = TARGETS[asked.target]
    corpus = asked.corpus or Path(tempfile.mkdtemp(prefix=f"fuzz-{asked.target}-"))
    words = _begin_with(asked.target, corpus)
    sys.stderr.write(f"What it finds is left in {corpus}.\n")
    limits = [f"-max_total_time={asked.seconds}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=4096"]
    files = [f"-dict={words}", f"-artifact_prefix={corpus}/found-"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, *files], lambda data: target(_text(data)))
    atheris.Fuzz()


def _begin_with(target: str, corpus: Path) -> Path:
    """Fill the corpus with known texts; gives the file of the language's words."""
    from .seeds import WORDS, texts_of

    corpus.mkdir(parents=True, exist_ok=True)
    for text in texts_of(target):
        data = text.encode("utf-8", "surrogatepass")
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)
    words = corpus.with_name(f"{corpus.name}.words")
    words.write_text("\n".join(f'"{_spelled(word)}"' for word in WORDS[target].split(" ") if word))
    return words


def _text(data: bytes) -> str:
    """Any bytes as a text; lone surrogates are kept, as JSON can bring them."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _spelled(word: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word.encode())


if __name__ == "__main__":
    main()
