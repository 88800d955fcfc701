"""The figures of two runs side by side: which are judged, on how many samples, and what is said of them."""

from __future__ import annotations

from math import exp, sqrt
from random import Random
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from stampede.counting import figures
from stampede.counting.latency import Latencies
from stampede.counting.request import Request
from stampede.facts.figures import Failed, Window
from stampede.facts.run_json import Facts
from stampede.facts.samples import Samples
from stampede.report import side_by_side
from stampede.report.difference import Mark
from stampede.report.side_by_side import Row
from tests import runs
from tests.facts import make
from tests.unit.counted import set_clock

RESPONSE = SimpleNamespace(status_code=200)


def row(a: Facts, b: Facts, name: str, group: str = "whole") -> Row:
    (found,) = (row for row in side_by_side.rows(a, b) if (row.group, row.name) == (group, name))
    return found


def simulated(monkeypatch: pytest.MonkeyPatch, seed: str, factor: float = 1.0) -> Facts:
    """A run of 60 s with 100 requests/s of four routes: a slow second is followed by another slow one."""
    random, clock, latencies = Random(seed), SimpleNamespace(now=0.0), Latencies()  # noqa: S311
    set_clock(monkeypatch, SimpleNamespace(time=lambda: clock.now))
    state = 0.0
    for second in range(60):
        state = 0.5 * state + sqrt(1 - 0.5**2) * random.gauss(0, 1)
        clock.now = runs.START + second + 0.5
        for number in range(100):
            time = 20 * factor * exp(0.1 * state + random.gauss(0, 0.4))
            latencies.count(Request(("GET", f"/{number % 4}"), time, response=RESPONSE))
    window = range(runs.START, runs.START + 60)
    return runs.run(window=figures.window(latencies, window, window, with_blocks=True), samples={})


