"""Those who look on at a run: the mirror in MLflow, and people who are told."""

from __future__ import annotations

OBSERVING: dict[str, tuple[str, str]] = {
    "E-MLFLOW": ("{what}", "{hint}"),
    "W-MLFLOW": ("{what}", "{hint}"),
    "E-NOTIFY": ("{what}", "{hint}"),
    "W-NOTIFY": ("{what}", "{hint}"),
    "W-OBSERVER": ("{what}", "The run goes on. This is a defect in dagbook; please report it with the line above."),
}
