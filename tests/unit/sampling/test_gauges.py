"""What an API tells of how it is: how it is read, and what is made of it from second to second."""

from __future__ import annotations

import pytest

from stampede.facts.samples import ApiSample
from stampede.sampling.gauges import ApiSamples
from tests.metrics import read

OURS = """
# TYPE process_cpu_seconds_total counter
process_cpu_seconds_total 12.5
process_resident_memory_bytes 1.048576e+08
container_cpu_cfs_throttled_seconds_total 0.25
container_spec_cpu_quota 150000.0
container_spec_cpu_period 100000.0
container_spec_memory_limit_bytes 536870912
container_memory_working_set_bytes 209715200
http_requests_in_flight 16.0
http_requests_waiting 40.0
http_requests_total{method="GET",route="/",status="200"} 7
database_connections 18
database_connections_in_use 16
database_connection_waits_total 3
machine_info{boot_id="671b7c57"} 1.0
"""


def row(*looks: str, seconds: float = 1.0) -> ApiSample:
    """The last row of one address that answered so, one after the other."""
    samples = ApiSamples()
    for number, text in enumerate(looks):
        samples.add("here", read(text).gauges, 100 + number * seconds)
        samples.close(99 + number)
    return samples.rows.all[-1]


def test_all_that_ours_tells_is_in_its_row() -> None:
    """Rates from one look to the next, the rest as it is."""
    later = OURS.replace(" 12.5", " 14.25").replace(" 0.25", " 0.3").replace("waits_total 3", "waits_total 9")
    assert row(OURS, later, seconds=2.0) == ApiSample(
        second=100,
        cpu_percent=87.5,
        cpu_limit_cores=1.5,
        memory_mb=200.0,
        memory_limit_mb=512.0,
        throttled_percent=2.5,
        in_flight=16.0,
        waiting=40.0,
        pool_in_use=16.0,
        pool_size=18.0,
        pool_waits=3.0,
    )


def test_somebody_elses_tells_what_it_tells() -> None:
    """One standard name is enough for a row; what is not known is None."""
    told = row("process_cpu_seconds_total 1", "process_cpu_seconds_total 1.5")
    assert told == ApiSample(second=100, cpu_percent=50.0)


def test_processes_that_are_told_apart_are_added_up() -> None:
    """By whatever labels."""
    text = 'process_cpu_seconds_total{{pid="1"}} {0}\nprocess_cpu_seconds_total{{pid="2"}} {0}'
    assert row(text.format(1), text.format(1.25)).cpu_percent == 50.0


@pytest.mark.parametrize("text", ["", "up 1", "process_cpu_seconds 5", "my_process_cpu_seconds_total 5"])
def test_who_tells_nothing_has_no_rows(text: str) -> None:
    samples = ApiSamples()
    for second in range(3):
        samples.add("here", read(text).gauges, float(second))
        samples.close(second)
    assert samples.rows.all == []


@pytest.mark.parametrize("period", ["0", "5e-324", "1e-300"])
def test_a_period_that_no_kernel_has_is_no_error(period: str) -> None:
    text = f"container_spec_cpu_quota 150000\ncontainer_spec_cpu_period {period}\n"
    assert row(text, text).cpu_limit_cores == 150_000


def test_after_a_restart_there_is_no_rate_until_the_next_look() -> None:
    """Less CPU than before was not used in that second."""
    assert row("process_cpu_seconds_total 80", "process_cpu_seconds_total 1").cpu_percent is None


def test_replicas_are_one_row() -> None:
    """Added up; throttled is as much as the one that was most. One that is silent is left out."""
    samples = ApiSamples()
    for number, (one, other) in enumerate([("0", "0"), ("0.5", "0.25"), ("1", None)]):
        for address, cpu in (("one", one), ("other", other)):
            if cpu is not None:
                text = f"process_cpu_seconds_total {cpu}\nhttp_requests_waiting 3\n"
                text += f"container_cpu_cfs_throttled_seconds_total {cpu}"
                samples.add(address, read(text).gauges, float(number))
        samples.close(number)
    both, alone = samples.rows.all
    assert (both.cpu_percent, both.throttled_percent, both.waiting) == (75.0, 50.0, 6.0)
    assert (alone.cpu_percent, alone.waiting) == (50.0, 3.0)
