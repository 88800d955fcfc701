"""The commit of a locustfile is found where git and a repository are."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from stampede.rig import commit
from stampede.run import loaded_file


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A locustfile in a repository, committed."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "ann")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "ann@example.com")
    file = tmp_path / "my users.py"
    file.write_text("# users\n")
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Add users"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    return file


def test_a_committed_file_has_its_commit(file: Path) -> None:
    found = commit.of_file(file)
    assert found
    assert re.fullmatch("[0-9a-f]{4,40}", found["commit"])


def test_changes_of_the_file_are_mentioned(file: Path) -> None:
    """Those of other files are not."""
    (file.parent / "other.py").touch()
    assert "changes" not in str(commit.of_file(file))
    file.write_text("# other users\n")
    changed = commit.of_file(file)
    assert changed
    assert changed["commit"].endswith(" + changes")


def test_a_file_without_a_commit_has_none(
    file: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    untracked = file.with_name("untracked.py")
    untracked.touch()
    elsewhere = tmp_path_factory.mktemp("no_repository") / "users.py"
    elsewhere.touch()
    for each in (untracked, elsewhere, file.with_name("missing.py")):
        assert commit.of_file(each) is None
    monkeypatch.setenv("PATH", "")
    assert commit.of_file(file) is None, "there is no git"


def test_the_commit_counts_only_for_the_file_that_was_loaded(file: Path) -> None:
    loaded = loaded_file.content_hash(f"{file},scenarios.py")
    found = commit.of_file(file)
    assert found
    assert loaded_file.commit(found, loaded) == found["commit"]
    file.write_text("# edited since the master has loaded it\n")
    assert loaded_file.commit(commit.of_file(file), loaded) is None


@pytest.mark.parametrize("sent", [None, "1a2b3c4", {}, {"sha256": None}, {"sha256": "x", "commit": ""}])
def test_what_is_no_commit_is_ignored(sent: object) -> None:
    assert loaded_file.commit(sent, "x") is None
    assert loaded_file.commit(sent, None) is None
    assert loaded_file.content_hash(None) is None
