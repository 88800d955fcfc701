"""How the API's own counters and gauges are read, and which values are ignored."""

from __future__ import annotations

import pytest

from stampede.sampling import api_metrics
from stampede.sampling.api_metrics import Metrics
from tests.metrics import NOW, read

ORDER = ("POST", "/orders/", "201")
COUNT = 'http_requests_total{method="GET",route="/",status="200"}'


def test_requests_and_start_are_read() -> None:
    """Of all that an API tells, these."""
    told = read(
        "# HELP http_requests_total Requests answered\n"
        "# TYPE http_requests_total counter\n"
        'http_requests_total{method="POST",route="/orders/",status="201"} 21000.0\n'
        'http_requests_total{method="GET",route="/products/{id}",status="200"} 1.5e+06\n'
        'http_requests_created{method="GET",route="/products/{id}",status="200"} 1.79e+09\n'
        'http_request_duration_seconds_bucket{le="0.1",method="GET",route="/"} 3.0\n'
        "process_start_time_seconds 1.79536e+09\n"
        'machine_info{boot_id="671b7c57"} 1.0\n'
    )
    assert told.requests == {ORDER: 21_000, ("GET", "/products/{id}", "200"): 1_500_000}
    assert told.started == 1.79536e9
    assert told.machine == "671b7c57"
    assert told.ignored == {}


@pytest.mark.parametrize(
    ("line", "route"),
    [
        # what may stand in a value
        (r'http_requests_total{method="GET",route="/a\"b\\c\nd",status="200"} 1', '/a"b\\c\nd'),
        (r'http_requests_total{method="GET",route="/a\\nb",status="200"} 1', r"/a\nb"),
        (r'http_requests_total{method="GET",route="/a\tb",status="200"} 1', r"/a\tb"),
        ('http_requests_total{method="GET",route="/{id}, \\"x=\\"} 5",status="200"} 1', '/{id}, "x="} 5'),
        ('http_requests_total{method="GET",route="",status="200"} 1', ""),
        # blanks, a comma at the end, a time, an exemplar, another order, other labels
        ('http_requests_total { method = "GET" , route="/", status="200", }  1  1795360000000', "/"),
        ('http_requests_total{status="200",route="/",method="GET"} 1.0 # {trace_id="a"} 1', "/"),
        ('http_requests_total{instance="a",method="GET",route="/",status="200"} 1', "/"),
    ],
)
def test_a_sample_is_read_as_prometheus_writes_it(line: str, route: str) -> None:
    """Exactly, whatever a route is called."""
    assert read(line).requests == {("GET", route, "200"): 1}


@pytest.mark.parametrize(
    "count", ["+Inf", "-Inf", "NaN", "-5", "0.5", "1e300", "9" * 900, "many", "", "1_000"]
)
def test_a_count_that_is_not_possible_makes_all_counts_unusable(count: str) -> None:
    """The gauges of the same answer stay."""
    metrics = read(f"{COUNT} {count}\n{COUNT.replace('/', '/x')} 5\nhttp_requests_in_flight 3\n")
    assert metrics.fault is not None
    assert metrics.fault.startswith("http_requests_total")
    assert [*metrics.ignored.values()] == [metrics.fault]
    assert metrics.gauges == {"http_requests_in_flight": 3.0}


@pytest.mark.parametrize("status", ["2xx", "OK", "0", "99999", "٢٠٠", ""])
def test_a_status_that_is_no_number_makes_all_counts_unusable(status: str) -> None:
    """Users count numbers: they would never agree."""
    metrics = read(f'http_requests_total{{method="GET",route="/",status="{status}"}} 5')
    assert "has no number as its status" in (metrics.fault or "")


@pytest.mark.parametrize(
    "line",
    [
        'http_requests_total{method="POST',
        'http_requests_total{method="POST",route="/\xff",status="201"} 5',
        'http_requests_total{method="POST",method="GET",route="/",status="201"} 5',
        f'http_requests_total{{method="POST",route="/{"a" * 1000}",status="201"}} 5',
        'http_requests_total{a="b"' + " " * 32_768 + "x",
        'http_requests_total{a="' + "\\" * 900,
        "http_requests_total{" + '"' * 900,
    ],
)
def test_a_count_that_cannot_be_read_makes_all_counts_unusable(line: str) -> None:
    metrics = read(f"{line}\n{COUNT} 5\n".encode("latin-1"))
    assert "cannot be read, or is too long" in (metrics.fault or "")
    assert len(metrics.fault or "") < 200


@pytest.mark.parametrize("started", ["NaN", "+Inf", "-1", "0", "1.764e12", str(NOW + 3600)])
def test_a_start_that_is_not_in_the_past_is_ignored(started: str) -> None:
    """In ms, for example. The counts stay usable."""
    metrics = read(f"{COUNT} 5\nprocess_start_time_seconds {started}\n")
    assert metrics.started is None
    assert metrics.fault is None
    assert "is not a time in the past" in metrics.ignored["process_start_time_seconds"]


def test_a_start_by_a_clock_that_is_ahead_is_read() -> None:
    assert read(f"process_start_time_seconds {NOW + 30}").started == NOW + 30


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-1", "1e300"])
def test_a_gauge_that_is_not_possible_is_ignored(value: str) -> None:
    """It would be in a chart, in a sum, and in JSON, which has no NaN."""
    metrics = read(f"http_requests_in_flight {value}\nhttp_requests_waiting 4\n")
    assert metrics.gauges == {"http_requests_waiting": 4.0}
    assert [*metrics.ignored] == ["http_requests_in_flight"]


@pytest.mark.parametrize("boot_id", ["", "a b", "x" * 65, "é"])
def test_a_machine_without_an_id_is_none(boot_id: str) -> None:
    assert read(f'machine_info{{boot_id="{boot_id}"}} 1').machine is None


def test_an_answer_with_too_many_samples_is_not_read_to_its_end() -> None:
    line = 'http_requests_total{{method="GET",route="/{}",status="200"}} 1'
    metrics = read("\n".join(line.format(number) for number in range(9000)))
    assert metrics.fault == "more than 3,000 samples"
    assert len(metrics.requests) == api_metrics.MOST_SAMPLES


def test_few_ignored_samples_are_listed() -> None:
    gauges = "\n".join(f'http_requests_waiting{{pid="{pid}"}} NaN' for pid in range(99))
    assert len(read(gauges).ignored) == api_metrics.MOST_IGNORED


def test_samples_that_differ_in_other_labels_are_added() -> None:
    """An API may tell its processes apart; the users do not."""
    line = 'http_requests_total{{pid="{}",method="POST",route="/orders/",status="201"}} 2\n'
    assert read(line.format(1) + line.format(2)).requests == {ORDER: 4}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<!doctype html><title>Welcome</title>",
        'http_requests_total{handler="/orders/",method="POST",status="2xx"} 5',
        "http_requests_total 5",
        'http_requests_total_sum{method="POST",route="/",status="201"} 5',
        'process_start_time_seconds{pid="7"} 5',
        'machine_info{name="a"} 1',
        "# http_requests_in_flight NaN",
    ],
)
def test_other_text_tells_nothing(text: str) -> None:
    """No error either: who knows what somebody else's API answers there."""
    assert read(text) == Metrics()
