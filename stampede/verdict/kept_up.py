"""Did the generator keep up? What workers and master tell of themselves, in the window. Pure.

A worker that is held up is late to send, and late to see an answer: it counts its own delay as the API's.
What holds it up is its own work (the lag of its hub), or that it does not get a core when it wants one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean
from typing import TypeVar

from stampede.facts.figures import Second
from stampede.facts.run import Facts
from stampede.facts.samples import LATE_REPORT, HubLag, ProcessSample, Sample
from stampede.facts.verdict import Check
from stampede.verdict.checks import measured, not_asked, trusted
from stampede.verdict.moves import moves, settled

MOST_LAG_MS = 5.0
"""Of a worker's hub, in 99 of 100 looks: what greenlets wait until it is their turn."""

MOST_CPU_PERCENT = 90.0
"""Of one core, or of what its container may have of one: a worker is one thread."""

MOST_WAITED_PERCENT = 50.0
"""Of the window: how long a worker may wait for a core. On two busy cores it is a tenth; who waits half of
the time measures how long it waits."""

MOST_THROTTLED_PERCENT = 5.0
"""Of the window: how long its container's limit may hold a worker back."""

LEAST_THROTTLED_PERCENT = 1.0
"""Of the window: from here on it shows in 99 of 100 looks at a hub."""

MOST_CLOCK_OFFSET_MS = 100.0
"""Between a worker's clock and the master's, on top of what cannot be measured."""

MOST_CLOCK_SET_S = 1.0
"""Of the master's clock, in the run: a window of that many seconds more or less has another rate. What NTP
slews is less, and on Linux no difference between its clocks at all."""

NOT_SAMPLED = "no worker metrics: these workers do not run Stampede"

OVERLOAD = "an overload fills every core there is, and is judged by what is served and refused"

Row = TypeVar("Row", bound=Sample | Second)


def workers_on_time(run: Facts) -> Check:
    """Return how late greenlets are on the worker that is latest.

    On cores that it shares with the target every process waits for a core now and then, the API like the
    worker; that is no lag of the worker's, and `workers_got_cores` says whether it was too much. What is left
    is. All of it counts on cores of its own, and where it is its own container that keeps it from one.
    """
    name = "workers_on_time"
    lags = {worker: lag for worker, lag in run.hub_lag.items() if lag.p99_ms is not None}
    if not lags:
        return not_asked(name, NOT_SAMPLED)
    excused = _share_cores(run, lags)
    judged = {worker: _lag(lag, worker in excused) for worker, lag in lags.items()}
    worker, lag = max(judged.items(), key=lambda each: each[1])
    detail = f"hub lag p99 {lag:g} ms, of worker {worker}"
    whole = max((lags[each].p99_ms or 0.0 for each in excused), default=lag)
    if whole > lag:
        detail += f"; {whole:g} ms with waiting for a core, shared with the target"
    if reason := _bursts_on_purpose(run):
        return not_asked(name, f"{detail}: {reason}")
    return trusted(name, lag < MOST_LAG_MS, detail, **measured(lag, "<", MOST_LAG_MS, "ms"))


def _share_cores(run: Facts, workers: Iterable[str]) -> set[str]:
    """Those that only others keep from a core: the kernel counts being held back by a limit as well."""
    if run.machine.generator_shares_cores is not True:
        return set()
    held_back = _means(run, "throttled_percent")
    return {worker for worker in workers if held_back.get(worker, 0.0) < LEAST_THROTTLED_PERCENT}


def _lag(lag: HubLag, is_excused: bool) -> float:
    own = lag.own_p99_ms if is_excused else None
    return (lag.p99_ms or 0.0) if own is None else own


def _bursts_on_purpose(run: Facts) -> str | None:
    """Where greenlets are to wait for each other, and other checks say whether it was worth it."""
    if run.overload:
        return OVERLOAD
    if any(race.shots for race in run.races):
        return "racers are let go all at once, and judged by whether they met"
    return None


def workers_had_cpu(run: Facts) -> Check:
    """Return what the busiest worker used, and would have used had it got a core: one is all that it can use.
    Of a worker that does not report its CPU nothing is known."""
    name = "workers_had_cpu"
    if len(silent := _silent(run)) > LATE_REPORT:
        at = datetime.fromtimestamp(silent[0], UTC)
        detail = f"not all workers reported on themselves in {len(silent)} s, first at {at:%H:%M:%S}"
        return trusted(name, False, f"{detail}: `make logs` may say why", count=len(silent))
    busy = {worker: _busy(rows, run) for worker, rows in _workers(run) if _known(rows, "cpu_percent")}
    if not busy:
        return not_asked(name, NOT_SAMPLED)
    worker, (percent, detail) = max(busy.items(), key=lambda each: each[1])
    figures = measured(percent, "<", MOST_CPU_PERCENT, "%")
    return trusted(name, percent < MOST_CPU_PERCENT, f"worker {worker} {detail}", **figures)


def _busy(rows: Sequence[ProcessSample], run: Facts) -> tuple[float, str]:
    """Percent of what it may have, and that in words."""
    used = fmean(_known(rows, "cpu_percent"))
    waited = fmean(_known(rows, "waited_percent") or [0.0])
    may_have = min([1.0, *_known(rows, "cpu_limit_cores")])
    detail = f"used {used:.0f} % of a core"
    if may_have < 1:
        detail += f", of which it may have {may_have:g}"
    if waited and not run.overload:
        detail += f", and waited {waited:.0f} % of the time for one"
        return max(used / may_have, used + waited), detail
    return used / may_have, detail


