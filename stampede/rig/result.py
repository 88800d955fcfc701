"""The verdict of a run, printed from the files in its results folder."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NamedTuple

from stampede.rig import terminal
from stampede.rig.terminal import STYLES

PARTS = ("CORRECT", "FAST", "VALID")
VERDICTS = ("PASS", "FAIL", "UNKNOWN", "NOT_ASKED")
NEAR = "near its limit"
"""The end of a line of summary.txt whose check passed, but only just."""


REPORTS = ("report.html", "summary.txt", "summary.md", "junit.xml", "timeline.csv")
"""The files that each run leaves. A pipeline that reads one must not go on without it."""

NO_REPORT = 12
"""The exit code of a run that is fine and whose reports could not be written."""


class Verdict(NamedTuple):
    """The exit code of a run, its verdict, and both as a line to print."""

    code: int
    verdict: str
    text: str
    """`FAIL: Too slow: p95 7.7 ms, limit 1 ms (exit code 10)`."""

    @property
    def style(self) -> str:
        """Return the style in which a terminal shows the verdict."""
        return STYLES.get(self.verdict, "")


def show(folder: Path) -> Verdict:
    """Print the summary of a results folder, and return the verdict."""
    judged = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    summary = _summary(folder)
    if summary:
        print()
        for line in summary:
            terminal.print_line(line, style(line))
    print(f"\nResults: {folder}")
    if (report := folder / "report.html").exists():
        print(f"Report:  {report}")
    code, verdict = judged["exit_code"], judged["verdict"]
    if missing := [name for name in REPORTS if not (folder / name).exists()]:
        print(f"{', '.join(missing)} could not be written: `make logs` shows why", file=sys.stderr)
        code = code or NO_REPORT
    headline = summary[0] if summary else verdict
    return Verdict(code, verdict, f"{headline} (exit code {code})")


def _summary(folder: Path) -> list[str]:
    """Return the lines of summary.txt, of which the first is the headline; none where it was not made."""
    file = folder / "summary.txt"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def style(line: str) -> str:
    """Return the style of a line of summary.txt: that of the verdict which the line begins with.

    The verdict is of the run, of a part, or of a check. A line without a verdict has no style.
    """
    first, *rest = line.replace(":", " ").split()[:2] or [""]
    verdict = rest[0] if first in PARTS and rest else first
    if verdict not in VERDICTS:
        return ""
    return STYLES["yellow" if verdict == "PASS" and line.endswith(NEAR) else verdict]
