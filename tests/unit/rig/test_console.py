"""A run is shown wherever its output goes: on a terminal, in a file, with nothing but Python."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from stampede.rig import console, verdict
from stampede.rig.snapshot import SHARED, Snapshot, snapshot
from stampede.rig.verdict import Row, rows
from tests import runs
from tests.unit.rig.test_snapshot import RUN

TOLD: dict[str, Any] = {
    **RUN,
    "target_users": 2000,
    "outcomes": {"200": 1_234_567, "201": 234_567, "204": 12_345, "409": 1_234, "422": 99, "503": 9},
    "verdicts": {"correct": "running", "fast": "FAIL", "valid": "NOT_ASKED"},
    "events": [
        {"name": "depleted", "at": f"2026-01-01T12:00:0{n}.000+00:00", "product": "\ud83d", "by": "x" * 90}
        for n in range(9)
    ],
    "generator_shares_cores": True,
}
JUDGED: dict[str, dict[str, Any]] = {
    "correct": {
        "verdict": "NOT_ASKED",
        "checks": [{"name": "audit", "verdict": "NOT_ASKED", "detail": "none"}],
    },
    "fast": {
        "verdict": "FAIL",
        "checks": [
            {
                **{
                    "name": "p95 of POST /orders/ < 500ms",
                    "verdict": "PASS",
                    "colour": "yellow",
                    "unit": "ms",
                },
                **{"actual": 450.0, "limit": "< 500 ms", "detail": "450 ms, < 500 ms wanted: 9,000 requests"},
            },
            {
                "name": "lag",
                "verdict": "PASS",
                "actual": 1.34,
                "limit": 5,
                "unit": "ms",
                "detail": "the worst of 4",
            },
            {"name": "stable", "verdict": "NOT_ASKED", "detail": "nobody asked"},
            {
                **{"name": "failures", "verdict": "FAIL", "detail": "2 failed"},
                **{"first": {"what": "a", "at": "noon"}, "worst": {"what": "b", "id": 7}},
            },
        ],
    },
    "valid": {"verdict": "PASS", "checks": [{"name": "counted", "verdict": "PASS", "detail": "9 of 9"}]},
}


def seen() -> Snapshot:
    return snapshot(TOLD, "smoke", "http://127.0.0.1:8089", 12.0, 60.0)


def drawn(width: int) -> list[str]:
    paper = io.StringIO()
    Console(width=width, file=paper).print(console.board(seen()))
    return paper.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_the_board_has_all_of_it_in_the_width_there_is(width: int) -> None:
    """A figure is not torn from its name; of events, the last three, each in a line."""
    lines = drawn(width)
    text = "\n".join(lines)
    for wanted in (
        "12/60 s, 48 s left",
        "7/2000",
        "151",
        "1,234,567",
        "20 ms",
        "CORRECT running",
        "FAST FAIL",
    ):
        assert wanted in text
    assert SHARED in text
    assert text.count("depleted") == 3
    assert len(lines) == 11


def test_a_file_gets_a_line_now_and_then(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first after ten seconds; that cores are shared is said once."""
    now = [0.0]
    monkeypatch.setattr("stampede.rig.console.time.monotonic", lambda: now[0])
    with console.display() as lines:
        for second in range(25):
            now[0] = float(second)
            lines.show(seen())
        lines.say("The audit sees: something")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == SHARED
    assert [line[:9] for line in printed[1:3]] == ["  12/60 s"] * 2
    assert printed[3:] == ["The audit sees: something"]


SHOW = """
import json, sys
from pathlib import Path
from stampede.rig import console, terminal, verdict
from tests.unit.rig.test_console import JUDGED, seen
with console.display() as display:
    display.show(seen())
    display.say("said meanwhile")
verdict._print_parts(JUDGED)
terminal.say("FAIL (exit code 10)", "red")
"""


def on_a_terminal(program: str, **environment: str) -> str:
    """What a program writes to a terminal of 80 columns."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80", **environment},
    ) as process:
        os.close(slave)
        written = b""
        try:
            while chunk := os.read(master, 65536):
                written += chunk
        except OSError:  # its other end is closed
            pass
        os.close(master)
    assert process.returncode == 0, written.decode()
    return written.decode()


def test_a_terminal_gets_the_board_and_a_coloured_table() -> None:
    """The board is gone at the end, with the cursor back; what was said meanwhile stays."""
    written = on_a_terminal(SHOW)
    assert "┌" in written or "╭" in written
    assert "said meanwhile" in written
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    assert "\x1b[1;33mPASS" in written
    assert "\x1b[1;31mFAIL" in written
    words = re.sub(r"\x1b\[[0-9;?]*[a-z]|\s", "", written, flags=re.IGNORECASE)
    assert "nearitslimit;9,000requests" in words, "nothing is cut off"
    assert "/orders/<500ms" in words


def test_no_color_is_respected() -> None:
    """The words are the same."""
    written = on_a_terminal(SHOW, NO_COLOR="1")
    assert "FAST" in written
    assert not any(f"\x1b[1;3{colour}m" in written or f"\x1b[3{colour}m" in written for colour in range(8))


CHOOSE = """
import os, sys
if os.environ.get("WITHOUT_RICH"):
    sys.modules["rich"] = sys.modules["rich.console"] = None
