"""VALID: did the generator keep up? From the samples of workers and master in the window. Pure.

A worker that is delayed sends late and sees answers late: its own delay looks like the API's. The cause is
its own work (the lag of its hub), or that it gets no core when it needs one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil
from operator import itemgetter
from statistics import fmean
from typing import NamedTuple, TypeVar

from stampede.facts.event import Event
from stampede.facts.figures import Second
from stampede.facts.run_json import Facts
from stampede.facts.samples import LATE_REPORT, HubLag, ProcessSample, Sample
from stampede.facts.verdict_json import Check
from stampede.verdict.checks import in_words, measured, not_asked, unknown_unless
from stampede.verdict.moves import moving_seconds, settled

MOST_LAG_MS = 5.0
"""How late a worker's greenlets may wake, in 99 of 100 measurements."""

MOST_LAG_WITH_WAITING_MS = 50.0
"""The same, including waits for a core that it shares with the target. A p99 grows by up to twice as much: by
100 ms, half of the 200 ms that the profiles allow. docs/valid.md has the measurements."""

MOST_CPU_PERCENT = 90.0
"""How much CPU a worker may use: of one core, as it is one thread, or of its container's share of a core."""

MOST_WAITED_PERCENT = 50.0
"""Of the window: how long a worker may wait for a core. On two busy cores, a worker waits for a tenth of the
window. A worker that waits for half of it measures its own waits instead of the API."""

MOST_THROTTLED_PERCENT = 5.0
"""Of the window: how long a worker may be throttled by its container's CPU limit."""

LEAST_THROTTLED_PERCENT = 1.0
"""Of the window: from here on, throttling shows in the 99th percentile of the hub's lag."""

MOST_CLOCK_OFFSET_MS = 100.0
"""Between a worker's clock and the master's, on top of the measurement's uncertainty."""

MOST_CLOCK_SET_S = 1.0
"""How far the master's clock may be set during the run: this changes the length of the window, and the rates
in it. NTP slews by less, and on Linux slewing does not show here at all."""

NOT_SAMPLED = "no worker metrics: these workers do not run Stampede"

OVERLOAD = "not checked: an overload uses all cores; it is judged by what is served and refused"

Row = TypeVar("Row", bound=Sample | Second)


def workers_on_time(run: Facts) -> Check:
    """Return the check of how late greenlets woke, on the worker that came nearest to a limit, or beyond it.

    On cores that the generator shares with the target, every process waits for a core now and then. There,
    the lag with these waits has a limit of its own. They count as the worker's own lag where the generator
    has cores of its own, and where the limit of the worker's own container keeps it from a core.
    """
    name = "workers_on_time"
    lags = {worker: lag for worker, lag in run.hub_lag.items() if lag.p99_ms is not None}
    if not lags:
        return not_asked(name, NOT_SAMPLED)
    sharing = _sharing_cores(run, lags)
    worker, lag = max(
        ((worker, _lag(lag, worker in sharing)) for worker, lag in lags.items()),
        key=lambda pair: pair[1].share,
    )
    detail = f"{lag.in_words}, worker {worker}{_in_ramp(run)}"
    if reason := _bursts_on_purpose(run):
        return not_asked(name, f"{detail}: {reason}")
    if lag.own < MOST_LAG_MS and not lag.holds:
        detail += ": other programs keep its machine busy"
        late = measured(lag.with_waiting or 0.0, "<", MOST_LAG_WITH_WAITING_MS, "ms")
        return unknown_unless(name, False, detail, **late)
    return unknown_unless(name, lag.holds, detail, **measured(lag.own, "<", MOST_LAG_MS, "ms"))


