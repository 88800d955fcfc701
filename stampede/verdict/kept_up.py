"""Did the generator keep up? What workers and master tell of themselves, in the window. Pure.

A worker that is held up is late to send, and late to see an answer: it counts its own delay as the API's.
What holds it up is its own work (the lag of its hub), or that it does not get a core when it wants one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from statistics import fmean
from typing import Any

from stampede.facts.check import Check, Facts, moment, not_asked, trusted
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
"""Between a worker's clock and the master's, beyond what cannot be measured."""

MOST_CLOCK_SET_S = 1.0
"""Of the master's clock, in the run: a window of that many seconds more or less has another rate. What NTP
slews is less, and on Linux no difference between its clocks at all."""

LONGEST_SILENCE = 3.0
"""Seconds without a report, of a worker or of the master about itself: they come every second."""

NOT_SAMPLED = "the workers told nothing of themselves: workers with this engine do"

OVERLOAD = "an overload fills every core there is, and is judged by what is served and refused"

Row = Mapping[str, Any]


def workers_on_time(run: Facts) -> Check:
    """How late greenlets are on the worker that is latest.

    On cores that it shares with the target every process waits for a core now and then, the API like the
    worker; that is no lag of the worker's, and `workers_got_cores` says whether it was too much. What is left
    is. All of it counts on cores of its own, and where it is its own container that keeps it from one.
    """
    name = "workers_on_time"
    lags = {worker: told for worker, told in (run.get("hub_lag") or {}).items() if told["p99_ms"] is not None}
    if not lags:
        return not_asked(name, NOT_SAMPLED)
    excused = _share_cores(run, lags)
    judged = {worker: _lag(told, worker in excused) for worker, told in lags.items()}
    worker, lag = max(judged.items(), key=lambda each: each[1])
    detail = f"hub lag p99 {lag:g} ms, of worker {worker}"
    if (whole := max(lags[each]["p99_ms"] for each in excused) if excused else lag) > lag:
        detail += f"; {whole:g} ms with waiting for a core, shared with the target"
    if reason := _bursts_on_purpose(run):
        return not_asked(name, f"{detail}: {reason}")
    return trusted(name, lag < MOST_LAG_MS, detail, **_limit(MOST_LAG_MS, lag, "ms"))


def _share_cores(run: Facts, workers: Iterable[str]) -> set[str]:
    """Those whom only others keep from a core: the kernel counts being held back by a limit as well."""
    if (run.get("machine") or {}).get("generator_shares_cores") is not True:
        return set()
    held_back = _means(run, "throttled_percent")
    return {worker for worker in workers if held_back.get(worker, 0.0) < LEAST_THROTTLED_PERCENT}


def _lag(told: Mapping[str, Any], is_excused: bool) -> float:
    own = told.get("own_p99_ms") if is_excused else None
    lag: float = told["p99_ms"] if own is None else own
    return lag


def _bursts_on_purpose(run: Facts) -> str | None:
    """Where greenlets are to wait for each other, and other checks say whether it was worth it."""
    if run.get("overload"):
        return OVERLOAD
    if any(race["shots"] for race in run.get("races", [])):
        return "racers are let go all at once, and judged by whether they met"
    return None


def workers_had_cpu(run: Facts) -> Check:
    """What the busiest worker used, and would have used had it got a core: one is all that it can use. Of one
    that does not tell nothing is known."""
    name = "workers_had_cpu"
    if len(silent := _silent(run)) > LONGEST_SILENCE:
        at = datetime.fromtimestamp(silent[0], UTC)
        detail = f"not all workers told of themselves in {len(silent)} s, first at {at:%H:%M:%S}"
        return trusted(name, False, f"{detail}: `make logs` may say why", count=len(silent))
    busy = {worker: _busy(rows, run) for worker, rows in _workers(run) if _known(rows, "cpu_percent")}
    if not busy:
        return not_asked(name, NOT_SAMPLED)
    worker, (percent, detail) = max(busy.items(), key=lambda each: each[1])
    return trusted(
        name,
        percent < MOST_CPU_PERCENT,
        f"worker {worker} {detail}",
        **_limit(MOST_CPU_PERCENT, round(percent, 1), "%"),
    )


def _busy(rows: list[Row], run: Facts) -> tuple[float, str]:
    """Percent of what it may have, and that in words."""
    used = fmean(_known(rows, "cpu_percent"))
    waited = fmean(_known(rows, "waited_percent") or [0.0])
    limits = _known(rows, "cpu_limit_cores")
    may_have = min([1.0, *limits])
    detail = f"used {used:.0f} % of a core"
    if may_have < 1:
        detail += f", of which it may have {may_have:g}"
    if waited and not run.get("overload"):
        detail += f", and waited {waited:.0f} % of the time for one"
        return max(used / may_have, used + waited), detail
    return used / may_have, detail


def workers_got_cores(run: Facts) -> Check:
    """How long a worker waited for a core, at the most: what it measures meanwhile is the wait."""
    name = "workers_got_cores"
    waited = _means(run, "waited_percent")
    if not waited:
        return not_asked(name, "the kernel of the workers does not tell how long they wait for a core")
    worker, percent = max(waited.items(), key=lambda each: each[1])
    detail = f"worker {worker} waited for a core {percent:.0f} % of the window"
    if run.get("overload"):
        return not_asked(name, f"{detail}: {OVERLOAD}")
    if percent >= MOST_WAITED_PERCENT:
        detail += ": too much runs on its machine"
    holds = percent < MOST_WAITED_PERCENT
    return trusted(name, holds, detail, **_limit(MOST_WAITED_PERCENT, round(percent, 1), "%"))


def workers_not_throttled(run: Facts) -> Check:
    """How long the limit of its container held a worker back."""
    name = "workers_not_throttled"
    held_back = _means(run, "throttled_percent")
    if not held_back:
        return not_asked(name, "workers have no container whose limit could hold them back")
    worker, percent = max(held_back.items(), key=lambda each: each[1])
    detail = f"worker {worker} was held back {percent:.1f} % of the window"
    if percent >= MOST_THROTTLED_PERCENT:
        detail += " by its container's limit: a higher WORKER_CPUS, or more workers"
    return trusted(
        name,
        percent < MOST_THROTTLED_PERCENT,
        detail,
        **_limit(MOST_THROTTLED_PERCENT, round(percent, 1), "%"),
    )


def master_kept_up(run: Facts) -> Check:
    """Whether the workers' reports were there in time: what is seen late is decided late.

    Who was lost does not report any more, and is known to be.
    """
    name, window = "master_kept_up", run["window"] or {}
    rows = _in_window((run.get("samples") or {}).get("master", ()), run)
    if not rows:
        return not_asked(name, "the master has not looked whether reports are in time")
    excused = list(_silences(run))
    late = [
        row["second"]
        for row in rows
        if row.get("reports_late") and not any(start <= row["second"] <= end for start, end in excused)
    ]
    seen = sorted(row["second"] for row in rows)
    ends = [int(window["start"]) - 1, *seen, int(window["end"])]
    silent = max(later - earlier - 1 for earlier, later in pairwise(ends))
    # It makes up for the rows of seconds that it missed; how late it was stands in them.
    silent = max(silent, *(lag / 1000 for lag in _known(rows, "hub_lag_ms")), 0)
    if silent > LONGEST_SILENCE:
        return trusted(name, False, f"the master itself was held up for {silent:.3g} s", count=len(late))
    if not late:
        return trusted(name, True, "every report was there in time", count=0)
    at = datetime.fromtimestamp(late[0], UTC)
    detail = f"reports were more than {LONGEST_SILENCE:g} s late in {len(late)} s, first at {at:%H:%M:%S}"
    return trusted(name, False, detail, count=len(late))


def _silences(run: Facts) -> Iterator[tuple[float, float]]:
    """When a worker that was lost had nothing to say any more, and when the master knew that."""
    for event in run.get("events", []):
        if event["name"] == "worker_lost":
            noticed = moment(event).timestamp()
            yield event.get("last_report") or noticed - LONGEST_SILENCE, noticed + 1


def clocks_agree(run: Facts) -> Check:
    """Requests are counted by the second in which a worker's clock saw their answer.

    On one machine all clocks are the same one: where that is set they agree, and its seconds are wrong.
    """
    name, clocks = "clocks_agree", run.get("clocks") or {}
    was_set = run.get("clock_set_s") or 0.0
    if abs(was_set) > MOST_CLOCK_SET_S:
        detail = f"the clock was set by {was_set:+.1f} s in the run"
        return trusted(name, False, detail, **_limit(MOST_CLOCK_SET_S, abs(was_set), "s"))
    if not clocks:
        return not_asked(name, NOT_SAMPLED)
    worker, told = max(clocks.items(), key=lambda each: abs(each[1]["offset_ms"]) - each[1]["uncertainty_ms"])
    offset, uncertainty = told["offset_ms"], told["uncertainty_ms"]
    detail = f"worker {worker} is {offset:+.1f} ms from the master, give or take {uncertainty:.1f} ms"
    holds = abs(offset) <= MOST_CLOCK_OFFSET_MS + uncertainty
    return trusted(name, holds, detail, **_limit(MOST_CLOCK_OFFSET_MS, abs(offset), "ms"))


def _workers(run: Facts) -> Iterator[tuple[str, list[Row]]]:
    """Each one's rows of when users were at rest: while they change places a worker has a ramp."""
    window = run["window"] or {}
    if "end" not in window:
        return
    at_rest = set(settled(range(int(window["start"]), int(window["end"])), run.get("events", ())))
    for worker, rows in ((run.get("samples") or {}).get("workers") or {}).items():
        yield worker, [row for row in rows if row["second"] in at_rest]