def workers_got_cores(run: Facts) -> Check:
    """Return how long a worker waited for a core, at the most: what it measures meanwhile is the wait."""
    name = "workers_got_cores"
    waited = _means(run, "waited_percent")
    if not waited:
        return not_asked(name, "the kernel of the workers does not report how long they wait for a core")
    worker, percent = max(waited.items(), key=lambda each: each[1])
    detail = f"worker {worker} waited for a core {percent:.0f} % of the window"
    if run.overload:
        return not_asked(name, f"{detail}: {OVERLOAD}")
    if percent >= MOST_WAITED_PERCENT:
        detail += ": too much runs on its machine"
    figures = measured(percent, "<", MOST_WAITED_PERCENT, "%")
    return trusted(name, percent < MOST_WAITED_PERCENT, detail, **figures)


def workers_not_throttled(run: Facts) -> Check:
    """Return how long the limit of its container held a worker back."""
    name = "workers_not_throttled"
    held_back = _means(run, "throttled_percent")
    if not held_back:
        return not_asked(name, "workers have no container whose limit could hold them back")
    worker, percent = max(held_back.items(), key=lambda each: each[1])
    detail = f"worker {worker} was held back {percent:.1f} % of the window"
    if percent >= MOST_THROTTLED_PERCENT:
        detail += " by its container's limit: a higher WORKER_CPUS, or more workers"
    figures = measured(percent, "<", MOST_THROTTLED_PERCENT, "%")
    return trusted(name, percent < MOST_THROTTLED_PERCENT, detail, **figures)


def master_kept_up(run: Facts) -> Check:
    """Return whether the workers' reports were there in time: what is seen late is decided late.

    A worker that was lost does not report any more, and is known to be.
    """
    name = "master_kept_up"
    rows = _in_window(run.samples.master, run)
    if run.window is None or not rows:
        return not_asked(name, "the master has not checked whether reports are in time")
    excused = list(_silences(run))
    late = [
        row.second
        for row in rows
        if row.reports_late and not any(start <= row.second <= end for start, end in excused)
    ]
    ends = [run.window.start - 1, *sorted(row.second for row in rows), run.window.end]
    missing = max(later - earlier - 1 for earlier, later in pairwise(ends))
    # It makes up for the rows of seconds that it missed; how late it was stands in them.
    silent = max([missing, *(lag / 1000 for lag in _known(rows, "hub_lag_ms"))])
    if silent > LATE_REPORT:
        return trusted(name, False, f"the master itself was stalled for {silent:.3g} s", count=len(late))
    if not late:
        return trusted(name, True, "every report was there in time", count=0)
    at = datetime.fromtimestamp(late[0], UTC)
    detail = f"reports were more than {LATE_REPORT:g} s late in {len(late)} s, first at {at:%H:%M:%S}"
    return trusted(name, False, detail, count=len(late))


def _silences(run: Facts) -> Iterator[tuple[float, float]]:
    """When a worker that was lost had nothing to say any more, and when the master knew that."""
    for event in run.events:
        if event.name == "worker_lost":
            yield event.last_report or event.at - LATE_REPORT, event.at + 1


def clocks_agree(run: Facts) -> Check:
    """Return whether clocks agree: requests are counted by the second in which a worker's clock saw their
    answer.

    On one machine all clocks are the same one: where that is set they agree, and its seconds are wrong.
    """
    name = "clocks_agree"
    if abs(run.clock_set_s) > MOST_CLOCK_SET_S:
        detail = f"the clock was set by {run.clock_set_s:+.1f} s in the run"
        return trusted(name, False, detail, **measured(abs(run.clock_set_s), "<=", MOST_CLOCK_SET_S, "s"))
    if not run.clocks:
        return not_asked(name, NOT_SAMPLED)
    worker, clock = max(run.clocks.items(), key=lambda each: abs(each[1].offset_ms) - each[1].uncertainty_ms)
    offset, uncertainty = clock.offset_ms, clock.uncertainty_ms
    detail = f"worker {worker} is {offset:+.1f} ms from the master, give or take {uncertainty:.1f} ms"
    most = MOST_CLOCK_OFFSET_MS + uncertainty
    figures = measured(abs(offset), "<=", most, "ms")
    return trusted(name, abs(offset) <= most, detail, **figures)


def _workers(run: Facts) -> Iterator[tuple[str, list[ProcessSample]]]:
    """Each one's rows of when users were at rest: while they change places a worker has a ramp."""
    if run.window is None:
        return
    at_rest = set(settled(range(run.window.start, run.window.end), run.events))
    for worker, rows in run.samples.workers.items():
        yield worker, [row for row in rows if row.second in at_rest]


def _silent(run: Facts) -> list[int]:
    """Seconds in which more workers were there than reported on themselves; none where no worker ever does,
    nor while users change places: a worker that was lost reported nothing before the master knew."""
    rows = run.samples.workers.values()
    reporting = Counter(second for of_one in rows for second in {row.second for row in of_one})
    if not reporting:
        return []
    on_the_way = list(moves(run.events))
    return [
        row.second
        for row in _in_window(run.seconds, run)
        if reporting[row.second] < row.workers and not any(move.covers(row.second) for move in on_the_way)
    ]


def _means(run: Facts, figure: str) -> dict[str, float]:
    """Of each worker's figure in the window, where it is known."""
    return {worker: fmean(figures) for worker, rows in _workers(run) if (figures := _known(rows, figure))}


def _in_window(rows: Iterable[Row], run: Facts) -> list[Row]:
    if run.window is None:
        return []
    return [row for row in rows if run.window.start <= row.second < run.window.end]


def _known(rows: Iterable[Sample], figure: str) -> list[float]:
    values = (getattr(row, figure) for row in rows)
    return [value for value in values if value is not None]
