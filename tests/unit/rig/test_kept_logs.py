"""The logs of clusters that were taken down."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from stampede.rig import UsageError, cluster, kept_logs, settings
from stampede.rig.compose import Compose
from stampede.rig.private import open_private
from tests.lossless.commands import free_port
from tests.unit.bare import bare_environment  # noqa: F401

DOCKER = """#!/bin/sh
case "$*" in
*" build "*) touch {folder}/is-up; echo "no space left" >&2; exit 1 ;;
*" ps "*) test -e {folder}/is-up && echo '[{{"Service": "api", "State": "running"}}]' || true ;;
*" logs "*" api") echo "api-1 | the last word" ;;
esac
"""


def writes(text: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        with open_private(folder / "api.log") as file:
            file.write(text)

    return write


def fails(folder: Path) -> None:
    writes("a part")(folder)
    raise UsageError("the engine is gone")


def test_logs_are_kept_for_their_owner_only() -> None:
    folder = kept_logs.keep("local", writes("the last word"))
    assert folder
    (file,) = folder.iterdir()
    assert (file.read_text(), stat.S_IMODE(file.stat().st_mode)) == ("the last word", 0o600)


def test_an_error_keeps_what_was_written() -> None:
    """It is not raised: the cluster must be taken down all the same."""
    folder = kept_logs.keep("local", fails)
    assert folder
    assert (folder / "api.log").read_text() == "a part"


def test_without_a_log_nothing_is_kept() -> None:
    assert kept_logs.keep("local", writes("")) is None
    assert list(kept_logs.FOLDER.iterdir()) == []


def test_the_oldest_logs_are_deleted() -> None:
    """Of all clusters together; what else is in the folder stays."""
    kept_logs.FOLDER.mkdir(parents=True)
    for number in range(12):
        (kept_logs.FOLDER / f"20260101-1200{number:02d}-compose-{number}").mkdir()
    (kept_logs.FOLDER / "mine").mkdir()
    newest = kept_logs.keep("local", writes("the last word"))
    assert newest
    names = sorted(path.name for path in kept_logs.FOLDER.iterdir())
    assert names == [
        *(f"20260101-1200{number:02d}-compose-{number}" for number in range(3, 12)),
        newest.name,
        "mine",
    ]


def test_the_last_logs_of_a_cluster_are_shown(capfd: pytest.CaptureFixture[str]) -> None:
    """Not those of a cluster whose name begins alike."""
    with pytest.raises(UsageError, match="there are no logs"):
        kept_logs.show("compose-a")
    for name, text in (("compose-a", "ours"), ("compose-a-b", "theirs"), ("local", "theirs")):
        kept_logs.keep(name, writes(text))
    kept_logs.show("compose-a")
    printed = capfd.readouterr().out
    assert "ours" in printed
    assert "theirs" not in printed


def test_a_failed_start_prints_where_the_logs_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Those of the containers, and what Compose printed, of which the message has one line only."""
    docker = tmp_path / "docker"
    docker.write_text(DOCKER.format(folder=tmp_path))
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    given = settings.read(["RUNTIME=compose", "HOST=http://127.0.0.1:9", f"UI_PORT={free_port()}"])
    with pytest.raises(UsageError) as failed:
        cluster.bring_up(Compose(given), given)
    (folder,) = kept_logs.FOLDER.iterdir()
    assert str(failed.value) == f"the images cannot be built: no space left (logs: {folder})"
    assert (folder / "compose.log").read_text() == "no space left\n"
    assert (folder / "api.log").read_text() == "api-1 | the last word\n"
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}
