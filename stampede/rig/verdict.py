"""How a run ended: what the report has written of it, shown to the caller."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from stampede.rig import terminal
from stampede.rig.terminal import STYLES

PARTS = ("CORRECT", "FAST", "VALID")
VERDICTS = ("PASS", "FAIL", "UNKNOWN", "NOT_ASKED")
NEAR = "near its limit"


class Verdict(NamedTuple):
    """How a run ended: an exit code, and what it means."""

    code: int
    verdict: str
    words: str

    @property
    def style(self) -> str:
        """Return how it looks on a terminal."""
        return STYLES.get(self.verdict, "")


def show(folder: Path) -> Verdict:
    """Print the summary of a run's folder; return how it ended."""
    judged = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    summary = folder / "summary.txt"
    if summary.exists():  # else the report could not be made
        print()
        for line in summary.read_text(encoding="utf-8").splitlines():
            terminal.say(line, style(line))
    print(f"\nResults: {folder}")
    if (report := folder / "report.html").exists():
        print(f"Report:  {report}")
    code, verdict = judged["exit_code"], judged["verdict"]
    return Verdict(code, verdict, f"{verdict} (exit code {code})")


def style(line: str) -> str:
    """Return how a line of the summary looks: by the verdict of the run, of a part or of a check."""
    first, *rest = line.replace(":", " ").split()[:2] or [""]
    verdict = rest[0] if first in PARTS and rest else first
    if verdict not in VERDICTS:
        return ""
    return STYLES["yellow" if verdict == "PASS" and line.endswith(NEAR) else verdict]
