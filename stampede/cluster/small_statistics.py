"""Keeps Locust's own statistics small on the master, for long runs and for runs of many names.

Stock masters keep the number of requests of each name in each second of the run, twenty copies of all times
of each name, and every name and error. With 500 names they need gigabytes for a day. Here the figures that
Locust shows stay the same, except those of names beyond the limit: stampede/counting/names.py.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterator, MutableMapping
from itertools import accumulate
from typing import Any

import locust.stats
from locust.runners import MasterRunner
from locust.stats import RequestStats, StatsEntry, StatsError

from stampede.counting.buckets import bucket_of, rounded, time_of
from stampede.counting.errors import MAX_ERRORS, shown
from stampede.counting.errors import OTHERS as OTHER_ERRORS
from stampede.counting.exceptions import MAX_EXCEPTIONS
from stampede.counting.names import Names
from stampede.counting.readable import text

KEPT_SECONDS = 60
"""Newest seconds whose numbers of requests are kept: Locust shows rates of the last ten."""

MOST_HISTORY = 1_000
"""Points of Locust's charts. In a longer run every second one of them is dropped, again and again."""

CurrentPercentile = Callable[[str, str, float], float | None]
"""A function from a method, a name and a share (0 to 1) to the percentile of the newest times, in ms."""


class SmallStatistics:
    """Locust's statistics on one master."""

    def __init__(self, runner: MasterRunner, names: Names, current: CurrentPercentile) -> None:
        """Limit the names to `names`. `current` replaces the copies of the times of each name."""
        self._runner = runner
        self._names = names
        self._current = current
        events = runner.environment.events
        events.worker_report._handlers.insert(0, self._before)  # before Locust's own listener
        events.worker_report.add_listener(self._after)
        self._log_exception, runner.log_exception = runner.log_exception, self._log_limited_exception
        for name in ("log_request", "log_error"):  # of requests that the locustfile sends on the master
            setattr(runner.stats, name, self._with_own_name(getattr(runner.stats, name)))

    @property
    def _stats(self) -> RequestStats:
        return self._runner.stats

    def _before(self, data: dict[str, Any], **_: Any) -> None:
        """Rename what is beyond the limits in a worker's report, before Locust adds it."""
        for row in data["stats"]:
            row["method"], row["name"] = self._names.of(row["method"], row["name"])
            key = row["name"], row["method"]
            if key not in self._stats.entries:
                self._stats.entries[key] = SmallEntry(self._stats, *key, self._current)
        errors: dict[str, Any] = {}
        for key, row in data["errors"].items():
            self._add_error(errors, key, row)
        data["errors"] = errors

    def _add_error(self, errors: dict[str, Any], key: str, row: dict[str, Any]) -> None:
        method, name = self._names.of(row["method"], row["name"])
        is_known = key in self._stats.errors or len(self._stats.errors) + len(errors) < MAX_ERRORS
        if not is_known or (method, name) != (row["method"], row["name"]):
            row = {**row, "method": method, "name": name}
            row["error"] = row["error"] if is_known else OTHER_ERRORS
            key = StatsError.create_key(method, name, row["error"])
        if key in errors:
            row = {**row, "occurrences": row["occurrences"] + errors[key]["occurrences"]}
        errors[key] = row

    def _after(self, data: dict[str, Any], **_: Any) -> None:
        """Drop what Locust does not show any more."""
        entries = (self._stats.entries[row["name"], row["method"]] for row in data["stats"])
        for entry in (*entries, self._stats.total):
            _drop_old_seconds(entry.num_reqs_per_sec)
            _drop_old_seconds(entry.num_fail_per_sec)
        history = self._stats.history
        if len(history) > MOST_HISTORY:
            del history[1:-1:2]

    def _with_own_name(self, log: Callable[..., None]) -> Callable[..., None]:
        return lambda method, name, *figures: log(*self._names.of(text(method), text(name)), *figures)

    def _log_limited_exception(self, node_id: str, msg: str, formatted_tb: str) -> None:
        exceptions = self._runner.exceptions
        if hash(formatted_tb) not in exceptions and len(exceptions) >= MAX_EXCEPTIONS:
            msg, formatted_tb = "other exceptions", ""
        self._log_exception(node_id, msg, formatted_tb)


def keep_texts_of_errors() -> None:
    """Let Locust's statistics keep the text of an error, and not the error itself.

    Stock workers keep one for each text until they report it, with the answer that it has: many megabytes,
    where the API gives each answer another reason phrase.
    """
    log_error = RequestStats.log_error

    def log_text(stats: RequestStats, method: Any, name: Any, error: Any) -> None:
        log_error(stats, method, name, shown(error))

    RequestStats.log_error = log_text


def forget_reported_names(stats: RequestStats, most: int) -> None:
    """Let a worker forget the names in Locust's statistics that it has reported, where there are many.

    Stock workers keep them for ever, and look at each of them for each report.
    """
    if len(stats.entries) > most:
        stats.entries.clear()


def _drop_old_seconds(counts: dict[int, int]) -> None:
    if len(counts) > 2 * KEPT_SECONDS:
        for second in sorted(counts)[:-KEPT_SECONDS]:
            del counts[second]


class SmallEntry(StatsEntry):
    """The statistics of one name, with the times as an array, and without copies of them."""

    def __init__(self, stats: RequestStats, name: str, method: str, current: CurrentPercentile) -> None:
        self._current = current
        super().__init__(stats, name, method)

    def reset(self) -> None:
        """Forget all requests."""
        super().reset()
        if locust.stats.bucket_response_time is rounded:  # a locustfile may set a function of its own
            self.response_times = Times()

    @property
    def median_response_time(self) -> float:
        """Return the median in ms; 0 without a time."""
        least, most = self.min_response_time or 0, self.max_response_time
        median: float = max(min(self.get_response_time_percentile(0.5), most), least)
        return median

    def get_response_time_percentile(self, percent: float) -> float:
        """Return a percentile in ms, for a share from 0 to 1; 0 without a time."""
        if isinstance(self.response_times, Times):
            answered = self.num_requests - self.num_none_requests
            return self.response_times.percentile(int(answered * percent))
        percentile: float = super().get_response_time_percentile(percent)
        return percentile

    def get_current_response_time_percentile(self, percent: float) -> float | None:
        """Return a percentile of the newest requests in ms; None where there are none."""
        return self._current(self.method, self.name, percent)


class Times(MutableMapping[float, int]):
    """How many requests took how many ms: eight bytes for each time that can be told apart."""

    def __init__(self) -> None:
        self._counts = array("Q")
        self._summed: array[int] | None = None
        """The sums of all counts up to each; None where they have changed."""

    def __getitem__(self, time: float) -> int:
        place = bucket_of(time)
        if place >= len(self._counts) or not self._counts[place]:
            raise KeyError(time)
        return self._counts[place]

    def __setitem__(self, time: float, count: int) -> None:
        place = bucket_of(time)
        if place >= len(self._counts):
            self._counts.extend([0] * (place + 1 - len(self._counts)))
        self._counts[place] = count
        self._summed = None

    def __delitem__(self, time: float) -> None:
        self[time] = 0

    def __iter__(self) -> Iterator[float]:
        return (time_of(place) for place, count in enumerate(self._counts) if count)

    def __len__(self) -> int:
        return sum(map(bool, self._counts))

    def percentile(self, below: int) -> float:
        """Return the longest time, in ms, that at most `below` requests are shorter than."""
        if self._summed is None:
            self._summed = array("Q", accumulate(self._counts))
        if not self._summed:
            return 0
        return time_of(bisect_right(self._summed, min(below, self._summed[-1] - 1)))