def test_equal_runs_have_no_difference_and_slower_ones_are_worse(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second is like the one before, the routes are slow together, and many figures are judged."""
    some = [simulated(monkeypatch, f"run {number}") for number in range(6)]
    pairs = [(a, b) for a in some for b in some if a is not b]
    marks = [row.mark for pair in pairs for row in side_by_side.rows(*pair)]
    assert marks.count(Mark.NO_DIFFERENCE) > 25 * len(pairs)
    assert not {Mark.BETTER, Mark.WORSE} & {*marks}
    slower = simulated(monkeypatch, "slower", factor=1.3)
    for a in some:
        assert row(a, slower, "avg, ms").mark is Mark.WORSE
        assert row(a, slower, "p50, ms", "GET /1").mark is Mark.WORSE
        assert row(slower, a, "avg, ms").mark is Mark.BETTER


def test_a_figure_says_how_many_samples_it_needs() -> None:
    """A p99 of 300 requests is that of three."""
    few = replace(runs.window(), total=runs.figures(300, 5.2))
    a, b = runs.run(), runs.run(window=runs.with_blocks(few))
    p99 = row(a, b, "p99, ms")
    assert (p99.mark, p99.needed, p99.interval) == (Mark.TOO_FEW, "1,000 requests", None)
    assert side_by_side.marked(p99) == "too few samples (1,000 requests needed)"
    assert side_by_side.cells(p99)[-1] == "38,900 | 300"
    assert row(a, b, "p95, ms").mark is Mark.NO_DIFFERENCE, "it needs 200"


def test_a_run_without_blocks_is_not_judged() -> None:
    """It was too short, or interrupted: its spread is not known."""
    b = runs.run(window=replace(runs.window(), blocks=[]))
    assert row(runs.run(), b, "avg, ms").needed == "5 blocks"
    assert row(runs.run(), b, "failures, %").mark is Mark.NO_DIFFERENCE


def test_failures_are_of_the_run_and_of_each_route_that_has_any() -> None:
    """A route without any in both runs has no row of them."""
    window = runs.window()
    routes = [replace(window.routes[0], failures=200), *window.routes[1:]]
    b = runs.run(failures=200, window=replace(window, routes=routes))
    assert row(runs.run(), b, "failures, %").mark is Mark.WORSE
    of_routes = [row.group for row in side_by_side.rows(runs.run(), b) if row.name == "failures, %"]
    assert of_routes == ["whole", "GET /products/"]
    assert row(runs.run(), b, "failures, %", "GET /products/").mark is Mark.WORSE


def test_answered_requests_are_the_samples_of_times() -> None:
    window = runs.window()
    failed = make(Failed, unanswered=900, p95_ms=9.0)
    b = runs.run(window=replace(window, total=replace(window.total, failures=1_000, failed=failed)))
    assert side_by_side.cells(row(runs.run(), b, "avg, ms"))[-1] == "38,900 | 38,000"
    assert side_by_side.cells(row(runs.run(), b, "p95 of failed, ms"))[-1] == "– | 1,000"


def test_figures_that_are_neither_better_nor_worse_are_shown() -> None:
    """The longest time is of one request, and CPU rises with the load."""
    window = slow(10)
    b = runs.run(window=replace(window, total=replace(window.total, max_ms=9_000.0)))
    for name, group in (("max, ms", "whole"), ("CPU, % of a core", "API"), ("memory, MB", "PostgreSQL")):
        assert row(runs.run(), b, name, group).mark is None
        assert side_by_side.marked(row(runs.run(), b, name, group)) == ""


def slow(factor: float) -> Window:
    window = runs.window()
    return runs.with_blocks(replace(window, total=runs.longer(window.total, factor)))


def test_cpu_is_judged_for_each_request() -> None:
    """A faster API serves more, and so uses more CPU."""
    a, b = runs.run(), runs.run(window=runs.with_blocks(replace(runs.window(), rps=1496.4)))
    cpu = row(a, b, "CPU, ms per request", "API")
    assert cpu.a is not None
    assert cpu.b is not None
    assert cpu.a.value == pytest.approx(2 * cpu.b.value)
    assert cpu.mark is Mark.BETTER
    assert row(a, b, "requests/s").mark is Mark.BETTER


def test_slower_cores_explain_longer_times() -> None:
    """By as much as they were slower, and not more."""
    workers = {"1-a": [replace(runs.worker(place, 42), same_work_ms=0.375) for place in range(runs.SECONDS)]}
    samples = replace(runs.run().samples, workers=workers)
    assert row(runs.run(), runs.run(window=slow(1.4)), "avg, ms").mark is Mark.WORSE
    assert row(runs.run(), runs.run(window=slow(1.4), samples=samples), "avg, ms").mark is Mark.NO_DIFFERENCE
    assert row(runs.run(), runs.run(window=slow(2.0), samples=samples), "avg, ms").mark is Mark.WORSE
    assert row(runs.run(), runs.run(samples=samples), "ms for the same work", "cores").mark is None


def waiting(percent: float) -> Samples:
    """Samples of a run whose worker used 10 % of a core, and waited for it."""
    changed = [
        replace(runs.worker(place, 10), cpu_percent=10.0, waited_percent=percent)
        for place in range(runs.SECONDS)
    ]
    return replace(runs.run().samples, workers={"1-a": changed})


@pytest.mark.parametrize(
    ("waited_a", "waited_b", "mark"),
    [
        # 4 and 7 times as long as the CPU took: by 1.75 longer times say nothing
        (30.0, 60.0, Mark.NO_DIFFERENCE),
        (60.0, 60.0, Mark.WORSE),
        # below VALID's limit it may be the API itself that takes the cores
        (20.0, 45.0, Mark.WORSE),
    ],
)
def test_workers_without_cores_measure_their_own_waits(waited_a: float, waited_b: float, mark: Mark) -> None:
    a, b = runs.run(samples=waiting(waited_a)), runs.run(samples=waiting(waited_b), window=slow(1.5))
    assert row(a, b, "avg, ms").mark is mark
    b = replace(b, window=slow(3))
    assert row(a, b, "avg, ms").mark is Mark.WORSE, "waits do not explain that"


def test_times_that_differ_by_less_than_they_are_exact_are_the_same() -> None:
    """A GET of 0.4 ms is no worse than one of 0.3 ms."""
    tiny = replace(runs.window(), total=runs.figures(38_900, 0.3))
    a, b = (
        runs.run(window=runs.with_blocks(each))
        for each in (tiny, replace(tiny, total=runs.figures(38_900, 0.4)))
    )
    assert row(a, b, "p50, ms").mark is Mark.NO_DIFFERENCE
    assert row(a, b, "p99, ms").mark is Mark.WORSE


def test_what_only_one_of_them_has_is_shown() -> None:
    """A run without samples, and one with them."""
    cpu = row(runs.run(samples={}), runs.run(), "CPU, ms per request", "API")
    assert (cpu.a, cpu.mark) == (None, None)
    assert cpu.b is not None
    assert side_by_side.cells(cpu)[:1] == ("–",)
