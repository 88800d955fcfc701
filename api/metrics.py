"""The metrics of the API: each request, counted once and timed. More are in api/gauges.py and api/usage.py.

Each process counts into files in PROMETHEUS_MULTIPROC_DIR (api/request_counts.py). The files outlive their
process: its requests stay counted. run_api.py creates the folder before the processes start, because
prometheus_client looks for it on import.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from itertools import accumulate
from operator import add
from pathlib import Path
from time import perf_counter

from falcon import HTTP_METHODS, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from api.admission import ARRIVED
from api.openapi import operation
from api.request_counts import BOUNDS, Labels, RequestCounts, Series
from api.resource import Resource
from api.usage import Usage, forget_ended_processes

#: The environment variable with the folder of all processes' counts.
FOLDER = "PROMETHEUS_MULTIPROC_DIR"
COUNTS = RequestCounts(Path(folder) if (folder := os.environ.get(FOLDER)) else None)

OTHER = "other"
#: The environment variable in which run_api.py passes its start, in Unix time.
STARTED_AT = "API_STARTED_AT"


class CountingMiddleware:
    """The outermost middleware; `routes` maps Falcon's templates to the paths as the contract writes them."""

    def __init__(self, routes: dict[str, str]) -> None:
        self._routes = routes
        # A cache: it costs more to find the labels than to count.
        self._series: dict[tuple[str, str | None, str], Series] = {}

    def process_request(self, request: Request, _response: Response) -> None:
        """Note when the request arrived, before it waited for a place."""
        request.context.began = request.env.get(ARRIVED) or perf_counter()

    def process_response(
        self, request: Request, response: Response, _resource: object, _succeeded: bool
    ) -> None:
        """Count the request and its duration."""
        key = (request.method, request.uri_template, str(response.status)[:3])
        series = self._series.get(key) or self._series_for(key)
        series.add(perf_counter() - request.context.began)

    def _series_for(self, key: tuple[str, str | None, str]) -> Series:
        method, template, status = key
        # Clients can invent methods and paths: each would create another label.
        method = method if method in HTTP_METHODS else OTHER
        series = COUNTS.series((method, self._routes.get(template or "", OTHER), status))
        if method != OTHER:
            self._series[key] = series
        return series


class Metrics(Resource):
    """The resource at /metrics."""

    @operation(media_type="text/plain")
    def on_get(self, _request: Request, response: Response) -> None:
        """Return the metrics of all processes, as Prometheus text."""
        response.content_type = CONTENT_TYPE_LATEST
        response.data = generate_latest(registry_of_all_processes())


class Requests(Collector):
    """The requests of all processes: how many by method, route and status, and their times."""

    def collect(self) -> Iterator[Metric]:
        """Yield the counter and the histogram, which has no status."""
        requests: dict[Labels, int] = defaultdict(int)
        buckets: dict[tuple[str, str], list[int]] = {}
        seconds: dict[tuple[str, str], float] = defaultdict(float)
        for labels, counted, summed in COUNTS.of_all_processes():
            requests[labels] += sum(counted)
            so_far = buckets.get(labels[:2], [0] * len(counted))
            buckets[labels[:2]] = [*map(add, so_far, counted)]
            seconds[labels[:2]] += summed
        yield counter_of(requests)
        yield histogram_of(buckets, seconds)


def counter_of(requests: dict[Labels, int]) -> Metric:
    """Return the counter of requests."""
    counter = CounterMetricFamily("http_requests", "Requests answered", labels=["method", "route", "status"])
    for labels, number in requests.items():
        counter.add_metric(labels, number)
    return counter


def histogram_of(buckets: dict[tuple[str, str], list[int]], seconds: dict[tuple[str, str], float]) -> Metric:
    """Return the histogram of response times; each of Prometheus's buckets includes all smaller ones."""
    text = "Seconds from the request's arrival to its answer"
    histogram = HistogramMetricFamily("http_request_duration_seconds", text, labels=["method", "route"])
    bounds = [*map(floatToGoString, BOUNDS), "+Inf"]
    for labels, counted in buckets.items():
        histogram.add_metric(labels, [*zip(bounds, accumulate(counted), strict=True)], seconds[labels])
    return histogram


class StartTime(Collector):
    """The start of run_api.py, the same from every process.

    It shows a reader of the counters that they have restarted from zero.
    """

    def collect(self) -> Iterator[Metric]:
        """Yield the gauge."""
        seconds = float(os.environ[STARTED_AT])
        yield GaugeMetricFamily("process_start_time_seconds", "Start of the API, in Unix time", value=seconds)


def registry_of_all_processes() -> CollectorRegistry:
    """Return a registry that covers all processes, or this process alone if no folder is set."""
    registry = CollectorRegistry()
    registry.register(Requests())
    if FOLDER not in os.environ:
        return registry
    forget_ended_processes()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(StartTime())
    registry.register(Usage(os.getppid()))
    return registry
