"""Light or dark: what was asked for, or what JupyterLab's own settings say."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

Theme = Literal["light", "dark"]

_SETTINGS = Path("@jupyterlab", "apputils-extension", "themes.jupyterlab-settings")
_LARGEST = 1 << 20  # bytes of a settings file that are read


def theme_of(asked: str = "auto") -> Theme:
    """The theme to draw in. `auto` follows the settings of the JupyterLab that started this kernel; light without.

    They are read once: a theme that is changed later reaches the board by its style sheet (`board_style`).
    """
    if asked in ("light", "dark"):
        return "dark" if asked == "dark" else "light"
    try:
        with (_settings_folder() / _SETTINGS).open(encoding="utf-8") as file:
            return _theme_in(file.read(_LARGEST))
    except (OSError, UnicodeDecodeError):
        return "light"


def _settings_folder() -> Path:
    told = os.environ.get("JUPYTERLAB_SETTINGS_DIR")
    config = os.environ.get("JUPYTER_CONFIG_DIR")
    own = Path(config) if config else Path.home() / ".jupyter"
    return Path(told) if told else own / "lab" / "user-settings"


def _theme_in(text: str) -> Theme:
    """The theme that a settings file names. The file is JSON with comments, and may name a theme in one of them."""
    code = re.sub(r'("(?:[^"\\]|\\.)*")|//[^\n]*|/\*.*?\*/', lambda found: found.group(1) or "", text, flags=re.DOTALL)
    if re.search(r'"adaptive-theme"\s*:\s*true', code):
        return "light"  # it follows the desktop, which only the browser knows
    named = re.search(r'"theme"\s*:\s*"([^"]*)"', code)
    return "dark" if named and "dark" in named.group(1).lower() else "light"
