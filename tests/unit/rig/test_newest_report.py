"""``make report``: where the newest is."""

from __future__ import annotations

import signal
import webbrowser
from pathlib import Path

import pytest

from stampede.rig import commands, run_folders


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Of nobody yet; what runs containers is not there."""
    monkeypatch.setattr(run_folders, "RESULTS", tmp_path)
    monkeypatch.setattr(webbrowser, "open", lambda _: True)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # these tests are interrupted as all are
    return tmp_path


def test_it_is_told_whatever_runs_here(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also on a machine without an engine, to which somebody has sent results."""
    (results / "latest").mkdir()
    (results / "latest" / "report.html").touch()
    assert commands.main("report", []) == 0
    assert capsys.readouterr().out == f"{results}/latest/report.html\n"


@pytest.mark.usefixtures("results")
def test_where_there_is_none_it_says_what_leaves_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.main("report", []) == 2
    assert (
        capsys.readouterr().err
        == "stampede: there is no result yet: every run leaves one, such as `make headless`\n"
    )
