"""How a run ended, shown to whoever started it: what the report has written, in colours on a terminal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from stampede.facts.run_json import write
from stampede.report.plain_text import plain_text
from stampede.rig.result import NO_REPORT, REPORTS, Verdict, show, style
from tests import runs
from tests.unit.report.test_plain_text import judged
from tests.unit.rig.test_console import on_a_terminal

SHOW = """
import sys
from pathlib import Path
from stampede.rig.result import show
show(Path({folder!r}))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of a run that failed, where an API answered what a terminal would obey."""
    run = runs.run(errors=[runs.error(error="\x1b[2J :bug: " + "[bold]long[/bold] " * 9)])
    write(tmp_path, "verdict.json", judged())
    (tmp_path / "summary.txt").write_text(plain_text(run, judged()), encoding="utf-8")
    for name in set(REPORTS) - {"summary.txt"}:
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "looks"),
    [
        ("CORRECT  PASS", "bold green"),
        ("FAST     FAIL", "bold red"),
        ("VALID    UNKNOWN", "bold magenta"),
        ("CORRECT  NOT_ASKED", "dim"),
        ("  PASS      failures                   0 of 9 requests failed", "bold green"),
        (
            "  PASS      p95                        450 ms (< 500 ms): 9 requests; near its limit",
            "bold yellow",
        ),
        ("  FAIL      p95                        900 ms (< 500 ms): 9 requests", "bold red"),
        ("  UNKNOWN   workers_reported           lost 1-a1b2c3", "bold magenta"),
        ("  NOT_ASKED stable                     34 % (<= 20 %): slower (optional)", "dim"),
        ("  PASS      mine", "bold green"),
        # neither a verdict nor near a limit
        ("            first: a order FAIL near its limit", ""),
        ("  41 × POST /orders/: FAIL", ""),
        ("  GET     9 requests, 1 failed; ms: average 4.4, p50 3.4, p95 1,240, p99 –", ""),
        ("Window of 53 s: 748 requests/s", ""),
        ("FAIL: Too slow: p95 7.7 ms, limit 1 ms", "bold red"),
        ("PASSED", ""),
        ("", ""),
    ],
)
def test_a_line_looks_like_its_verdict(line: str, looks: str) -> None:
    """What holds and is near its limit looks like that."""
    assert style(line) == looks


def test_a_file_gets_the_summary_as_it_is(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And where the rest is."""
    assert show(folder) == Verdict(
        10, "FAIL", "FAIL: errors: 7 % (< 1 %): 90 requests; it ended the run (exit code 10)"
    )
    summary = (folder / "summary.txt").read_text(encoding="utf-8")
    expected = f"\n{summary}\nResults: {folder}\nReport:  {folder}/report.html\n"
    assert capsys.readouterr() == (expected, "")


def test_a_verdict_without_a_summary_is_shown_all_the_same(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that could not be made does not cost it."""
    for name in ("summary.txt", "report.html"):
        (folder / name).unlink()
    assert show(folder) == Verdict(10, "FAIL", "FAIL (exit code 10)")
    assert capsys.readouterr().out == f"\nResults: {folder}\n"


@pytest.mark.parametrize("name", REPORTS)
def test_a_run_without_a_report_does_not_end_well(
    folder: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipeline that reads the report would find an old one, or none."""
    passed = json.loads((folder / "verdict.json").read_text()) | {"exit_code": 0, "verdict": "PASS"}
    (folder / "verdict.json").write_text(json.dumps(passed))
    assert show(folder).code == 0
    (folder / name).unlink()
    assert show(folder).code == NO_REPORT
    assert capsys.readouterr().err == f"{name} could not be written: `make logs` shows why\n"


def test_a_terminal_gets_the_summary_in_colours(folder: Path) -> None:
    """Nothing is cut off, and nothing of an answer is more than text."""
    written = on_a_terminal(SHOW.format(folder=str(folder)))
    assert "\x1b[1;32mVALID    PASS\x1b[0m" in written
    assert "\x1b[1;31mFAST     FAIL\x1b[0m" in written
    assert "\x1b[1;33m  PASS      p95 of POST /orders/" in written
    assert "\x1b[1;31m  FAIL      failures" in written
    assert "\x1b[2m  NOT_ASKED stable" in written
    assert "\x1b[2J" not in written
    words = re.sub(r"\x1b\[[0-9;]*m", "", written).replace("\r\n", "\n")
    assert words.startswith("\n" + (folder / "summary.txt").read_text(encoding="utf-8"))


def test_no_color_is_respected(folder: Path) -> None:
    """The words are the same."""
    written = on_a_terminal(SHOW.format(folder=str(folder)), NO_COLOR="1")
    assert "FAST     FAIL" in written
    assert not any(f"\x1b[1;3{colour}m" in written or f"\x1b[3{colour}m" in written for colour in range(8))
