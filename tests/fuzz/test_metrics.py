"""Whatever an API answers to `GET /metrics` is read or refused, in time that grows with its size."""

from __future__ import annotations

from hypothesis import given

from stampede.sampling.api_metrics import Replica, read
from tests.fuzz.cases import case, length
from tests.fuzz.inputs import texts

TOKENS = (
    *(
        'http_requests_total{method="GET",route="/",status="200"} 7\n',
        "http_requests_total",
        "http_requests_total{",
        'http_requests_total{a="b"',
        "{",
        "}",
        ",",
        "=",
    ),
    *(
        'method="GET"',
        'route="/"',
        'status="200"',
        '"',
        '\\"',
        "\\\\",
        "\\",
        " ",
        "\t",
        " 1\n",
        " NaN\n",
        " +Inf\n",
    ),
    *(
        "process_start_time_seconds 1795381620\n",
        "process_start_time_seconds",
        "# HELP x\n",
        "# TYPE x counter\n",
    ),
    *(
        'machine_info{boot_id="',
        "process_cpu_seconds_total",
        'process_cpu_seconds_total{a="b"} ',
        "\r\n",
        "-1\n",
    ),
    *("http_requests_in_flight ", "1e400\n", "1e308\n", "9" * 5000 + "\n", "database_connections 5\n"),
)


@length()
@given(texts(TOKENS), texts(TOKENS))
def test_a_text_is_read_or_refused(first: str, second: str) -> None:
    with case("/metrics", ValueError):
        replica = Replica(read(first), 1.0, {})
        replica.update(read(second), 2.0)
        assert all(isinstance(count, int) for count in replica.requests.values())
