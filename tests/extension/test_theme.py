"""Which theme a board is drawn in."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagbook.extension.theme import theme_of


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("JUPYTERLAB_SETTINGS_DIR", str(tmp_path))
    file = tmp_path / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    return file


@pytest.mark.parametrize(
    ("text", "theme"),
    [
        ('{"theme": "JupyterLab Dark"}', "dark"),
        ('{"theme": "JupyterLab Dark High Contrast"}', "dark"),
        ('{"theme": "JupyterLab Light"}', "light"),
        ('{\n    // Theme\n    // "theme": "JupyterLab Dark"\n    "theme": "JupyterLab Light"\n}', "light"),
        ('{ /* "theme": "x" */ "theme": "JupyterLab Dark", "url": "http://a"}', "dark"),
        ('{"adaptive-theme": true, "theme": "JupyterLab Dark"}', "light"),
        ("not json at all", "light"),
        ("", "light"),
    ],
)
def test_auto_is_the_theme_of_jupyterlabs_settings(settings: Path, text: str, theme: str) -> None:
    settings.write_text(text)
    assert theme_of("auto") == theme


def test_what_was_asked_for_comes_first(settings: Path) -> None:
    settings.write_text('{"theme": "JupyterLab Dark"}')
    assert theme_of("light") == "light"
    settings.unlink()
    assert theme_of("dark") == "dark"


def test_without_settings_it_is_light(settings: Path) -> None:
    assert theme_of() == "light"


def test_settings_are_looked_for_in_jupyters_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JUPYTERLAB_SETTINGS_DIR", raising=False)
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    file = tmp_path / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension" / "themes.jupyterlab-settings"
    file.parent.mkdir(parents=True)
    file.write_text('{"theme": "JupyterLab Dark"}')
    assert theme_of() == "dark"
