"""The command that compares two runs: what it prints, what it refuses, and its exit code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stampede.facts.figures import Window
from stampede.facts.run_json import write
from stampede.report import compare
from tests import runs


def leave(folder: Path, **changes: Any) -> str:
    folder.mkdir(parents=True)
    write(folder, "run.json", runs.run(**changes))
    return str(folder)


def faster() -> Window:
    return runs.with_blocks(replace(runs.window(), rps=1000.0, total=runs.figures(52_000, 2.0)))


def test_figures_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With their ratio, the interval of their difference and their samples, on the terminal and as a page."""
    a, b = leave(tmp_path / "a"), leave(tmp_path / "b", window=faster())
    html = tmp_path / "side_by_side.html"
    assert compare.main(a, b, html=html) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "requests/s 748 1,000 1.34 × +217 to +288 38,900 | 52,000 better" in lines
    assert "p99, ms 46.8 18 0.38 × -29.4 to -28.2 38,900 | 52,000 better" in lines
    assert "max, ms 2,010 2,010 1.00 × – 38,900 | 52,000" in lines
    assert any(line.endswith("no difference") for line in lines)
    page = html.read_text()
    assert "▲ better" in page
    assert "38,900 | 52,000" in page
    assert "+217 to +288" in page
    assert "<script" not in page


def test_the_summary_counts_the_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is the last line, and stands above the table of the page."""
    a, b = leave(tmp_path / "a"), leave(tmp_path / "b", window=faster())
    html = tmp_path / "side_by_side.html"
    compare.main(a, b, html=html)
    summary = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("Of "))
    assert summary == "Of 34 figures of B: 7 better, 27 no difference."
    assert summary in html.read_text()


def test_a_run_that_cannot_be_trusted_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what to do, on the terminal and on the page."""
    both = [leave(tmp_path / "a"), leave(tmp_path / "b", lost_workers=["w1"], as_planned=False)]
    html = tmp_path / "page.html"
    assert compare.main(*both, html=html) == 0
    warning = "B cannot be trusted (VALID: UNKNOWN): repeat this run"
    assert f"\n{warning}\n" in capsys.readouterr().out
    assert warning in html.read_text()


@pytest.mark.parametrize(("runs_are", "code"), [("ab", 0), ("ba", 10), ("aa", 0)])
def test_fail_if_worse_sets_the_exit_code(tmp_path: Path, runs_are: str, code: int) -> None:
    """From B to A, times get longer. Without the option, the comparison succeeds all the same."""
    folders = {"a": leave(tmp_path / "a"), "b": leave(tmp_path / "b", window=faster())}
    both = [folders[name] for name in runs_are]
    assert compare.main(*both, fail_if_worse=True) == code
    assert compare.main(*both) == 0


def test_runs_that_are_not_alike_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With what differs; --force shows them all the same, and says so."""
    both = [leave(tmp_path / "a"), leave(tmp_path / "b", users=10)]
    assert compare.main(*both, fail_if_worse=True) == 2
    assert "\n  users " in capsys.readouterr().err
    assert compare.main(*both, force=True) == 0
    assert "What differs" in capsys.readouterr().out


def test_other_targets_are_no_reason_to_refuse(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """They are listed, on the terminal and on the page."""
    both = [leave(tmp_path / "a"), leave(tmp_path / "b", targets=[runs.target("p95", 1, 20.8)])]
    html = tmp_path / "page.html"
    assert compare.main(*both, html=html) == 0
    assert "\n  targets  –  |  p95 < 1ms\n" in capsys.readouterr().out
    assert "Targets do not change the figures." in html.read_text()


def test_a_run_is_named_by_its_folder_its_id_or_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = leave(tmp_path / "results" / "20261122-210700-beef")
    (tmp_path / "results" / "latest").symlink_to("20261122-210700-beef")
    assert compare.main(folder, "20261122-210700-beef") == 0
    assert compare.main("latest", folder) == 0


@pytest.mark.parametrize("named", [("latest", ""), ("", "latest"), ("", "")])
def test_a_run_that_is_not_named_is_one_line_with_the_newest_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    named: tuple[str, str],
) -> None:
    monkeypatch.chdir(tmp_path)
    for number in range(7):
        leave(tmp_path / "results" / f"20261122-21070{number}-beef")
    (tmp_path / "results" / "latest").symlink_to("20261122-210706-beef")
    assert compare.main(*named) == 2
    newest = ", ".join(f"20261122-21070{number}-beef" for number in (6, 5, 4, 3, 2))
    said = f"stampede: name two runs: make compare A=<run> B=<run>; the newest runs are {newest}\n"
    assert capsys.readouterr().err == said


def test_a_run_that_is_not_there_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the newest runs, where there is one."""
    monkeypatch.chdir(tmp_path)
    assert compare.main("latest", "nosuch") == 2
    advice = "results/ has no runs, `make headless` makes one"
    assert capsys.readouterr().err == f"stampede: there is no run 'latest': {advice}\n"
    leave(tmp_path / "results" / "20261122-210700-beef")
    assert compare.main("20261122-210700-beef", "nosuch") == 2
    advice = "the newest runs are 20261122-210700-beef"
    assert capsys.readouterr().err == f"stampede: there is no run 'nosuch': {advice}\n"


def test_a_page_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = leave(tmp_path / "a")
    assert compare.main(folder, folder, html=tmp_path / "nowhere" / "page.html") == 2
    assert capsys.readouterr().err.count("\n") == 1
