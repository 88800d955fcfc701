"""Settings as if nothing else were here: for the tests of what is asked for."""

from pathlib import Path

import pytest

from stampede.rig import kept_logs, lock, memory, settings, variables
from stampede.rig.settings import Settings


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither this machine's environment nor its .env has a say, nor the cluster that is up here."""
    for name in settings.NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(settings, "ROOT", tmp_path)
    monkeypatch.setattr(variables, "ROOT", tmp_path)
    monkeypatch.setattr(memory, "MEMORY", tmp_path / ".local" / "clusters.json")
    monkeypatch.setattr(lock, "FOLDER", tmp_path / ".local")
    monkeypatch.setattr(kept_logs, "FOLDER", tmp_path / ".local" / "kept-logs")


def remember(asked: Settings) -> None:
    """As `up` does."""
    memory.remember(str(asked.runtime), asked.compose_project_name, asked.cluster_settings)
