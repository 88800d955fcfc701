"""What is known of the newest run at this moment. Everybody who asks shares one look."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, inf
from typing import Any

from locust.env import Environment

from stampede.counting.figures import percentiles
from stampede.facts.check import FAIL, NOT_ASKED, PASS, UNKNOWN, Check, Facts
from stampede.report.formatting import PARTS
from stampede.run.abort import SETTLED
from stampede.run.run import Run
from stampede.run.runs import Runs
from stampede.targets import measuring
from stampede.targets.measuring import Reading
from stampede.targets.target import Kind, Target
from stampede.verdict.verdict import verdict

LOOK_INTERVAL = 1.0
"""Seconds between two looks, however many ask."""

NEWEST = 10
"""Seconds that the percentiles are of."""

RECENT = 30
"""Seconds that targets are measured in while a run goes on."""

LATE = 5
"""Seconds until a worker's report is in, unless it was cut off: then the run's results have it."""

NEWEST_EVENTS = 20
"""Events of a run that are told while it goes on; its results have them all."""

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
        self._looked = -inf
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
        run, folder = self._runs.current, self._runs.folder
        if run is None or folder is None:
            return Look(self._figures({}, None), None, {})
        facts = {**folder.known, "phase": run.phase, "events": self._runs.events}
        if folder.verdict:
            return Look(self._figures(facts, folder.verdict), folder.verdict, facts)
        facts |= {
            "seconds": self._seconds(run),
            "samples": self._runs.observers.samples,
            "targets": self._targets(run),
        }
        stands = as_it_stands(facts)
        return Look(self._figures(facts, stands), stands, facts)

    def _seconds(self, run: Run) -> list[dict[str, Any]]:
        """All but the one that goes on. Only those are counted anew that reports may still be missing of."""
        known = self._rows if self._rows_of == run.id else []
        since = known[-1]["second"] - LATE if known else 0
        newest = self._runs.observers.seconds(since)
        self._rows = [row for row in known if row["second"] < since] + newest[:-1]
        self._rows_of = run.id
        return self._rows

    def _targets(self, run: Run) -> list[dict[str, Any]]:
        """By the newest seconds of the window, also when it is over: to count all of it takes a while, and is
        done in the end."""
        if run.window_start is None:
            return run.targets
        end = int(min(time.time() - SETTLED, run.window_end or inf))
        seconds = range(max(ceil(run.window_start), end - RECENT), end)
        return [measuring.row(target, self._reading(target, seconds)) for target in run.wanted]

    def _reading(self, target: Target, seconds: range) -> Reading | None:
        if target.figure.kind is Kind.STABLE:  # its beginning is compared with its end
            return None
        reading = measuring.measure(target, self._runs.evidence, seconds)
        return replace(reading, detail=f"{reading.detail} in the last {len(seconds)} s")

    def _left(self, run: Run | None) -> float | None:
        """Seconds until its users are stopped; None where no plan says so."""
        if run is None or run.plan is None:
            return None
        left = run.started + run.plan.duration - time.time()
        return max(0.0, round(left, 1)) if run.phase in ("ramp", "window") else 0.0

    def _figures(self, facts: Facts, stands: Mapping[str, Any] | None) -> dict[str, Any]:
        runner, total, run = self._environment.runner, self._environment.stats.total, self._runs.current
        now = int(time.time())
        times = self._runs.counts.latencies.histogram(now - NEWEST, now)
        return {
            "verdicts": {part: stands and stands[part]["verdict"] for part in PARTS},
            "left_s": self._left(run),
            "users": runner.user_count,
            "target_users": run and (run.plan.users if run.plan else runner.target_user_count),
            "workers": runner.worker_count,
            "rps": run and round(total.current_rps, 1),
            **percentiles(times),
            "requests": total.num_requests,
            "failures": total.num_failures,
            "outcomes": by_status(facts.get("outcomes", {})),
            "generator_shares_cores": run and self._runs.observers.machine["generator_shares_cores"],
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
