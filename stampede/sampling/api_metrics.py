"""Reads an API's answer to `GET /metrics`, and ignores the values in it that are not possible. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field

from stampede.sampling.gauges import GAUGES, Gauges
from stampede.sampling.prometheus_text import BadLine, Sample, samples

METRICS = "/metrics"

REQUESTS = "http_requests_total"
NAMES = {REQUESTS, "process_start_time_seconds", "machine_info", *GAUGES}

MOST_SAMPLES = 3000
"""Samples that are read of one answer. So many take 0.1 s of CPU."""

MOST_IGNORED = 5
"""Ignored samples of one answer that are listed."""

MOST_CLOCK_SKEW = 60.0
"""Seconds by which the clock of the API's machine may be ahead of ours."""

LONGEST_SHOWN = 120
"""Characters of an ignored sample that are listed."""

LARGEST = float(2**63)
"""Values from here on are not possible: the kernel, too, counts bytes in 64 bits."""

STATUS = re.compile(r"[1-9]\d\d", re.ASCII)
BOOT_ID = re.compile(r"[\w-]{1,64}", re.ASCII)

RequestKey = tuple[str, str, str]
"""A method, a route and a status."""


@dataclass(slots=True)
class Metrics:
    """The content of one answer of an API."""

    requests: Counter[RequestKey] = field(default_factory=Counter)
    started: float | None = None
    """When the API's process started, in seconds since the epoch."""
    gauges: Gauges = field(default_factory=dict)
    machine: str | None = None
    """The id of the machine that it runs on."""
    ignored: dict[str, str] = field(default_factory=dict)
    """Samples that were ignored, each with the reason, by their text without the value."""
    fault: str | None = None
    """Why the counts of requests cannot be used."""


def read(content: bytes | bytearray, now: float) -> Generator[None, None, Metrics]:
    """Return the request counters and gauges in Prometheus text. Other lines are ignored.

    `now` is the time in seconds since the epoch. A generator: it yields again and again, each time after less
    than 1 ms of work, so that the caller can pause.
    """
    metrics, number = Metrics(), 0
    for sample in samples(content, NAMES):
        yield
        if sample is not None:
            number += 1
            _add(metrics, sample, now)
        if number >= MOST_SAMPLES:
            metrics.fault = f"more than {MOST_SAMPLES:,} samples"
            break
    return metrics


def _add(metrics: Metrics, sample: Sample | BadLine, now: float) -> None:
    """Add a sample to the metrics, or to their ignored samples. Names with other labels are skipped."""
    match sample:
        case BadLine():
            _ignore(metrics, sample.name, sample.text, "cannot be read, or is too long")
        case Sample(name="http_requests_total", labels={"method": method, "route": route, "status": status}):
            if reason := _why_no_count(sample.value, status):
                _ignore(metrics, sample.name, _series(sample), reason)
            else:
                metrics.requests[method, route, status] += int(sample.value)
        case Sample(name="process_start_time_seconds", value=value) if not sample.labels:
            if 0 < value < now + MOST_CLOCK_SKEW:
                metrics.started = value
            else:
                _ignore(metrics, sample.name, sample.name, f"{value:.10g} is not a time in the past")
        case Sample(name="machine_info", labels={"boot_id": boot_id}):
            metrics.machine = boot_id if BOOT_ID.fullmatch(boot_id) else None
        case Sample(name=name, value=value) if name in GAUGES:
            if 0 <= value < LARGEST:
                metrics.gauges[name] = metrics.gauges.get(name, 0.0) + value
            else:
                _ignore(metrics, name, _series(sample), f"{value:g} is not possible")


def _why_no_count(value: float, status: str) -> str | None:
    if not STATUS.fullmatch(status):
        return "has no number as its status"
    is_count = 0 <= value < LARGEST and value.is_integer()
    return None if is_count else f"{value:g} is not a number of requests"


def _series(sample: Sample) -> str:
    """Return a sample without its value, as Prometheus writes it."""
    labels = ",".join(f'{name}="{value}"' for name, value in sample.labels.items())
    return f"{sample.name}{{{labels}}}" if labels else sample.name


def _ignore(metrics: Metrics, name: str, series: str, reason: str) -> None:
    short = series if len(series) <= LONGEST_SHOWN else f"{series[: LONGEST_SHOWN - 1]}…"
    if len(metrics.ignored) < MOST_IGNORED:
        metrics.ignored[short] = f"{short} {reason}"
    if name == REQUESTS and metrics.fault is None:
        metrics.fault = f"{short} {reason}"
