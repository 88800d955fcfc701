"""The metrics of the API: each request, counted once and timed. More are in api/gauges.py and api/usage.py.

Each process counts into files in PROMETHEUS_MULTIPROC_DIR. The files outlive their process: its requests stay
counted. run_api.py creates the folder before the processes start: prometheus_client looks for it on import.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from time import perf_counter

from falcon import HTTP_METHODS, Request, Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
)
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from api.admission import ARRIVED
from api.openapi import operation
from api.resource import Resource
from api.usage import Usage, forget_ended_processes

requests_total = Counter("http_requests", "Requests answered", ["method", "route", "status"])
request_seconds = Histogram(
    "http_request_duration_seconds",
    "Seconds from the request's arrival to its answer",
    ["method", "route"],
    buckets=(0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2),
)

OTHER = "other"
#: The environment variable in which run_api.py passes its start, in Unix time.
STARTED_AT = "API_STARTED_AT"


class CountingMiddleware:
    """The outermost middleware; `routes` maps Falcon's templates to the paths as the contract writes them."""

    def __init__(self, routes: dict[str, str]) -> None:
        self._routes = routes
        # A cache: labels() costs more than the counting itself.
        self._counters: dict[tuple[str, str | None, str], tuple[Counter, Histogram]] = {}

    def process_request(self, request: Request, _response: Response) -> None:
        """Note when the request arrived, before it waited for a place."""
        request.context.began = request.env.get(ARRIVED) or perf_counter()

    def process_response(
        self, request: Request, response: Response, _resource: object, _succeeded: bool
    ) -> None:
        """Count the request and its duration."""
        key = (request.method, request.uri_template, str(response.status)[:3])
        counter, histogram = self._counters.get(key) or self._counters_for(key)
        counter.inc()
        histogram.observe(perf_counter() - request.context.began)

    def _counters_for(self, key: tuple[str, str | None, str]) -> tuple[Counter, Histogram]:
        method, template, status = key
        # Clients can invent methods and paths: each would create another label.
        method = method if method in HTTP_METHODS else OTHER
        route = self._routes.get(template or "", OTHER)
        counters = (requests_total.labels(method, route, status), request_seconds.labels(method, route))
        if method != OTHER:
            self._counters[key] = counters
        return counters


class Metrics(Resource):
    """The resource at /metrics."""

    @operation(media_type="text/plain")
    def on_get(self, _request: Request, response: Response) -> None:
        """Return the metrics of all processes, as Prometheus text."""
        response.content_type = CONTENT_TYPE_LATEST
        response.data = generate_latest(registry_of_all_processes())


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
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    forget_ended_processes()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(StartTime())
    registry.register(Usage(os.getppid()))
    return registry