def _in_ramp(run: Facts) -> str:
    """Return the lag in the ramp, as a part of a sentence; empty where it is not known.

    It does not count, as the figures are those of the window. Most of it is the start of new users.
    """
    own = {
        worker: lag.p99_ms if lag.own_p99_ms is None else lag.own_p99_ms
        for worker, lag in run.ramp_lag.items()
        if lag.p99_ms is not None
    }
    if not own:
        return ""
    worker = max(own, key=lambda each: own[each] or 0.0)
    return f"; in the ramp {own[worker]:.4g} ms, worker {worker}"


def _sharing_cores(run: Facts, workers: Iterable[str]) -> set[str]:
    """Return the workers that share cores with the target and are not throttled by their own limit.

    The kernel counts being throttled as waiting for a core, too.
    """
    if run.machine.generator_shares_cores is not True:
        return set()
    throttled = _means(run, "throttled_percent")
    return {worker for worker in workers if throttled.get(worker, 0.0) < LEAST_THROTTLED_PERCENT}


class _Lag(NamedTuple):
    """The 99th percentile of a worker's lag, in ms."""

    own: float
    with_waiting: float | None
    """With waiting for a core; None where that counts as the worker's own lag."""

    @property
    def share(self) -> float:
        """Return how near it comes to a limit, as a share of it."""
        return max(self.own / MOST_LAG_MS, (self.with_waiting or 0.0) / MOST_LAG_WITH_WAITING_MS)

    @property
    def holds(self) -> bool:
        """Return whether it is within its limits."""
        return self.share < 1

    @property
    def in_words(self) -> str:
        """Return both figures with their limits."""
        text = f"event loop lag p99 {self.own:g} ms (limit {in_words('<', MOST_LAG_MS, 'ms')})"
        if self.with_waiting is None:
            return text
        limit = in_words("<", MOST_LAG_WITH_WAITING_MS, "ms")
        return f"{text}, {self.with_waiting:g} ms with waits for a core (limit {limit})"


def _lag(lag: HubLag, shares_cores: bool) -> _Lag:
    with_waiting = lag.p99_ms or 0.0
    if shares_cores and lag.own_p99_ms is not None:
        return _Lag(lag.own_p99_ms, with_waiting)
    return _Lag(with_waiting, None)


def _bursts_on_purpose(run: Facts) -> str | None:
    """Return why greenlets have to wait for each other in this run; None where they do not."""
    if run.overload:
        return OVERLOAD
    if any(race.shots for race in run.races):
        return "not checked: racers send all at once; the check `contention` judges them"
    return None


def workers_had_cpu(run: Facts) -> Check:
    """Return the check of how much CPU the busiest worker used, plus its waits for a core.

    A worker can use one core at most. The check is UNKNOWN where workers sent no samples for some seconds.
    """
    name = "workers_had_cpu"
    silent, first = _silent(run)
    if silent > LATE_REPORT:
        at = datetime.fromtimestamp(first, UTC)
        detail = f"not all workers sent samples in {silent} s, first at {at:%H:%M:%S}"
        return unknown_unless(name, False, f"{detail}: `make logs` may say why", count=silent)
    busy = {worker: _busy(rows, run) for worker, rows in _workers(run) if _known(rows, "cpu_percent")}
    if not busy:
        return not_asked(name, NOT_SAMPLED)
    worker, (percent, detail) = max(busy.items(), key=itemgetter(1))
    figures = measured(percent, "<", MOST_CPU_PERCENT, "%")
    return unknown_unless(name, percent < MOST_CPU_PERCENT, f"worker {worker} {detail}", **figures)


def _busy(rows: Sequence[ProcessSample], run: Facts) -> tuple[float, str]:
    """Return how busy a worker was, in percent of the CPU it may use, and an explanation."""
    used, waited = _mean(rows, "cpu_percent"), _mean(rows, "waited_percent")
    allowed = min([1.0, *_known(rows, "cpu_limit_cores")])
    detail = f"used {used:.0f} % of a core"
    if allowed < 1:
        detail += f", of which it may have {allowed:g}"
    if waited and not run.overload:
        detail += f", and waited {waited:.0f} % of the time for one"
        return max(used / allowed, used + waited), detail
    return used / allowed, detail