from stampede.rig import console, terminal
print(type(console.display()).__name__)
terminal.say("FAIL (exit code 10)", "red")
"""


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"WITHOUT_RICH": "1"}])
def test_what_cannot_draw_gets_plain_lines(environment: dict[str, str]) -> None:
    """A terminal that knows no cursor; a Python with nothing installed."""
    assert on_a_terminal(CHOOSE, **environment).split("\r\n")[:2] == ["Lines", "FAIL (exit code 10)"]


def test_the_table_in_a_file_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    verdict._print_parts(JUDGED)
    assert (
        capsys.readouterr().out
        == """
CORRECT  NOT_ASKED
  NOT_ASKED audit                      none

FAST     FAIL
  PASS      p95 of POST /orders/ < 500ms 450 ms (< 500 ms)  near its limit; 9,000 requests
  PASS      lag                          1.34 ms (5 ms)  the worst of 4
  FAIL      failures                     2 failed
                                         first: a (noon)
                                         worst: b (id 7)

VALID    PASS
  PASS      counted                    9 of 9
"""
    )


def shown(folder: Path, **facts: Any) -> None:
    """A run's end, of these facts."""
    (folder / "run.json").write_text(json.dumps(runs.run(**facts)))
    (folder / "verdict.json").write_text(json.dumps({**JUDGED, "verdict": "FAIL", "exit_code": 10}))
    verdict.show(folder)


def test_of_errors_the_most_frequent_are_shown_a_line_each(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With their routes; what an API answered does nothing to the terminal."""
    errors = [runs.error(occurrences=number, error=f"{number}") for number in range(1, 12)]
    errors += [runs.error(occurrences=5000, error="<html>\n" * 99 + "\x1b[2J")]
    errors += [runs.error(occurrences=4000, method="GET", name="/\x1b[2J\x9b\u202e", error="none")]
    exceptions = [{"count": 1, "message": f"{number}", "traceback": ""} for number in range(12)]
    shown(tmp_path, errors=errors, exceptions=exceptions)
    lines = [line for line in capsys.readouterr().out.splitlines() if "×" in line or "more" in line]
    assert [len(line) for line in lines if len(line) > 100] == [len("  5,000 × ") + 200]
    assert lines[0].startswith("  5,000 × POST /orders/: <html> <html>")
    assert lines[1:3] == ["  4,000 × GET /\ufffd[2J\ufffd\ufffd: none", "  11 × POST /orders/: 11"]
    assert lines[9:11] == ["  4 × POST /orders/: 4", "  and 3 more"]
    assert lines[11:][-1] == "  and 2 more"
    assert len(lines) == 22


def test_what_an_audit_says_is_shown_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    """Halves of surrogates have no bytes, escape codes a meaning; a check of one's own may say little."""
    wild = "\x1b[2J \ud83d"
    finding = {"what": wild, wild: wild, "at": wild}
    checks = [
        {"name": wild, "verdict": "FAIL", "detail": wild, "first": finding, "worst": wild},
        {"name": wild, "verdict": "FAIL", "actual": wild, "limit": wild, "unit": wild},
    ]
    verdict._print_parts({**JUDGED, "correct": {"verdict": "FAIL", "checks": checks}})
    printed = capsys.readouterr().out
    assert "worst: \ufffd[2J \ufffd\n" in printed
    assert "\x1b" not in printed


def test_of_an_exception_is_shown_where_it_was_raised(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    traceback = (
        '  File "/task.py", line 5, in run\n    go()\n  File "/mine.py", line 98, in <lambda>\n    own["x"]\n'
    )
    shown(tmp_path, exceptions=[{"count": 2, "message": "'product'", "traceback": traceback}])
    assert "  2 × File \"/mine.py\", line 98, in <lambda>: 'product'\n" in capsys.readouterr().out


def test_a_check_near_its_limit_looks_like_it_and_says_so() -> None:
    near = rows(JUDGED["fast"])[0]
    assert near == Row(
        *("PASS", "p95 of POST /orders/ < 500ms", "450 ms", "< 500 ms"),
        *("near its limit; 9,000 requests", "bold yellow"),
    )


def test_what_is_optional_is_shown_where_it_decides_nothing() -> None:
    """Whoever states it wants to see it; what nobody asked for is not in the way."""
    optional = {"name": "stable", "verdict": "NOT_ASKED", "optional": True, "detail": "34 % (optional)"}
    unasked = {"name": "targets", "verdict": "NOT_ASKED", "detail": "none were stated"}
    met = {"name": "errors", "verdict": "PASS", "detail": "0"}
    shown = rows({"verdict": "PASS", "checks": [optional, unasked, met]})
    assert [row.name for row in shown] == ["stable", "errors"]
