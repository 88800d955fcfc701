"""The metrics of the peers: the API's own counter and histogram, with cached labels as in api/metrics.py."""

from __future__ import annotations

from time import perf_counter

from prometheus_client import Counter, Histogram


class Metrics:
    """Counts requests. The files in PROMETHEUS_MULTIPROC_DIR hold the counts, as for the API."""

    def __init__(self) -> None:
        self._requests = Counter("http_requests", "Requests answered", ["method", "route", "status"])
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Seconds from the request's arrival to its answer",
            ["method", "route"],
            buckets=(0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2),
        )
        self._known: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self.now = perf_counter

    def count(self, method: str, route: str, status: int, began: float) -> None:
        """Count a request that has been answered now."""
        key = (method, route, status)
        if key not in self._known:
            self._known[key] = (
                self._requests.labels(method, route, str(status)),
                self._seconds.labels(method, route),
            )
        counter, histogram = self._known[key]
        counter.inc()
        histogram.observe(self.now() - began)
