"""The console follows the run that it has started, by its id."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from stampede.rig import headless, run_folders
from stampede.rig.master import Master
from stampede.rig.result import REPORTS
from stampede.rig.settings import Settings

OURS, OTHER, PREVIOUS = "20261130-100000-aaaa", "20261130-100001-bbbb", "20261129-100000-cccc"
STATE = dict.fromkeys(("phase", "left_s", "target_users", "rps", "p50_ms", "p95_ms", "p99_ms"))
STATE |= {"users": 1, "workers": 1, "requests": 0, "failures": 0, "outcomes": {}, "verdicts": {}}
STATE |= {"events": [], "alarms": [], "silent_s": 0, "generator_shares_cores": False}
REMOVED = "removed 1 old run from results/: 20250101-120000-aaaa (KEEP_RESULTS=5)"
STATE["removed_runs"] = REMOVED


class Speaker(BaseHTTPRequestHandler):
    """Answers as a master whose newest runs are, poll by poll, those of `ids`; the last one has ended."""

    def __init__(self, ids: list[str | None], *args: Any) -> None:
        self._ids = ids
        super().__init__(*args)

    def do_GET(self) -> None:
        in_progress = len(self._ids) > 1
        run_id = self._ids.pop(0) if in_progress else self._ids[0]
        self._send_json(200, {**STATE, "id": run_id, "in_progress": in_progress})

    def do_POST(self) -> None:
        started = {"id": OURS, "users": 1, "duration": 1.0, "shape": None, "note": None}
        started |= {"host": "http://mine:1", "host_of": ["Visitor"]}
        self._send_json(202, started)

    def _send_json(self, status: int, content: object) -> None:
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: Any) -> None:
        pass


def leave_results(folder: Path) -> None:
    """What a run leaves, as far as the console prints it."""
    folder.mkdir(parents=True)
    for name in ("verdict.json", *REPORTS):
        (folder / name).write_text(json.dumps({"exit_code": 0, "verdict": "PASS"}))


@contextmanager
def speaking_of(*ids: str | None) -> Iterator[Master]:
    with HTTPServer(("127.0.0.1", 0), partial(Speaker, [*ids])) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield Master(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()


@pytest.fixture(autouse=True)
def results(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(run_folders, "RESULTS", tmp_path)
    monkeypatch.setattr(headless, "POLL_INTERVAL", 0.01)
    return tmp_path


def test_the_run_that_was_started_is_followed_to_its_end(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From before it begins, when the master still has the previous one; its target is printed."""
    leave_results(results / OURS)
    with speaking_of(PREVIOUS, PREVIOUS, OURS, OURS) as master:
        assert headless.drive(master, Settings(), None).code == 0
    printed = capsys.readouterr().out
    assert "target http://mine:1 (host of class Visitor)\n" in printed
    assert f"Results: {results / OURS}\n" in printed
    assert printed.count(f"Results: {REMOVED}\n") == 1


@pytest.mark.parametrize("ids", [(PREVIOUS, OURS, OTHER), (PREVIOUS, PREVIOUS, OTHER), (None, OURS, OTHER)])
def test_another_run_is_not_taken_for_it(capsys: pytest.CaptureFixture[str], ids: tuple[str, ...]) -> None:
    with speaking_of(*ids) as master:
        assert headless.drive(master, Settings(), None) == headless.LOST
    printed = capsys.readouterr().err
    assert OURS in printed
    assert OTHER in printed


@pytest.mark.parametrize("ids", [(PREVIOUS, PREVIOUS), (None, None)])
def test_a_run_that_never_began_is_lost(capsys: pytest.CaptureFixture[str], ids: tuple[str, ...]) -> None:
    """As where the last worker left during the start."""
    with speaking_of(*ids) as master:
        assert headless.drive(master, Settings(), None) == headless.LOST
    assert f"{OURS} never began" in capsys.readouterr().err


def test_the_results_of_a_run_whose_master_was_restarted_are_shown(results: Path) -> None:
    """It has no run then."""
    leave_results(results / OURS)
    with speaking_of(None, OURS, None) as master:
        assert headless.drive(master, Settings(), None).code == 0


def test_a_run_that_did_not_reach_results_is_lost(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As where the disk is full: it is printed where its files are."""
    leave_results(results / ".unfinished" / "local" / OURS)
    with speaking_of(OURS, OURS) as master:
        assert headless.drive(master, Settings(), None) == headless.LOST
    printed = capsys.readouterr().err
    assert printed.startswith(
        f"The run did not reach {results / OURS}: its files are in {results}/.unfinished/"
    )
    assert "`make logs` has the reason" in printed


def test_a_run_of_a_custom_file_is_called_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """Unless a profile is named. The line has the target, as the user named it."""
    for profile, name in ((None, "my_users.py"), ("smoke", "smoke")):
        settings = Settings(locustfile=Path("/at/my_users.py"), profile=profile, host="http://localhost:9")
        with speaking_of(PREVIOUS, OURS, OURS) as master:
            headless.drive(master, settings, "http://host.docker.internal:9")
        line = f"Running {name}: 1 users, 1 s, target http://localhost:9 (host of class Visitor)\n"
        assert line in capsys.readouterr().out
