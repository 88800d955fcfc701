"""What there is to measure roles by: their samples, of what each may use."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.samples import Samples
from stampede.targets.evidence import Evidence
from stampede.targets.measuring import measure
from tests.facts import make
from tests.unit.counted import Shop
from tests.unit.targets.test_measuring import OR_OF_CORES, WINDOW, evidence, target


def rows(*values: Any, first: int = 1000, **always: Any) -> list[dict[str, Any]]:
    """Of a role: so much CPU (percent of a core) in each second."""
    return [{"second": first + index, "cpu_percent": value, **always} for index, value in enumerate(values)]


@pytest.mark.parametrize(
    ("text", "samples", "actual"),
    [
        # of what it may use: its limit, else all cores of the machine
        ("cpu of api < 90%", {"api": rows(100, 120, 140)}, 60),
        ("cpu of api < 90%", {"api": rows(100, 120, 140, cpu_limit_cores=1.5)}, 80),
        ("cpu of api < 90%", {"api": rows(100, None, 140)}, 60),
        ("cpu of api < 90% for 2s", {"api": rows(*[100] * 28, 120, 140)}, 65),
        # Python uses one at most
        ("cpu of master < 90%", {"master": rows(50, 70)}, 60),
        ("cpu of master < 90%", {"master": rows(10, cpu_limit_cores=0.1)}, 100),
        ("cpu of workers < 90%", {"workers": {"0-a": rows(50), "1-b": rows(90), "2-c": rows(70)}}, 90),
        # outside of the window
        ("cpu of api < 90%", {"api": [*rows(200, first=990), *rows(100, first=1029)]}, 50),
        # the most there ever was
        ("memory of api < 1GB", {"api": rows(1, memory_mb=100) + rows(1, memory_mb=300, first=1001)}, 300),
        ("memory of api < 90%", {"api": rows(1, memory_mb=100, memory_limit_mb=512)}, 100 * 100 / 512),
        (
            "memory of api < 90%",
            {
                "api": [
                    {"second": 1000, "memory_mb": None, "memory_limit_mb": 512},
                    {"second": 1001, "memory_mb": 100, "memory_limit_mb": 512},
                ]
            },
            100 * 100 / 512,
        ),
        (
            "connections of postgres < 80%",
            {"postgres": rows(1, connections={"active": 10, "idle": 15}, max_connections=100)},
            25,
        ),
        ("connections of postgres <= 80", {"postgres": rows(1, connections={"active": 10, "idle": 15})}, 25),
    ],
)
def test_roles_are_measured_by_their_samples(text: str, samples: dict[str, Any], actual: float) -> None:
    """The average of the CPU, the peak of memory and connections; of the workers the busiest one."""
    assert measure(target(text), evidence(Shop(), **samples), WINDOW).actual == pytest.approx(
        actual, rel=1e-5
    )


def test_of_a_machine_whose_cores_nobody_knows_a_share_is_unknown() -> None:
    """The master's are another machine's. A limit tells what can be used, and so does Python's lock."""
    samples = make(
        Samples,
        api=rows(190, 190),
        postgres=rows(100, 140, cpu_limit_cores=1.5),
        master=rows(50, 70),
        workers={"0-a": rows(50)},
    )
    far_away = Evidence(Shop().counts, lambda: samples, cores=lambda: None)
    of_api = measure(target("cpu of api < 90%"), far_away, WINDOW)
    assert (of_api.actual, of_api.detail) == (None, f"there is no measurement of the cpu of api{OR_OF_CORES}")
    for role, actual in (("postgres", 80), ("master", 60), ("workers", 50)):
        assert measure(target(f"cpu of {role} < 90%"), far_away, WINDOW).actual == pytest.approx(actual)


def test_the_busiest_worker_is_named() -> None:
    workers = {"0-a": rows(50), "1-b": rows(90)}
    reading = measure(target("cpu of workers < 80%"), evidence(Shop(), workers=workers), WINDOW)
    assert reading.detail == "the worst of 2: worker 1-b, 1 sample"