def _silent(run: Facts) -> list[int]:
    """Seconds in which more workers were there than told of themselves; none where no worker ever does, nor
    while users change places: who was lost told nothing before the master knew."""
    rows = ((run.get("samples") or {}).get("workers") or {}).values()
    telling = Counter(second for of_one in rows for second in {row["second"] for row in of_one})
    if not telling:
        return []
    on_the_way = list(moves(run.get("events", ())))
    return [
        row["second"]
        for row in _in_window(run.get("seconds", ()), run)
        if telling[row["second"]] < row.get("workers", 0)
        and not any(move.covers(row["second"]) for move in on_the_way)
    ]


def _means(run: Facts, figure: str) -> dict[str, float]:
    """Of each worker's figure in the window, where it is known."""
    return {worker: fmean(figures) for worker, rows in _workers(run) if (figures := _known(rows, figure))}


def _in_window(rows: Iterable[Row], run: Facts) -> list[Row]:
    window = run["window"] or {}
    if "end" not in window:
        return []
    return [row for row in rows if int(window["start"]) <= row["second"] < int(window["end"])]


def _known(rows: Iterable[Row], figure: str) -> list[float]:
    return [row[figure] for row in rows if row.get(figure) is not None]


def _limit(limit: float, actual: float, unit: str) -> dict[str, Any]:
    return {"limit": f"< {limit:g} {unit}", "actual": actual, "unit": unit}
