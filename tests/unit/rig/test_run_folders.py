"""``make reset``: when it asks, and what it deletes."""

from __future__ import annotations

import os
import pty
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from stampede.rig import UsageError, run_folders

OLD, NEW = "20260101-120000-aaaa", "20260102-120000-bbbb"


@pytest.fixture(autouse=True)
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A finished run, two unfinished runs of the cluster `ours`, one of the cluster `theirs`."""
    monkeypatch.setattr(run_folders, "RESULTS", tmp_path)
    for folder in (NEW, f".unfinished/ours/{NEW}", f".unfinished/ours/{OLD}", f".unfinished/theirs/{OLD}"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "run.json").touch()
    return tmp_path


@pytest.fixture
def keyboard(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A terminal as stdin; what is written here is typed there."""
    user, terminal = pty.openpty()
    with os.fdopen(terminal) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        yield user
    os.close(user)


def test_without_a_terminal_it_is_refused_in_one_line() -> None:
    """It names the runs, and what to do."""
    with Path(os.devnull).open() as stdin, pytest.MonkeyPatch.context() as patched:
        patched.setattr(sys, "stdin", stdin)
        with pytest.raises(UsageError) as refusal:
            run_folders.confirm_deletion("ours", is_forced=False)
    assert str(refusal.value) == (
        f"reset would delete the only copy of {OLD}, {NEW}: `make up` moves them to results/, "
        "FORCE=1 deletes without asking"
    )


@pytest.mark.parametrize("answer", [b"y\n", b"YES\n"])
def test_a_yes_is_taken(keyboard: int, capsys: pytest.CaptureFixture[str], answer: bytes) -> None:
    os.write(keyboard, answer)
    run_folders.confirm_deletion("ours", is_forced=False)
    printed = capsys.readouterr().out
    assert printed == (
        f"reset would delete the only copy of these runs:\n  {OLD}\n  {NEW}\nDelete them? [y/N] "
    )


@pytest.mark.parametrize("answer", [b"n\n", b"\n", b"yesterday\n", b"\x04"])
def test_every_other_answer_is_a_no(keyboard: int, answer: bytes) -> None:
    """Ctrl-D too."""
    os.write(keyboard, answer)
    with pytest.raises(UsageError, match="nothing is deleted: `make up` moves them to results/"):
        run_folders.confirm_deletion("ours", is_forced=False)


@pytest.mark.usefixtures("keyboard")
@pytest.mark.parametrize(("cluster", "is_forced"), [("ours", True), ("of no run", False)])
def test_nothing_is_asked(capsys: pytest.CaptureFixture[str], cluster: str, is_forced: bool) -> None:
    """Where FORCE=1 was given, and where nothing would be lost."""
    run_folders.confirm_deletion(cluster, is_forced=is_forced)
    assert capsys.readouterr().out == ""


def test_only_unfinished_runs_of_the_cluster_are_deleted(results: Path) -> None:
    """Again, there is nothing to delete."""
    for _ in range(2):
        run_folders.delete_unfinished("ours")
    left = {str(file.parent.relative_to(results)) for file in results.rglob("run.json")}
    assert left == {NEW, f".unfinished/theirs/{OLD}"}
