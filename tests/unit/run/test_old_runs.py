"""Old runs are removed from results/ where KEEP_RESULTS asks for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stampede.run import old_runs
from stampede.run.results import conclude_interrupted
from stampede.run.results_folder import ResultsFolder
from tests.unit.run.test_results import leave

IDS = [f"20260101-12000{number}-aaaa" for number in range(6)]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Six runs, judged in the order of their ids."""
    for at, run_id in enumerate(IDS):
        judge(tmp_path / "results" / run_id, at)
    return tmp_path / "results"


def judge(folder: Path, at: float) -> Path:
    """What a run leaves that got its verdict at this time."""
    folder.mkdir(parents=True)
    (folder / "ledger.jsonl.gz").write_bytes(b"rows")
    (folder / "verdict.json").write_text("{}")
    os.utime(folder / "verdict.json", (at, at))
    return folder


def names(results: Path) -> list[str]:
    return sorted(path.name for path in results.iterdir())


def test_the_oldest_are_removed(results: Path) -> None:
    assert old_runs.remove(results, 2) == IDS[:4]
    assert names(results) == IDS[4:]
    assert old_runs.remove(results, 2) == []


def test_the_newest_and_the_linked_run_stay(results: Path) -> None:
    """A long run that has just ended is the first to be kept: shorter ones began after it."""
    (results / "latest").symlink_to(IDS[1])
    os.utime(results / IDS[0] / "verdict.json", (100, 100))
    assert old_runs.remove(results, 1) == IDS[2:5]
    assert names(results) == [IDS[0], IDS[1], IDS[5], "latest"]


def test_what_is_no_finished_run_stays(results: Path) -> None:
    """A run without a verdict, a folder that somebody has renamed, a file, and what is unfinished."""
    (results / IDS[0] / "verdict.json").unlink()
    (results / IDS[1]).rename(results / "baseline")
    (results / "20250101-120000-aaaa").write_text("a file")
    theirs = judge(results / ".unfinished" / "theirs" / "20250101-120000-bbbb", 0)
    removed = old_runs.remove(results, 1)
    assert removed == IDS[2:5]
    assert names(results) == [".unfinished", "20250101-120000-aaaa", IDS[0], IDS[5], "baseline"]
    assert names(theirs) == ["ledger.jsonl.gz", "verdict.json"]


def test_links_are_not_followed(results: Path, tmp_path: Path) -> None:
    """Neither a link to a folder instead of a run's, nor links in the folder of a run."""
    outside = judge(tmp_path / "outside", 0)
    (results / "20250101-120000-aaaa").symlink_to(outside)
    (results / f"{old_runs.REMOVING}20250101-120000-bbbb").symlink_to(outside)
    (results / IDS[0] / "files").symlink_to(outside)
    (results / IDS[1] / "verdict.json").unlink()
    (results / IDS[1] / "verdict.json").symlink_to(outside / "verdict.json")
    assert old_runs.remove(results, 4) == [IDS[0]]
    assert names(outside) == ["ledger.jsonl.gz", "verdict.json"]
    assert (results / "20250101-120000-aaaa").is_symlink()


def test_an_interrupted_removal_is_finished(results: Path) -> None:
    (results / IDS[0]).rename(results / f"{old_runs.REMOVING}{IDS[0]}")
    assert old_runs.remove(results, 6) == []
    assert names(results) == IDS[1:]


@pytest.mark.parametrize(("text", "number"), [("", None), ("1", 1), ("50", 50)])
def test_the_setting_is_a_number_or_nothing(text: str, number: int | None) -> None:
    assert old_runs.number_to_keep(text) == number


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "all", "٣", " 5", "1" * 10])
def test_another_setting_is_refused(text: str) -> None:
    with pytest.raises(old_runs.KeepError, match=r"^KEEP_RESULTS must be a whole number over 0, not "):
        old_runs.number_to_keep(text)


def test_it_is_logged_in_one_line(results: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    kept = ResultsFolder(results, "ours", keep=5)
    assert kept.remove_old() == f"removed 1 old run from results/: {IDS[0]} (KEEP_RESULTS=5)"
    line = f"removed 3 old runs from results/: {IDS[1]} to {IDS[3]} (KEEP_RESULTS=2)"
    assert ResultsFolder(results, "ours", keep=2).remove_old() == line
    assert ResultsFolder(results, "ours", keep=2).remove_old() is None
    assert [record.message for record in caplog.records][1:] == [f"stampede: {line}"]


def test_all_runs_stay_without_the_setting(results: Path) -> None:
    assert ResultsFolder(results, "ours").remove_old() is None
    assert names(results) == IDS


def test_runs_that_cannot_be_removed_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A run has its results all the same."""
    assert ResultsFolder(tmp_path / "missing", "ours", keep=1).remove_old() is None
    (record,) = caplog.records
    assert "old runs" in record.message
    assert "cannot be removed" in record.message


def test_an_interrupted_run_that_is_concluded_counts(results: Path) -> None:
    """It is kept as the newest; the others are removed."""
    kept = ResultsFolder(results, "ours", keep=2)
    leave(kept.unfinished / "20250101-120000-aaaa")
    conclude_interrupted(kept)
    assert names(results) == [".unfinished", "20250101-120000-aaaa", IDS[5], "latest"]
