"""Runs that earlier masters have not finished."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stampede.facts import run_json
from stampede.run.results import conclude_interrupted
from stampede.run.results_folder import ResultsFolder
from tests import runs

OLD, NEW = "20260101-120000-aaaa", "20260102-120000-bbbb"


@pytest.fixture
def results(tmp_path: Path) -> ResultsFolder:
    """Those of the cluster `ours`, which has no run yet."""
    return ResultsFolder(tmp_path / "results", "ours")


def leave(folder: Path) -> Path:
    """A run that its master has not finished."""
    folder.mkdir(parents=True)
    run_json.write(folder, "run.json", runs.run())
    return folder


@pytest.mark.parametrize(
    "content", ["[]", "null", "{}", '{"errors": 1', '{"schema": 5, "window": 3}', '{"schema": 2}']
)
def test_what_is_no_run_keeps_no_other_from_its_verdict(results: ResultsFolder, content: str) -> None:
    """Nor the master from beginning: somebody may have put it there, or an earlier release."""
    for name in ("a", "c"):
        (results.unfinished / name).mkdir(parents=True)
        (results.unfinished / name / "run.json").write_text(content)
    leave(results.unfinished / "b")
    conclude_interrupted(results)
    assert json.loads((results.path / "b" / "verdict.json").read_text())["exit_code"] == 12
    assert run_json.read(results.path / "b").interrupted
    for name in ("a", "c"):
        assert not (results.unfinished / name / "verdict.json").exists()
        assert (results.unfinished / name / "run.json").read_text() == content


def test_runs_of_another_cluster_are_left_alone(results: ResultsFolder) -> None:
    """Its master may be writing them."""
    theirs = leave(ResultsFolder(results.path, "theirs").unfinished / NEW)
    finished = leave(results.path / OLD)
    conclude_interrupted(results)
    assert [file.name for file in theirs.iterdir()] == ["run.json"]
    assert [file.name for file in finished.iterdir()] == ["run.json"]
    assert not (results.path / "latest").exists()


def test_the_newest_is_linked(results: ResultsFolder) -> None:
    """A link to an older run is replaced. It is relative, so that the folder can be moved."""
    for run_id in (OLD, NEW):
        leave(results.unfinished / run_id)
    conclude_interrupted(results)
    assert (results.path / "latest").readlink() == Path(NEW)
    assert {path.name for path in results.path.iterdir()} == {OLD, NEW, "latest", ".unfinished"}


def test_a_newer_run_stays_linked(results: ResultsFolder) -> None:
    """Of another cluster, which had it since."""
    results.publish(leave(results.unfinished / NEW))
    leave(results.unfinished / OLD)
    conclude_interrupted(results)
    assert (results.path / OLD / "verdict.json").exists()
    assert (results.path / "latest").readlink() == Path(NEW)


def test_a_run_that_only_was_not_moved_keeps_its_verdict(results: ResultsFolder) -> None:
    """Its results could not be moved when it ended."""
    folder = leave(results.unfinished / OLD)
    (folder / "verdict.json").write_text("judged")
    conclude_interrupted(results)
    assert (results.path / OLD / "verdict.json").read_text() == "judged"
    assert not run_json.read(results.path / OLD).interrupted


def test_a_folder_called_latest_stays(results: ResultsFolder, caplog: pytest.LogCaptureFixture) -> None:
    """It is the user's own. The run is moved all the same."""
    (results.path / "latest" / "mine").mkdir(parents=True)
    results.publish(leave(results.unfinished / OLD))
    assert (results.path / "latest" / "mine").is_dir()
    assert {path.name for path in results.path.iterdir()} == {OLD, "latest", ".unfinished"}
    assert f"latest is not a link to {OLD}" in caplog.text


def test_a_run_whose_move_fails_stays_where_it_is(
    results: ResultsFolder, caplog: pytest.LogCaptureFixture
) -> None:
    """Something is in its place, for example. It is logged, and the master starts."""
    folder = leave(results.unfinished / OLD)
    leave(results.path / OLD)
    conclude_interrupted(results)
    assert (folder / "verdict.json").exists()
    assert f"{folder} is not concluded" in caplog.text
