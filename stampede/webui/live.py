"""Snapshots of the newest run. All requests within a second share one snapshot."""

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
from stampede.facts.run_json import Facts, Phase
from stampede.facts.target import Kind, MeasuredTarget, Reading, Target
from stampede.facts.verdict_json import Check, Judgement, Verdict, worst
from stampede.report.formatting import PARTS
from stampede.run.abort import REPORT_DELAY
from stampede.run.driver import Driver
from stampede.run.run import Run, wanted_users
from stampede.targets import measuring
from stampede.verdict.moves import without_moves
from stampede.verdict.silences import silent_so_far
from stampede.verdict.verdict import part, verdict

SNAPSHOT_INTERVAL = 1.0
"""Least seconds between two snapshots, however many requests there are."""

PERCENTILE_SECONDS = 10
"""Newest seconds that the percentiles are made of."""

TARGET_SECONDS = 30
"""Newest seconds that targets are measured over during a run."""

LONGEST_REPORT_DELAY = 5
"""Seconds after which a row is not counted again. Later reports are in the run's results."""

NEWEST_SECONDS = 900
"""Newest seconds whose rows are kept: the live charts draw no others, and the verdict comes at the end."""

NEWEST_EVENTS = 20
"""Newest events that are reported during a run; its results have all of them."""

RUNNING = "running"
"""Shown instead of UNKNOWN during a run: the verdict comes at the end."""

DECIDED_AT_THE_END = {"valid"}
"""The parts whose checks need the whole run: they cannot pass before its end."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the newest run at one moment."""

    figures: dict[str, Any]
    """The content of ``GET /stampede/run``, without the run's phase. Times in ms; null where unknown."""
    verdict: Judgement | None
    """The verdict so far; None where there is no run."""
    facts: Facts | None
    """The content of ``run.json``, at most two seconds old; None where there is no run."""


