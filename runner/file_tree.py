"""Files and their folders as a tree for a terminal, each with a few words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.tree import Tree


def tree(files: Mapping[Path, str], root: Path) -> Tree:
    """The files below `root`, each with its words, as rich draws a tree."""
    from rich.text import Text
    from rich.tree import Tree

    drawn = Tree(Text(f"{root.name or root}/", "bold"), guide_style="dim")
    folders = {root: drawn}
    names = {path: path.relative_to(root).parts for path in files}
    widest = max(4 * (len(parts) - 1) + len(parts[-1]) for parts in names.values())
    for path, parts in names.items():
        for depth in range(1, len(parts)):
            place = root.joinpath(*parts[:depth])
            if place not in folders:
                folders[place] = folders[place.parent].add(Text(f"{parts[depth - 1]}/", "bold"))
        gap = widest - 4 * (len(parts) - 1) - len(parts[-1]) + 3
        folders[path.parent].add(Text.assemble(parts[-1], " " * gap, (files[path], "dim")))
    return drawn
