"""A report is at most 1.6 MB, however long the run was and whatever went wrong."""

from __future__ import annotations

from math import sin
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from stampede.counting.latency import Latencies
from stampede.counting.over_time import routes_over_time
from stampede.counting.request import Request
from stampede.facts.event import Event
from stampede.facts.run_json import Facts
from stampede.facts.samples import Samples
from stampede.report import routes_over_time as by_route
from stampede.report.charts import charts
from stampede.report.page import page
from stampede.verdict.verdict import verdict
from tests import runs
from tests.unit.counted import set_clock

MOST_BYTES = 1_600_000

OF_THE_BASIC_BUNDLE = {"scatter", "bar", "pie"}


def counted(monkeypatch: pytest.MonkeyPatch, seconds: int, routes: int) -> Latencies:
    """What workers count in a run: times differ from second to second, as they do in a real one."""
    clock = SimpleNamespace(now=0.0)
    set_clock(monkeypatch, SimpleNamespace(time=lambda: clock.now))
    latencies = Latencies()
    for place in range(seconds):
        clock.now = runs.START + place + 0.5
        for route in range(routes):
            for number in range(6):
                time = (number + 1) * (12.3 + 9 * sin(place * 1.7 + route)) + 0.1 * (place % 7)
                error = ValueError() if (place + route + number) % 50 == 0 else None
                latencies.count(Request(("GET", f"/a/route/of/some/length/{route}/{{id}}"), time, error))
    return latencies


def long_run(monkeypatch: pytest.MonkeyPatch, seconds: int, routes: int) -> Facts:
    """A run in which much was counted, and much went wrong."""
    places = range(seconds)
    window = range(runs.START + 5, runs.START + seconds - 5)
    latencies = counted(monkeypatch, seconds, routes)
    usual = runs.second(10)
    statuses = ("200", "201", "204", "404", "409", "422", "500", "503", "0")
    rows = [
        replace(
            usual,
            second=runs.START + place,
            requests=740 + place % 13,
            failures=place % 5,
            outcomes=dict.fromkeys(statuses, 20 + place % 17),
            p50_ms=3.1 + place % 9 / 10,
            p95_ms=14.2 + place % 11,
            p99_ms=31.7 + place % 23,
        )
        for place in places
    ]
    samples = Samples(
        api=[runs.api(place) for place in places],
        postgres=[runs.postgres(place) for place in places],
        master=[runs.master(place) for place in places],
        workers={f"{number}-a1b2c3": [runs.worker(place, 40) for place in places] for number in range(1, 9)},
    )
    facts = {f"key_{number}": "some text of a fact" for number in range(4)}
    run = runs.run(
        errors=[runs.error(name=f"/route/{n}", sample={"status": 500, "body": "<" * 500}) for n in range(60)],
        targets=[runs.target(f"p{percent}", 1.0, 9.0) for percent in range(80, 99)],
        failures=900,
    )
    window_facts = run.window and replace(run.window, end=window.stop, seconds=len(window))
    return replace(
        run,
        seconds=rows,
        samples=samples,
        window=window_facts,
        events=[Event(name="api_restarted", at=runs.START + 2.5 * n, facts=facts) for n in range(240)],
        routes_over_time=routes_over_time(latencies, range(runs.START, runs.START + seconds), window, window),
    )


@pytest.mark.parametrize(("seconds", "routes"), [(600, 12), (600, 40), (3600, 12)])
def test_a_report_has_its_limit(monkeypatch: pytest.MonkeyPatch, seconds: int, routes: int) -> None:
    """Ten minutes, ten minutes of many routes, and an hour."""
    run = long_run(monkeypatch, seconds, routes)
    assert len(page(run, verdict(run), ["locust.html"]).encode()) <= MOST_BYTES


def test_every_chart_can_be_drawn_by_the_basic_bundle() -> None:
    run = runs.run()
    traces = [trace for chart in charts(run) for trace in chart.figure["data"]]
    traces += [trace for drawn in by_route.traces(run).values() for each in drawn.values() for trace in each]
    assert {trace["type"] for trace in traces} <= OF_THE_BASIC_BUNDLE
    assert {"scatter", "bar"} <= {trace["type"] for trace in traces}


def test_a_long_run_keeps_its_highest_values(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line has a point for several seconds then, and ends where the run ends."""
    run = long_run(monkeypatch, 2000, 1)
    slow = [replace(row, p99_ms=77_777.0) if place == 1234 else row for place, row in enumerate(run.seconds)]
    (chart,) = [chart for chart in charts(replace(run, seconds=slow)) if chart.id == "latency"]
    p99 = next(trace for trace in chart.figure["data"] if trace["name"] == "p99")
    assert max(p99["y"]) == 77_777.0
    assert (p99["dx"], len(p99["y"])) == (4000, 500)