class Live:
    """Takes snapshots of one master's runs."""

    def __init__(self, environment: Environment, driver: Driver) -> None:
        self._environment = environment
        self._driver = driver
        self._taken_at = -inf
        self._phase: tuple[str, str] | None = None
        self._last: Snapshot | None = None
        self._rows: list[Second] = []
        self._rows_run_id = ""

    def snapshot(self) -> Snapshot:
        """Return a snapshot that is less than a second old and of the run's current phase."""
        run, now = self._driver.current, time.monotonic()
        phase = (run.id, run.phase) if run else None
        if self._last is None or phase != self._phase or now - self._taken_at >= SNAPSHOT_INTERVAL:
            self._last, self._phase, self._taken_at = self._take(), phase, now
        return self._last

    def _take(self) -> Snapshot:
        run, folder = self._driver.current, self._driver.folder
        if run is None or folder is None:
            return Snapshot(self._figures(None, None), None, None)
        events = sorted(run.events, key=lambda event: event.at)
        facts = replace(folder.facts, phase=run.phase, events=events)
        if folder.judgement:
            return Snapshot(self._figures(facts, folder.judgement), folder.judgement, facts)
        facts = replace(
            facts,
            seconds=self._seconds(run),
            samples=self._driver.observers.samples,
            targets=self._targets(run),
        )
        judgement = verdict_so_far(facts)
        return Snapshot(self._figures(facts, judgement), judgement, facts)

    def _seconds(self, run: Run) -> list[Second]:
        """Return the rows of the newest seconds, but the current one.

        Rows are kept between snapshots. Only the newest are counted again: reports of them may be missing.
        """
        kept = self._rows if self._rows_run_id == run.id else []
        since = kept[-1].second - LONGEST_REPORT_DELAY if kept else int(time.time()) - NEWEST_SECONDS
        newest = self._driver.observers.seconds(since)
        self._rows = [row for row in kept[-NEWEST_SECONDS:] if row.second < since] + newest[:-1]
        self._rows_run_id = run.id
        return self._rows

    def _targets(self, run: Run) -> list[MeasuredTarget]:
        """Return the targets, measured over the newest seconds of the window.

        This holds while the run is audited, too: counting the whole window takes long, and comes at the end.
        """
        if run.window_start is None:
            return run.targets
        end = int(min(time.time() - REPORT_DELAY, run.window_end or inf))
        seconds = range(max(ceil(run.window_start), end - TARGET_SECONDS), end)
        kept = without_moves(seconds, run.events)
        return [MeasuredTarget(target, self._reading(target, seconds, kept)) for target in run.stated_targets]

    def _reading(self, target: Target, seconds: range, kept: list[int]) -> Reading | None:
        if target.figure.kind is Kind.STABLE:  # compares the window's beginning with its end
            return None
        moving = len(seconds) - len(kept)
        reading = measuring.measure(target, self._driver.evidence, kept, moving=moving)
        return Reading(reading.actual, reading.count, f"{reading.detail} in the last {len(seconds)} s")

    @staticmethod
    def _has_users(run: Run | None) -> bool:
        return run is not None and run.phase in (Phase.RAMP, Phase.WINDOW)

    def _left(self, run: Run | None) -> float | None:
        """Return the seconds until the run's users are stopped; None where that is not known."""
        if run is None or run.plan is None:
            return None
        if not self._has_users(run):
            return 0.0
        left = (run.first_user_at or time.time()) + run.plan.duration - time.time()
        return None if run.plan.shape else max(0.0, round(left, 1))

    def _figures(self, facts: Facts | None, judgement: Judgement | None) -> dict[str, Any]:
        runner, run, counted = self._environment.runner, self._driver.current, self._driver.counts.latencies
        now = int(time.time())
        newest = range(now - PERCENTILE_SECONDS, now)
        in_newest = counted.sum(newest)
        return {
            "verdicts": _verdicts(judgement),
            "left_s": self._left(run),
            "users": runner.user_count,
            "target_users": run and wanted_users(run, runner.target_user_count),
            "workers": runner.worker_count,
            "rps": run and round(in_newest.requests / len(newest), 1),
            **percentiles(in_newest.times.histogram())._asdict(),
            "requests": counted.total_requests,
            "failures": counted.total_failures,
            "silent_s": silent_so_far(facts.seconds) if facts and self._has_users(run) else 0,
            "outcomes": by_status(facts.outcomes if facts else {}),
            "generator_shares_cores": run and self._driver.observers.machine.generator_shares_cores,
            "events": to_builtins(facts.events[-NEWEST_EVENTS:] if facts else []),
            "alarms": to_builtins([event for event in facts.events if event.is_alarm] if facts else []),
        }


def _verdicts(judgement: Judgement | None) -> dict[str, str | None]:
    if judgement is None:
        return dict.fromkeys(PARTS)
    return {name: shown(part.verdict, judgement) for name, part in judgement.parts.items()}


def shown(verdict: Verdict, judgement: Judgement) -> str:
    """Return the text that is shown for a verdict: `running` for UNKNOWN during a run."""
    return RUNNING if verdict is Verdict.UNKNOWN and judgement.exit_code is None else verdict.value


def by_status(outcomes: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return the outcomes of all routes together; status "0" is a request without a complete response."""
    total: Counter[str] = Counter()
    for statuses in outcomes.values():
        total.update(statuses)
    return dict(sorted(total.items()))


def verdict_so_far(facts: Facts) -> Judgement:
    """Return the verdict of a run in progress; checks that need the whole run are UNKNOWN."""
    judgement = verdict(facts)
    parts = {
        name: part(name, [_check_so_far(name, check) for check in of_run.checks])
        for name, of_run in judgement.parts.items()
    }
    whole = worst(of_run.verdict for of_run in parts.values())
    return replace(judgement, verdict=whole, exit_code=None, **parts)


def _check_so_far(part: str, check: Check) -> Check:
    may_change = part in DECIDED_AT_THE_END and check.verdict is not Verdict.FAIL  # a failure is final
    if check.verdict is not Verdict.UNKNOWN and not may_change:
        return check
    return Check(name=check.name, verdict=Verdict.UNKNOWN, detail="known at the end of the run")
