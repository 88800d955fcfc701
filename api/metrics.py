"""What the API tells of itself: every request, once, and how long it took; and how it is (api/gauges.py,
api/usage.py).

Processes count into files of PROMETHEUS_MULTIPROC_DIR, which outlive a process that ends: its requests stay
counted. run_api.py makes the folder before prometheus_client is imported, which is when it is looked for.
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
#: In the environment, from run_api.py: Unix time.
STARTED = "API_STARTED_AT"


class Counting:
    """Middleware, the outermost: `routes` maps Falcon's templates to routes as the contract writes them."""

    def __init__(self, routes: dict[str, str]) -> None:
        self._routes = routes
        # labels() costs more than the counting itself.
        self._counters: dict[tuple[str, str | None, str], tuple[Counter, Histogram]] = {}

    def process_request(self, request: Request, _response: Response) -> None:
        request.context.began = request.env.get(ARRIVED) or perf_counter()

    def process_response(
        self, request: Request, response: Response, _resource: object, _succeeded: bool
    ) -> None:
        key = (request.method, request.uri_template, str(response.status)[:3])
        counter, histogram = self._counters.get(key) or self._counters_for(key)
        counter.inc()
        histogram.observe(perf_counter() - request.context.began)

    def _counters_for(self, key: tuple[str, str | None, str]) -> tuple[Counter, Histogram]:
        method, template, status = key
        # Names a client may invent must not become labels without end.
        method = method if method in HTTP_METHODS else OTHER
        route = self._routes.get(template or "", OTHER)
        counters = (requests_total.labels(method, route, status), request_seconds.labels(method, route))
        if method != OTHER:
            self._counters[key] = counters
        return counters


class Metrics(Resource):
    """/metrics"""

    @operation(media_type="text/plain")
    def on_get(self, _request: Request, response: Response) -> None:
        """The counters of all processes, as Prometheus text."""
        response.content_type = CONTENT_TYPE_LATEST
        response.data = generate_latest(all_processes())


class StartTime(Collector):
    """When run_api.py started, the same from every process: who reads the counters sees that they began
    again."""

    def collect(self) -> Iterator[Metric]:
        seconds = float(os.environ[STARTED])
        yield GaugeMetricFamily("process_start_time_seconds", "Start of the API, in Unix time", value=seconds)


def all_processes() -> CollectorRegistry:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return REGISTRY
    forget_ended_processes()
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    registry.register(StartTime())
    registry.register(Usage(os.getppid()))
    return registry
