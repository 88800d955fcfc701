"""Two runs side by side: what is better, what is worse, and which cannot be compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from stampede.facts.figures import Failed, Window
from stampede.facts.run_json import write
from stampede.report import compare
from stampede.report.compare import Row
from tests import runs
from tests.facts import make


def leave(folder: Path, **changes: Any) -> str:
    folder.mkdir()
    write(folder, "run.json", runs.run(**changes))
    return str(folder)


def faster() -> Window:
    return replace(runs.window(), rps=1000.0, total=runs.figures(52_000, 2.0))


@pytest.mark.parametrize(
    ("a", "b", "more_is_better", "mark"),
    [
        (100, 104, True, "same"),
        (100, 110, True, "better"),
        (100, 90, True, "worse"),
        (100, 90, False, "better"),
        (0, 3, False, "worse"),
        # nobody can say
        (None, 3, False, ""),
        (100, 900, None, ""),
    ],
)
def test_better_and_worse_are_marked(a: float, b: float, more_is_better: bool, mark: str) -> None:
    """Two runs of the same differ by some percent."""
    assert Row("whole", "figure", a, b, more_is_better).mark == mark


def test_figures_stand_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With their difference and their ratio, on the terminal and as a page."""
    a, b = leave(tmp_path / "a"), leave(tmp_path / "b", window=faster())
    html = tmp_path / "side_by_side.html"
    assert compare.main(a, b, html=html) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "requests/s 748 1,000 +252 1.34 × better" in lines
    assert "p99, ms 46.8 18 -28.8 0.38 × better" in lines
    assert "▲ better" in html.read_text()
    assert "<script" not in html.read_text()


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"profile": "light"}, "profile"),
        ({"users": 10}, "users"),
        ({"workers": 1}, "workers"),
        ({"host": "http://elsewhere"}, "target"),
        ({"locustfile": "mine.py"}, "locustfile"),
        ({"machine": {"cores": 8}}, "machine: cores"),
        ({"targets": [runs.target("p95", 1, 20.8)]}, "targets"),
        ({"window": replace(runs.window(), seconds=600)}, "window, seconds"),
        ({"window": None}, "window, seconds"),
        ({"samples": {"api": [{"second": runs.START, "cpu_limit_cores": 0.5}]}}, "CPU limit of api"),
        (
            {"samples": {"workers": {"0-a": [{"second": runs.START, "memory_limit_mb": 64.0}]}}},
            "memory limit of worker",
        ),
        (
            {"samples": {"api": [{"second": runs.START + at, "pool_size": 10.0 + 8 * at} for at in (0, 1)]}},
            "database connections of api",
        ),
    ],
)
def test_runs_that_are_not_alike_are_refused(
    changes: dict[str, Any], what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what differs; --force shows them all the same, and says so."""
    both = [leave(tmp_path / "a"), leave(tmp_path / "b", **changes)]
    assert compare.main(*both) == 2
    assert f"\n  {what} " in capsys.readouterr().err
    assert compare.main(*both, force=True) == 0
    assert "They are not alike" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("of_a", "of_b", "alike"),
    [
        (57, 58, True),
        (8, 10, True),
        (8, 11, False),
        (100, 95, True),
        (100, 94, False),
        (598, 570, True),
        (598, 560, False),
    ],
)
def test_windows_may_differ_by_chance(of_a: int, of_b: int, alike: bool) -> None:
    """By two seconds or five percent, wherever they lie."""
    a, b = (runs.run(window=replace(runs.window(), seconds=seconds)) for seconds in (of_a, of_b))
    assert [each.what for each in compare.differing_conditions(a, b)] == (
        [] if alike else ["window, seconds"]
    )


def test_a_machine_that_was_started_again_is_the_same() -> None:
    """Its kernel's id is another after each start."""
    a = runs.run()
    assert compare.differing_conditions(a, replace(a, machine=replace(a.machine, id="another"))) == []


def test_a_run_is_named_by_its_folder_its_id_or_latest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "results").mkdir()
    folder = leave(tmp_path / "results" / "20261122-210700-beef")
    (tmp_path / "results" / "latest").symlink_to("20261122-210700-beef")
    assert compare.main(folder, "20261122-210700-beef") == 0
    assert compare.main("latest", folder) == 0
    capsys.readouterr()
    assert compare.main("latest", "nosuch") == 2
    assert "there is no run 'nosuch'" in capsys.readouterr().err


def test_a_page_that_cannot_be_written_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = leave(tmp_path / "a")
    assert compare.main(folder, folder, html=tmp_path / "nowhere" / "page.html") == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_only_one_of_them_has_is_shown() -> None:
    """A run without samples, and one with them."""
    (row,) = (
        row
        for row in compare.rows(runs.run(samples={}), runs.run())
        if row.group == "API" and "CPU" in row.name
    )
    assert row.a is None
    assert row.b is not None
    assert row.mark == ""


def test_times_of_failed_requests_are_neither_better_nor_worse() -> None:
    """A failure that comes sooner is no better run."""
    failed = make(Failed, unanswered=3, p95_ms=9.0)
    window = replace(faster(), total=replace(faster().total, failed=failed))
    rows = compare.rows(runs.run(), runs.run(window=window))
    (row,) = (row for row in rows if row.name == "p95 of failed, ms")
    assert (row.a, row.b, row.more_is_better) == (None, 9.0, None)