def workers_got_cores(run: Facts) -> Check:
    """Return the check of how long a worker waited for a core, for the worker that waited longest.

    While a worker waits for a core, it measures that wait instead of the API.
    """
    name = "workers_got_cores"
    waited = _means(run, "waited_percent")
    if not waited:
        return not_asked(
            name, "not checked: the workers' kernel does not report how long they wait for a core"
        )
    worker, percent = max(waited.items(), key=itemgetter(1))
    detail = f"worker {worker} waited for a core {percent:.0f} % of the window"
    if run.overload:
        return not_asked(name, f"{detail}: {OVERLOAD}")
    if percent >= MOST_WAITED_PERCENT:
        detail += ": other programs keep its machine busy"
    figures = measured(percent, "<", MOST_WAITED_PERCENT, "%")
    return unknown_unless(name, percent < MOST_WAITED_PERCENT, detail, **figures)


def workers_not_throttled(run: Facts) -> Check:
    """Return the check of how long a worker was throttled by its container's CPU limit."""
    name = "workers_not_throttled"
    throttled = _means(run, "throttled_percent")
    if not throttled:
        return not_asked(name, "not checked: the workers have no CPU limit")
    worker, percent = max(throttled.items(), key=itemgetter(1))
    detail = f"worker {worker} was throttled for {percent:.1f} % of the window"
    if percent >= MOST_THROTTLED_PERCENT:
        detail += " by its CPU limit: set a higher WORKER_CPUS, or more workers"
    figures = measured(percent, "<", MOST_THROTTLED_PERCENT, "%")
    return unknown_unless(name, percent < MOST_THROTTLED_PERCENT, detail, **figures)


def master_kept_up(run: Facts) -> Check:
    """Return the check of whether the workers' reports arrived in time, and whether the master stalled.

    The master acts on reports: late reports make it act late. Missing reports of a lost worker are excused.
    """
    name = "master_kept_up"
    rows = _in_window(run.samples.master, run)
    if run.window is None or not rows:
        return not_asked(name, "not checked: the master did not record when reports arrived")
    excused = seconds_without_reports(run.events)
    late = [row for row in rows if row.reports_late and row.second not in excused]
    late_seconds = sum(row.seconds_late for row in late)
    # After a stall the master adds the samples of the seconds it missed; their lag shows how long it stalled.
    stalled = max([*_gaps(run, rows), *(lag / 1000 for lag in _known(rows, "hub_lag_ms"))])
    if stalled > LATE_REPORT:
        detail = f"the master itself was stalled for {stalled:.3g} s"
        return unknown_unless(name, False, detail, count=late_seconds)
    if not late:
        return unknown_unless(name, True, "every report arrived in time", count=0)
    at = datetime.fromtimestamp(late[0].second, UTC)
    detail = f"reports were more than {LATE_REPORT:g} s late in {late_seconds} s, first at {at:%H:%M:%S}"
    return unknown_unless(name, False, detail, count=late_seconds)


def _gaps(run: Facts, rows: Sequence[Sample]) -> Iterator[int]:
    """Yield the lengths of the gaps between samples in the window, in seconds.

    In merged seconds it is how many of them have no sample.
    """
    sampled = {row.second: row.seconds for row in rows}
    seconds = _in_window(run.seconds, run)
    yield from (row.seconds - sampled.get(row.second, 0) for row in seconds if row.second < run.merged_until)
    if run.window:
        start = max(run.window.start, run.merged_until)
        recent = sorted(second for second in sampled if second >= start)
        yield from (later - earlier - 1 for earlier, later in pairwise([start - 1, *recent, run.window.end]))


def seconds_without_reports(events: Iterable[Event]) -> set[int]:
    """Return the seconds from the last report of each lost worker until the master has noticed its loss."""
    return {
        second
        for event in events
        if event.name == "worker_lost"
        for second in range(ceil(event.last_report or event.at - LATE_REPORT), int(event.at + 1) + 1)
    }


