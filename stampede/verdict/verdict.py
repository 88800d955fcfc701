"""The verdict on a run: facts in, PASS, FAIL or UNKNOWN out. Pure: no Locust, no files.

Checks make three parts: CORRECT, the data is right; FAST, the targets were met; VALID, the run itself can be
trusted.
"""

from __future__ import annotations

from typing import Any

from stampede.facts.check import FAIL, NOT_ASKED, PASS, UNKNOWN, Check, Facts
from stampede.verdict.correct import correct
from stampede.verdict.fast import fast
from stampede.verdict.valid import valid


def verdict(run: Facts) -> dict[str, Any]:
    """``verdict.json``, made from ``run.json`` alone."""
    parts = {"correct": _part(correct(run)), "fast": _part(fast(run)), "valid": _part(valid(run))}
    whole, exit_code = _whole(**{name: part["verdict"] for name, part in parts.items()})
    return {"verdict": whole, "exit_code": exit_code, **parts, "run": _run(run)}


def _whole(correct: str, fast: str, valid: str) -> tuple[str, int]:
    """The first that holds. Oversold is oversold, however little else of the run can be trusted."""
    if correct == FAIL:
        return FAIL, 11
    if valid not in (PASS, NOT_ASKED):
        return UNKNOWN, 12
    if fast == FAIL:
        return FAIL, 10
    if UNKNOWN in (correct, fast):
        return UNKNOWN, 12
    return PASS, 0


def _part(checks: list[Check]) -> dict[str, Any]:
    found = {check["verdict"] for check in checks}
    worst = next((each for each in (FAIL, UNKNOWN, PASS) if each in found), NOT_ASKED)
    return {"verdict": worst, "checks": checks}


def _run(run: Facts) -> dict[str, Any]:
    window = run["window"] or {"seconds": None, "rps": None}
    names = ("id", "profile", "users", "workers", "host", "started_at", "requests", "failures", "outcomes")
    return {**{name: run[name] for name in names}, "window_s": window["seconds"], "rps": window["rps"]}
