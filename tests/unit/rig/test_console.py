"""A run is shown wherever its output goes: on a terminal, in a file, with nothing but Python."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
from typing import Any

import pytest
from rich.console import Console

from stampede.rig import console
from stampede.rig.snapshot import SHARED, Snapshot, snapshot
from tests.unit.rig.test_snapshot import RUN

TOLD: dict[str, Any] = {
    **RUN,
    "target_users": 2000,
    "outcomes": {"200": 1_234_567, "201": 234_567, "204": 12_345, "409": 1_234, "422": 99, "503": 9},
    "verdicts": {"correct": "running", "fast": "FAIL", "valid": "NOT_ASKED"},
    "events": [
        {"name": "depleted", "at": 1_767_268_800.0 + n, "facts": {"product": "\ud83d", "by": "x" * 90}}
        for n in range(9)
    ],
    "generator_shares_cores": True,
}


def seen(**told: Any) -> Snapshot:
    return snapshot({**TOLD, **told}, "smoke", "http://127.0.0.1:8089", 12.0, 60.0)


def drawn(width: int, **told: Any) -> list[str]:
    paper = io.StringIO()
    Console(width=width, file=paper).print(console.board(seen(**told)))
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
    assert "no answer" not in text
    assert "no answer for 7 s" in "\n".join(drawn(width, silent_s=7))
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
        lines.print_line("Audit: something")
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == SHARED
    assert [line[:9] for line in printed[1:3]] == ["  12/60 s"] * 2
    assert printed[3:] == ["Audit: something"]


SHOW = """
from stampede.rig import console, terminal
from tests.unit.rig.test_console import seen
with console.display() as display:
    display.show(seen())
    display.print_line("said meanwhile")
terminal.print_line("FAIL (exit code 10)", "red")
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


def test_a_terminal_gets_the_board_and_a_coloured_line() -> None:
    """The board is gone at the end, with the cursor back; what was said meanwhile stays."""
    written = on_a_terminal(SHOW)
    assert "┌" in written or "╭" in written
    assert "said meanwhile" in written
    assert written.rindex("\x1b[?25h") > written.rindex("\x1b[?25l")
    assert "\x1b[31mFAIL (exit code 10)" in written


def test_no_color_is_respected() -> None:
    """The words are the same."""
    written = on_a_terminal(SHOW, NO_COLOR="1")
    assert "FAST" in written
    assert "FAIL (exit code 10)" in written
    assert not any(f"\x1b[1;3{colour}m" in written or f"\x1b[3{colour}m" in written for colour in range(8))


CHOOSE = """
import os, sys
if os.environ.get("WITHOUT_RICH"):
    sys.modules["rich"] = sys.modules["rich.console"] = None
from stampede.rig import console, terminal
print(type(console.display()).__name__)
terminal.print_line("FAIL (exit code 10)", "red")
"""


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"WITHOUT_RICH": "1"}])
def test_what_cannot_draw_gets_plain_lines(environment: dict[str, str]) -> None:
    """A terminal that knows no cursor; a Python with nothing installed."""
    assert on_a_terminal(CHOOSE, **environment).split("\r\n")[:2] == ["Lines", "FAIL (exit code 10)"]
