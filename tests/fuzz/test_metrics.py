"""Whatever an API answers to `GET /metrics` is read or ignored, in time that grows with its size."""

from __future__ import annotations

import math

import msgspec
from hypothesis import example, given

from stampede.sampling.replica import Replica
from tests.fuzz.cases import case, length
from tests.fuzz.inputs import MOST_CHARACTERS, texts
from tests.metrics import NOW, read

COUNT = 'http_requests_total{method="GET",route="/",status="200"}'

TOKENS = (
    *(f"{COUNT} 7\n", "http_requests_total", "http_requests_total{", 'http_requests_total{a="b"'),
    *("{", "}", ",", "=", 'method="GET"', 'route="/"', 'status="200"', '"', '\\"', "\\\\", "\\", " ", "\t"),
    *(" 1\n", " NaN\n", " +Inf\n", " -Inf\n", "-1\n", "1e400\n", "1e308\n", "9" * 5000 + "\n", "\r\n"),
    *("process_start_time_seconds 1795381620\n", "process_start_time_seconds", 'machine_info{boot_id="'),
    *("# HELP x\n", "# TYPE x counter\n", "process_cpu_seconds_total", 'process_cpu_seconds_total{a="b"} '),
    *("http_requests_in_flight ", "http_requests_in_flight NaN\n", "database_connections 5\n"),
)

ENDLESS_LABELS = "".join(f"{COUNT.replace('/', f'/{number}')} 1\n" for number in range(9000))


@length()
@example('http_requests_total{a="b"' + " " * 32_768 + "x\n", "")  # it took 8 s
@example(COUNT[:-1] + "," * 32_768 + "\n", "")
@example("http_requests_total{" + 'a="\\"' * 12_000 + "} 5\n", "")
@example("http_requests_total" * 3_000, "http_requests_total " * 3_000)
@example("x" * 500_000, "\n" * 500_000)
@example(f"{COUNT} NaN\nhttp_requests_in_flight NaN\nprocess_start_time_seconds NaN\n", f"{COUNT} 5\n")
@example(f"{COUNT} +Inf\ndatabase_connections +Inf\nprocess_start_time_seconds +Inf\n", f"{COUNT} 5\n")
@example(f"{COUNT} 9e18\n" * 3, "database_connections 9e18\n" * 3)
@example(ENDLESS_LABELS, ENDLESS_LABELS.replace("/", "/other/"))
@given(texts(TOKENS), texts(TOKENS))
def test_a_text_is_read_or_ignored(first: str, second: str) -> None:
    with case("/metrics"):
        before = read(first.encode(errors="replace"))
        after = read(second.encode(errors="replace"))
        replica = Replica(before, NOW, before.requests)
        replica.update(after, NOW + 1)
        for metrics in (before, after):
            assert all(type(count) is int and count >= 0 for count in metrics.requests.values())
            assert all(math.isfinite(value) for value in metrics.gauges.values())
            assert len(msgspec.json.encode(list(metrics.ignored.values()))) < MOST_CHARACTERS
        assert all(count > 0 for count in replica.requests.values())
