"""What is known of the newest run at this moment. Everybody who asks shares one look."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, inf
from typing import Any

from locust.env import Environment
from msgspec import to_builtins
from msgspec.structs import replace

from stampede.counting.figures import percentiles
from stampede.facts.figures import Second
from stampede.facts.run import Facts, Phase
from stampede.facts.target import Kind, MeasuredTarget, Reading, Target
from stampede.facts.verdict import Check, Judgement, Part, Verdict, worst
from stampede.report.formatting import PARTS
from stampede.run.abort import SETTLED
from stampede.run.driver import Driver
from stampede.run.run import Run
from stampede.targets import measuring
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
"""Shown in place of UNKNOWN while a run goes on: it is decided at the end."""

AT_THE_END = {"valid"}
"""The part whose checks are of the run as a whole: before its end there is nothing to decide."""


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a run."""

    figures: dict[str, Any]
    """What ``GET /stampede/run`` reports besides the run's phase. Times in ms; null where not known."""
    verdict: Judgement | None
    """As it stands; None where there is no run."""
    facts: Facts | None
    """As in ``run.json``, two seconds old at most; None where there is no run."""


class Live:
    """Looks at the runs of one master."""

    def __init__(self, environment: Environment, driver: Driver) -> None:
        self._environment = environment
        self._driver = driver
        self._looked = -inf
        self._seen: tuple[str, str] | None = None
        self._last: Look | None = None
        self._rows: list[Second] = []
        self._rows_of = ""

    def look(self) -> Look:
        """What is known; not older than a second, and of the phase the run is in."""
        run, now = self._driver.current, time.monotonic()
        seen = (run.id, run.phase) if run else None
        if self._last is None or seen != self._seen or now - self._looked >= LOOK_INTERVAL:
            self._last, self._seen, self._looked = self._look(), seen, now
        return self._last

    def _look(self) -> Look:
        run, folder = self._driver.current, self._driver.folder
        if run is None or folder is None:
            return Look(self._figures(None, None), None, None)
        events = sorted(run.events, key=lambda event: event.at)
        facts = replace(folder.known, phase=run.phase, events=events)
        if folder.judgement:
            return Look(self._figures(facts, folder.judgement), folder.judgement, facts)
        facts = replace(
            facts,
            seconds=self._seconds(run),
            samples=self._driver.observers.samples,
            targets=self._targets(run),
        )
        stands = as_it_stands(facts)
        return Look(self._figures(facts, stands), stands, facts)

    def _seconds(self, run: Run) -> list[Second]:
        """All but the one that goes on. Only those are counted again that reports may still be missing of."""
        known = self._rows if self._rows_of == run.id else []
        since = known[-1].second - LATE if known else 0
        newest = self._driver.observers.seconds(since)
        self._rows = [row for row in known if row.second < since] + newest[:-1]
        self._rows_of = run.id
        return self._rows

    def _targets(self, run: Run) -> list[MeasuredTarget]:
        """By the newest seconds of the window, also when it is over: to count all of it takes a while, and is
        done in the end."""
        if run.window_start is None:
            return run.targets
        end = int(min(time.time() - SETTLED, run.window_end or inf))
        seconds = range(max(ceil(run.window_start), end - RECENT), end)
        return [MeasuredTarget(target, self._reading(target, seconds)) for target in run.wanted]

    def _reading(self, target: Target, seconds: range) -> Reading | None:
        if target.figure.kind is Kind.STABLE:  # its beginning is compared with its end
            return None
        reading = measuring.measure(target, self._driver.evidence, seconds)
        return Reading(reading.actual, reading.count, f"{reading.detail} in the last {len(seconds)} s")

    def _left(self, run: Run | None) -> float | None:
        """Seconds until its users are stopped; None where no plan says so."""
        if run is None or run.plan is None:
            return None
        left = run.started + run.plan.duration - time.time()
        return max(0.0, round(left, 1)) if run.phase in (Phase.RAMP, Phase.WINDOW) else 0.0

    def _figures(self, facts: Facts | None, stands: Judgement | None) -> dict[str, Any]:
        runner, total, run = self._environment.runner, self._environment.stats.total, self._driver.current
        now = int(time.time())
        times = self._driver.counts.latencies.histogram(now - NEWEST, now)
        return {
            "verdicts": _verdicts(stands),
            "left_s": self._left(run),
            "users": runner.user_count,
            "target_users": run and (run.plan.users if run.plan else runner.target_user_count),
            "workers": runner.worker_count,
            "rps": run and round(total.current_rps, 1),
            **percentiles(times)._asdict(),
            "requests": total.num_requests,
            "failures": total.num_failures,
            "outcomes": by_status(facts.outcomes if facts else {}),
            "generator_shares_cores": run and self._driver.observers.machine.generator_shares_cores,
            "events": to_builtins(facts.events[-NEWEST_EVENTS:] if facts else []),
            "alarms": to_builtins([event for event in facts.events if event.is_alarm] if facts else []),
        }


def _verdicts(stands: Judgement | None) -> dict[str, str | None]:
    if stands is None:
        return dict.fromkeys(PARTS)
    return {name: shown(part.verdict, stands) for name, part in stands.parts.items()}


def shown(verdict: Verdict, stands: Judgement) -> str:
    """Return a verdict as it is shown: what is UNKNOWN while the run goes on is `running`."""
    return RUNNING if verdict is Verdict.UNKNOWN and stands.exit_code is None else verdict.value


def by_status(outcomes: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """The outcomes of all routes together; status "0" is no complete answer."""
    total: Counter[str] = Counter()
    for statuses in outcomes.values():
        total.update(statuses)
    return dict(sorted(total.items()))


def as_it_stands(facts: Facts) -> Judgement:
    """``verdict.json`` of a run that goes on: what is decided is said, what is not waits for the end."""
    judged = verdict(facts)
    parts = {
        name: Part.of([_as_it_stands(name, check) for check in part.checks])
        for name, part in judged.parts.items()
    }
    whole = worst(part.verdict for part in parts.values())
    return replace(judged, verdict=whole, exit_code=None, **parts)


def _as_it_stands(part: str, check: Check) -> Check:
    """A failure is one at any time."""
    is_open = check.verdict is Verdict.UNKNOWN or (part in AT_THE_END and check.verdict is not Verdict.FAIL)
    if not is_open:
        return check
    return Check(name=check.name, verdict=Verdict.UNKNOWN, detail="known when the run is over")
