"""Was it the machine that kept a run from being VALID? `python -m tests.held_up` asks that of results/latest.

A machine that halts makes a run UNKNOWN, as it should. A test that is of something else makes such a run
once more. It prints what was held up; exits with 1 where there was nothing, or anything else was wrong.
"""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from stampede.facts.verdict_json import Judgement, Verdict

PROMISED = {"came_to_its_end", "workers_reported", "all_requests_counted"}
"""Checks of VALID that hold on the slowest machine."""

FINE = (Verdict.PASS, Verdict.NOT_ASKED)


def by_the_machine(folder: Path) -> str:
    """Which checks of a run's VALID did not hold, in words; "" if they are not of the machine alone."""
    verdict = folder / "verdict.json"
    if not verdict.exists():
        return ""
    judged = msgspec.json.decode(verdict.read_bytes(), type=Judgement)
    odd = {check.name: check.detail for check in judged.valid.checks if check.verdict not in FINE}
    if judged.correct.verdict not in FINE or PROMISED & odd.keys():
        return ""
    return "; ".join(f"{name}: {detail}" for name, detail in odd.items())


if __name__ == "__main__":
    what = by_the_machine(Path("results/latest"))
    print(f"the machine kept the run from being VALID: {what}" if what else "it was not the machine")
    sys.exit(not what)
