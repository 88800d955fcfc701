"""Reads an API's metrics as a whole."""

from __future__ import annotations

from stampede.sampling import api_metrics
from stampede.sampling.api_metrics import Metrics

NOW = 1_795_400_000.0
"""The time at which all answers are read, in seconds since the epoch."""


def read(content: str | bytes) -> Metrics:
    """The metrics in an answer."""
    reading = api_metrics.read(content.encode() if isinstance(content, str) else content, NOW)
    while True:
        try:
            next(reading)
        except StopIteration as end:
            metrics: Metrics = end.value
            return metrics