def clocks_agree(run: Facts) -> Check:
    """Return the check of whether the clocks of workers and master agree.

    Requests are counted in the second of the worker's clock in which their answer came. On one machine,
    master and workers have the same clock. When that clock is set, they still agree, but seconds are missing
    in the run, or are there twice.
    """
    name = "clocks_agree"
    if abs(run.clock_set_s) > MOST_CLOCK_SET_S:
        detail = f"the clock was set by {run.clock_set_s:+.1f} s in the run"
        figures = measured(abs(run.clock_set_s), "<=", MOST_CLOCK_SET_S, "s")
        return unknown_unless(name, False, detail, **figures)
    if not run.clocks:
        return not_asked(name, NOT_SAMPLED)
    worker, clock = max(run.clocks.items(), key=lambda item: abs(item[1].offset_ms) - item[1].uncertainty_ms)
    offset, uncertainty = clock.offset_ms, clock.uncertainty_ms
    detail = f"worker {worker} is {offset:+.1f} ms from the master, plus or minus {uncertainty:.1f} ms"
    limit = MOST_CLOCK_OFFSET_MS + uncertainty
    figures = measured(abs(offset), "<=", limit, "ms")
    return unknown_unless(name, abs(offset) <= limit, detail, **figures)


def _workers(run: Facts) -> Iterator[tuple[str, list[ProcessSample]]]:
    """Yield each worker's samples of the window, without seconds in which users moved between workers."""
    if run.window is None:
        return
    settled_seconds = set(settled(range(run.window.start, run.window.end), run.events))
    for worker, rows in run.samples.workers.items():
        yield worker, [row for row in rows if row.second in settled_seconds]


def _silent(run: Facts) -> tuple[int, int]:
    """Return in how many seconds not all workers reported samples of themselves, and the first of them.

    There are none where no worker ever reports samples. Seconds in which users move are left out: a lost
    worker sends no samples before the master notices its loss.
    """
    samples = run.samples.workers.values()
    reporting = Counter(second for rows in samples for second in {row.second for row in rows})
    if not reporting:
        return 0, 0
    moving = moving_seconds(run.events)
    silent = [
        (row.second, seconds)
        for row in _in_window(run.seconds, run)
        if (seconds := _unsampled(run, row, reporting, moving))
    ]
    return sum(seconds for _second, seconds in silent), silent[0][0] if silent else 0


def _unsampled(run: Facts, row: Second, reporting: Mapping[int, int], moving: Set[int]) -> int:
    if row.second < run.merged_until:
        return row.unsampled_seconds
    return int(is_unsampled(row, reporting, moving))


def is_unsampled(row: Second, reporting: Mapping[int, int], moving: Set[int]) -> bool:
    """Return whether not all workers reported a sample of a second; `reporting` is how many did of each."""
    return reporting.get(row.second, 0) < row.workers and row.second not in moving


def _means(run: Facts, figure: str) -> dict[str, float]:
    """Return the mean of a figure in the window, by worker, where it is known."""
    return {worker: _mean(rows, figure) for worker, rows in _workers(run) if _known(rows, figure)}


def _mean(rows: Iterable[Sample], figure: str) -> float:
    """Return the mean of a figure over all seconds where it is known; 0 without any."""
    known = [(value, row.seconds) for row in rows if (value := getattr(row, figure)) is not None]
    return fmean(*zip(*known, strict=True)) if known else 0.0


def _in_window(rows: Iterable[Row], run: Facts) -> list[Row]:
    if run.window is None:
        return []
    return [row for row in rows if run.window.start <= row.second < run.window.end]


def _known(rows: Iterable[Sample], figure: str) -> list[float]:
    values = (getattr(row, figure) for row in rows)
    return [value for value in values if value is not None]
