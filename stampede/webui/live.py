"""What is known of the newest run at this moment. Everybody who asks shares one look."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from locust.env import Environment

from stampede.check import FAIL, NOT_ASKED, PASS, UNKNOWN, Check, Facts
from stampede.latency import percentile
from stampede.run import Runs
from stampede.verdict import verdict

LOOK_INTERVAL = 1.0
"""Seconds between two looks, however many ask."""

RECENT = 10
"""Seconds that the percentiles are of."""

LATE = 5
"""Seconds until a worker's report is in, unless it was cut off: then the run's results have it."""

NEWEST_EVENTS = 20
"""Events of a run that are told while it goes on; its results have them all."""

PARTS = ("correct", "fast", "valid")

RUNNING = "running"
"""The verdict of a check that waits for the end of the run."""

AT_THE_END = {"valid"}
"""The part whose checks are of the run as a whole: before its end there is nothing to decide."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a run."""

    figures: dict[str, Any]
    """What ``GET /stampede/run`` tells beside the run's phase. Times in ms; null where nothing is known."""
    verdict: Mapping[str, Any] | None
    """As in ``verdict.json``, as it stands; None where there is no run."""
    facts: Facts
    """As in ``run.json``, two seconds old at most; empty where there is no run."""


class Live:
    """Looks at the runs of one master."""

    def __init__(self, environment: Environment, runs: Runs) -> None:
        self._environment = environment
        self._runs = runs
        self._looked = -math.inf
        self._seen: tuple[str, str] | None = None
        self._last: Look | None = None
        self._rows: list[dict[str, Any]] = []
        self._rows_of = ""

    def look(self) -> Look:
        """What is known; not older than a second, and of the phase the run is in."""
        run, now = self._runs.current, time.monotonic()
        seen = (run.id, run.phase) if run else None
        if self._last is None or seen != self._seen or now - self._looked >= LOOK_INTERVAL:
            self._last, self._seen, self._looked = self._look(), seen, now
        return self._last

    def _look(self) -> Look:
        run, events = self._runs.current, self._runs.events
        if run is None:
            return Look(self._figures({}, None), None, {})
        facts = {**self._runs.facts, "phase": run.phase, "events": events}
        if judged := self._runs.verdict:
            return Look(self._figures(facts, judged), judged, facts)
        facts["seconds"] = self._seconds(run.id)
        stands = as_it_stands(facts)
        return Look(self._figures(facts, stands), stands, facts)

    def _seconds(self, run_id: str) -> list[dict[str, Any]]:
        """Only those are counted anew that reports may still be missing of."""
        known = self._rows if self._rows_of == run_id else []
        since = known[-1]["second"] - LATE if known else 0
        self._rows = [row for row in known if row["second"] < since] + self._runs.seconds(since)
        self._rows_of = run_id
        return self._rows

    def _figures(self, facts: Facts, stands: Mapping[str, Any] | None) -> dict[str, Any]:
        runner, total, run = self._environment.runner, self._environment.stats.total, self._runs.current
        now = int(time.time())
        times = self._runs.counts.latencies.histogram(now - RECENT, now)
        percentiles = {f"p{percent}_ms": percentile(times, percent / 100) for percent in (50, 95, 99)}
        return {
            "verdicts": {part: stands and stands[part]["verdict"] for part in PARTS},
            "left_s": self._runs.left,
            "users": runner.user_count,
            "target_users": run and (run.plan.users if run.plan else runner.target_user_count),
            "workers": runner.worker_count,
            "rps": run and round(total.current_rps, 1),
            **percentiles,
            "outcomes": by_status(facts.get("outcomes", {})),
            "events": list(facts.get("events", []))[-NEWEST_EVENTS:],
        }


def by_status(outcomes: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """The outcomes of all routes together; status "0" is no complete answer."""
    total: Counter[str] = Counter()
    for statuses in outcomes.values():
        total.update(statuses)
    return dict(sorted(total.items()))


def as_it_stands(facts: Facts) -> dict[str, Any]:
    """``verdict.json`` of a run that goes on: what is decided is said, what is not waits for the end."""
    judged = verdict(facts)
    for part in PARTS:
        checks = [_as_it_stands(part, check) for check in judged[part]["checks"]]
        judged[part] = {"verdict": _worst(checks), "checks": checks}
    whole = _worst([{"verdict": judged[part]["verdict"]} for part in PARTS])
    return {**judged, "verdict": whole, "exit_code": None}


def _as_it_stands(part: str, check: Check) -> Check:
    """A failure is one at any time."""
    is_open = check["verdict"] == UNKNOWN or (part in AT_THE_END and check["verdict"] != FAIL)
    if not is_open:
        return check
    return {"name": check["name"], "verdict": RUNNING, "detail": "known when the run is over"}


def _worst(checks: list[Check]) -> str:
    found = {check["verdict"] for check in checks}
    return next((each for each in (FAIL, RUNNING, PASS) if each in found), NOT_ASKED)
