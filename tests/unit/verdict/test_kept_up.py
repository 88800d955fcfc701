"""Did the generator keep up? Each check by its figures: within its limit, beyond it, and not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from stampede.facts.run_json import Facts
from stampede.facts.verdict_json import Check
from stampede.report import formatting
from stampede.verdict.kept_up import (
    clocks_agree,
    master_kept_up,
    workers_got_cores,
    workers_had_cpu,
    workers_not_throttled,
    workers_on_time,
)
from tests.facts import facts

START = 1767225600
"""2026-01-01 00:00:00 UTC."""
WINDOW = {"start": START, "end": START + 10}
SHARED = {"machine": {"generator_shares_cores": True}}


def rows(first: int = 0, end: int = 10, **figures: Any) -> list[dict[str, Any]]:
    """Of the seconds from `first` until before `end`."""
    return [{"second": START + second, **figures} for second in range(first, end)]


def run(**changes: Any) -> Facts:
    return facts(**{"window": WINDOW, "profile": "ci", "users": 20, **changes})


def workers(by_worker: dict[str, list[dict[str, Any]]], **changes: Any) -> Facts:
    return run(samples={"workers": by_worker}, **changes)


def moved(second: int, name: str = "worker_joined") -> dict[str, Any]:
    return {"name": name, "at": START + second, "id": "b"}


def told(check: Check) -> tuple[str, str, Any]:
    return check.verdict, check.detail, check.actual


@pytest.mark.parametrize(
    ("changes", "verdict", "detail", "actual"),
    [
        (
            {"hub_lag": {"a": {"p99_ms": 1.3}, "b": {"p99_ms": 4.9}}},
            "PASS",
            "event loop lag p99 4.9 ms (limit < 5 ms), worker b",
            4.9,
        ),
        (
            {"hub_lag": {"a": {"p99_ms": 5.0}}},
            "UNKNOWN",
            "event loop lag p99 5 ms (limit < 5 ms), worker a",
            5.0,
        ),
        # nobody else is on its cores: that it waited for one is its own affair
        (
            {"hub_lag": {"a": {"p99_ms": 9.0, "own_p99_ms": 1.0}}},
            "UNKNOWN",
            "event loop lag p99 9 ms (limit < 5 ms), worker a",
            9.0,
        ),
        # the target is on its cores
        (
            {**SHARED, "hub_lag": {"a": {"p99_ms": 9.0, "own_p99_ms": 1.0}}},
            "PASS",
            "event loop lag p99 1 ms (limit < 5 ms), 9 ms with waits for a core (limit < 50 ms), worker a",
            1.0,
        ),
        (
            {**SHARED, "hub_lag": {"a": {"p99_ms": 9.0, "own_p99_ms": 8.0}}},
            "UNKNOWN",
            "event loop lag p99 8 ms (limit < 5 ms), 9 ms with waits for a core (limit < 50 ms), worker a",
            8.0,
        ),
        # its ramp is shown, and does not count
        (
            {
                "hub_lag": {"a": {"p99_ms": 1.0, "own_p99_ms": 1.0}},
                "ramp_lag": {"a": {"p99_ms": 3.0}, "b": {"p99_ms": 80.0, "own_p99_ms": 70.0}},
            },
            "PASS",
            "event loop lag p99 1 ms (limit < 5 ms), worker a; in the ramp 70 ms, worker b",
            1.0,
        ),
        # of a worker whose lag in the ramp is not known, nothing is shown
        (
            {"hub_lag": {"a": {"p99_ms": 1.0}}, "ramp_lag": {"a": {"p99_ms": None}}},
            "PASS",
            "event loop lag p99 1 ms (limit < 5 ms), worker a",
            1.0,
        ),
        # it waits for so long that its times are of its waits
        (
            {
                **SHARED,
                "hub_lag": {
                    "a": {"p99_ms": 50.0, "own_p99_ms": 1.0},
                    "b": {"p99_ms": 4.0, "own_p99_ms": 3.9},
                },
            },
            "UNKNOWN",
            "event loop lag p99 1 ms (limit < 5 ms), 50 ms with waits for a core (limit < 50 ms), worker a"
            ": other programs keep its machine busy",
            50.0,
        ),
        # the worker that is nearest to one of its limits
        (
            {
                **SHARED,
                "hub_lag": {
                    "a": {"p99_ms": 14.0, "own_p99_ms": 1.0},
                    "b": {"p99_ms": 4.0, "own_p99_ms": 3.9},
                },
            },
            "PASS",
            "event loop lag p99 3.9 ms (limit < 5 ms), 4 ms with waits for a core (limit < 50 ms), worker b",
            3.9,
        ),
        # it waits for what its own container may not have
        (
            {
                **SHARED,
                "hub_lag": {"a": {"p99_ms": 9.0, "own_p99_ms": 1.0}},
                "samples": {"workers": {"a": rows(throttled_percent=1.0)}},
            },
            "UNKNOWN",
            "event loop lag p99 9 ms (limit < 5 ms), worker a",
            9.0,
        ),
        # the kernel does not tell how long it waited
        (
            {**SHARED, "hub_lag": {"a": {"p99_ms": 9.0, "own_p99_ms": None}}},
            "UNKNOWN",
            "event loop lag p99 9 ms (limit < 5 ms), worker a",
            9.0,
        ),
    ],
)
def test_the_hub_of_the_worst_worker_counts(
    changes: dict[str, Any], verdict: str, detail: str, actual: float
) -> None:
    """It is late for a hundredth of what it measures, by so much."""
    assert told(workers_on_time(run(**changes))) == (verdict, detail, actual)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"overload": True}, "not checked: an overload uses all cores"),
        ({"races": [{"shots": 9}]}, "not checked: racers send all at once"),
    ],
)
def test_where_greenlets_are_to_wait_their_lag_is_told_and_not_judged(
    changes: dict[str, Any], reason: str
) -> None:
    """Other checks say whether that was worth it."""
    check = workers_on_time(run(hub_lag={"a": {"p99_ms": 30.0}}, **changes))
    assert check.verdict == "NOT_ASKED"
    assert check.detail.startswith(f"event loop lag p99 30 ms (limit < 5 ms), worker a: {reason}")


@pytest.mark.parametrize(
    ("worker", "verdict", "detail", "actual"),
    [
        (rows(cpu_percent=89.9, cpu_limit_cores=None), "PASS", "worker b used 90 % of a core", 89.9),
        (rows(cpu_percent=90.0, cpu_limit_cores=None), "UNKNOWN", "worker b used 90 % of a core", 90.0),
        # a second that was full is not the window
        (
            [*rows(0, 9, cpu_percent=50.0), *rows(9, 10, cpu_percent=100.0)],
            "PASS",
            "worker b used 55 % of a core",
            55.0,
        ),
        # all that its container may have
        (
            rows(cpu_percent=45.5, cpu_limit_cores=0.5),
            "UNKNOWN",
            "worker b used 46 % of a core, of which it may have 0.5",
            91.0,
        ),
        # the same, also where it waited for a core
        (
            rows(cpu_percent=45.5, cpu_limit_cores=0.5, waited_percent=1.0),
            "UNKNOWN",
            "worker b used 46 % of a core, of which it may have 0.5, and waited 1 % of the time for one",
            91.0,
        ),
        # more than it can use
        (rows(cpu_percent=80.0, cpu_limit_cores=2.0), "PASS", "worker b used 80 % of a core", 80.0),
        # it would have used more, and others had the cores
        (
            rows(cpu_percent=40.0, waited_percent=55.0),
            "UNKNOWN",
            "worker b used 40 % of a core, and waited 55 % of the time for one",
            95.0,
        ),
        # what comes before and after the window is not of it
        (
            [
                *rows(-5, 0, cpu_percent=100.0),
                *rows(cpu_percent=20.0),
                *rows(10, 15, cpu_percent=100.0),
            ],
            "PASS",
            "worker b used 20 % of a core",
            20.0,
        ),
        # a second of which nothing is known
        (
            [*rows(cpu_percent=20.0), {"second": START, "cpu_percent": None}],
            "PASS",
            "worker b used 20 % of a core",
            20.0,
        ),
    ],
)
def test_the_busiest_worker_has_time_left(
    worker: list[dict[str, Any]], verdict: str, detail: str, actual: float
) -> None:
    """One that uses all of a core does not send what it should."""
    check = workers_had_cpu(workers({"a": rows(cpu_percent=3.0), "b": worker}))
    assert told(check) == (verdict, detail, actual)


@pytest.mark.parametrize(
    ("percent", "verdict", "detail"),
    [
        (49.9, "PASS", "worker b waited for a core 50 % of the window"),
        (
            50.0,
            "UNKNOWN",
            "worker b waited for a core 50 % of the window: other programs keep its machine busy",
        ),
    ],
)
def test_a_worker_gets_a_core_when_it_wants_one(percent: float, verdict: str, detail: str) -> None:
    """Also one that uses little of it: what it measures is the wait."""
    both = {"a": rows(waited_percent=3.0), "b": rows(cpu_percent=2.0, waited_percent=percent)}
    assert told(workers_got_cores(workers(both))) == (verdict, detail, percent)


def test_in_an_overload_everybody_waits_for_a_core() -> None:
    """What a worker uses itself is judged all the same."""
    waiting = workers({"a": rows(cpu_percent=25.0, waited_percent=74.0)}, overload=True)
    assert workers_had_cpu(waiting).verdict == "PASS"
    assert workers_got_cores(waiting).verdict == "NOT_ASKED"
    busy = workers({"a": rows(cpu_percent=95.0, waited_percent=4.0)}, overload=True)
    assert workers_had_cpu(busy).verdict == "UNKNOWN"


@pytest.mark.parametrize(
    ("percent", "verdict", "detail"),
    [
        (4.9, "PASS", "worker b was throttled for 4.9 % of the window"),
        (
            5.0,
            "UNKNOWN",
            "worker b was throttled for 5.0 % of the window by its CPU limit: set a higher WORKER_CPUS, "
            "or more workers",
        ),
    ],
)
def test_a_worker_is_not_held_back_by_its_container(percent: float, verdict: str, detail: str) -> None:
    """It is late whenever it is, whatever its hub says."""
    three = {"a": rows(throttled_percent=0.0), "b": rows(throttled_percent=percent), "c": rows()}
    assert told(workers_not_throttled(workers(three))) == (verdict, detail, percent)


@pytest.mark.parametrize(
    ("check", "figure"),
    [
        (workers_had_cpu, "cpu_percent"),
        (workers_got_cores, "waited_percent"),
        (workers_not_throttled, "throttled_percent"),
    ],
)
def test_the_worker_with_the_highest_figure_is_judged(check: Callable[[Facts], Check], figure: str) -> None:
    """Whatever its name is: neither the first nor the last one in the order of names."""
    by_worker = {
        name: [{**row, figure: percent} for row in rows(cpu_percent=1.0)]
        for name, percent in (("a", 3.0), ("b", 99.0), ("c", 4.0))
    }
    assert told(check(workers(by_worker)))[::2] == ("UNKNOWN", 99.0)


LOST = {"name": "worker_lost", "at": START + 6.5, "last_report": START + 2.2}
LOST_AT_ONCE = {**LOST, "last_report": None}
LOST_ON_THE_SECOND = {**LOST, "at": START + 6.0, "last_report": START + 3.0}


@pytest.mark.parametrize(
    ("master", "events", "verdict", "detail"),
    [
        (rows(reports_late=0), [], "PASS", "every report arrived in time"),
        (
            [*rows(0, 8, reports_late=0), *rows(8, 10, reports_late=1)],
            [],
            "UNKNOWN",
            "reports were more than 3 s late in 2 s, first at 00:00:08",
        ),
        # nobody reports who is dead
        (
            [*rows(0, 5), *rows(5, 7, reports_late=1), *rows(7, 10)],
            [LOST],
            "PASS",
            "every report arrived in time",
        ),
        (
            [*rows(0, 9), *rows(9, 10, reports_late=1)],
            [LOST],
            "UNKNOWN",
            "reports were more than 3 s late in 1 s, first at 00:00:09",
        ),
        # from its last report until the second after its loss was noticed, and no longer
        (
            [*rows(0, 3), *rows(3, 8, reports_late=1), *rows(8, 10)],
            [LOST],
            "PASS",
            "every report arrived in time",
        ),
        (
            [*rows(0, 8), *rows(8, 9, reports_late=1), *rows(9, 10)],
            [LOST],
            "UNKNOWN",
            "reports were more than 3 s late in 1 s, first at 00:00:08",
        ),
        (
            [*rows(0, 3), *rows(3, 8, reports_late=1), *rows(8, 10)],
            [LOST_ON_THE_SECOND],
            "PASS",
            "every report arrived in time",
        ),
        # one that never reported was due three seconds before
        (
            [*rows(0, 3), *rows(3, 8, reports_late=1), *rows(8, 10)],
            [LOST_AT_ONCE],
            "UNKNOWN",
            "reports were more than 3 s late in 1 s, first at 00:00:03",
        ),
        # it could not even look
        (rows(4, 10), [], "UNKNOWN", "the master itself was stalled for 4 s"),
        (rows(3, 10), [], "PASS", "every report arrived in time"),
        ([*rows(0, 3), *rows(7, 10)], [], "UNKNOWN", "the master itself was stalled for 4 s"),
        ([*rows(0, 3), *rows(6, 10)], [], "PASS", "every report arrived in time"),
        (rows(0, 6), [], "UNKNOWN", "the master itself was stalled for 4 s"),
        # it has made up for the rows since
        (
            [*rows(0, 4), *rows(4, 5, hub_lag_ms=3456.7), *rows(5, 10, hub_lag_ms=1.0)],
            [],
            "UNKNOWN",
            "the master itself was stalled for 3.46 s",
        ),
        (rows(hub_lag_ms=3000.0), [], "PASS", "every report arrived in time"),
    ],
)
def test_the_master_has_every_report_in_time(
    master: list[dict[str, Any]], events: list[dict[str, Any]], verdict: str, detail: str
) -> None:
    """What it sees late it decides late."""
    check = master_kept_up(run(samples={"master": master}, events=events))
    assert (check.verdict, check.detail) == (verdict, detail)
    assert (check.count == 0) is (verdict == "PASS" or "stalled" in detail)


@pytest.mark.parametrize(
    ("offset", "uncertainty", "verdict", "detail"),
    [
        (1.23, 0.84, "PASS", "worker b is +1.2 ms from the master, plus or minus 0.8 ms"),
        (-100.5, 0.5, "PASS", "worker b is -100.5 ms from the master, plus or minus 0.5 ms"),
        (-100.6, 0.5, "UNKNOWN", "worker b is -100.6 ms from the master, plus or minus 0.5 ms"),
        # what cannot be told from a clock that is right
        (130.0, 40.0, "PASS", "worker b is +130.0 ms from the master, plus or minus 40.0 ms"),
    ],
)
def test_clocks_agree(offset: float, uncertainty: float, verdict: str, detail: str) -> None:
    """As far as that can be measured, beyond any doubt."""
    clocks = {
        "a": {"offset_ms": 0.1, "uncertainty_ms": 0.5},
        "b": {"offset_ms": offset, "uncertainty_ms": uncertainty},
    }
    check = clocks_agree(run(clocks=clocks))
    assert (check.verdict, check.detail) == (verdict, detail)
    assert check.actual == abs(offset)


def test_the_clock_that_is_wrong_for_sure_is_judged() -> None:
    """Not the one with the largest offset, where that may be its uncertainty."""
    clocks = {
        "a": {"offset_ms": 150.0, "uncertainty_ms": 1.0},
        "b": {"offset_ms": 200.0, "uncertainty_ms": 180.0},
    }
    check = clocks_agree(run(clocks=clocks))
    assert check.verdict == "UNKNOWN"
    assert check.detail == "worker a is +150.0 ms from the master, plus or minus 1.0 ms"


@pytest.mark.parametrize(
    ("seconds", "verdict", "detail"),
    [
        (-15.04, "UNKNOWN", "the clock was set by -15.0 s in the run"),
        (1.1, "UNKNOWN", "the clock was set by +1.1 s in the run"),
        # what is slewed in half an hour, at most
        (-0.9, "PASS", "worker a is +0.1 ms from the master, plus or minus 0.5 ms"),
        (1.0, "PASS", "worker a is +0.1 ms from the master, plus or minus 0.5 ms"),
        (0.0, "PASS", "worker a is +0.1 ms from the master, plus or minus 0.5 ms"),
    ],
)
def test_a_clock_that_was_set_agrees_with_nothing(seconds: float, verdict: str, detail: str) -> None:
    """Not even where all workers share it."""
    check = clocks_agree(run(clocks={"a": {"offset_ms": 0.1, "uncertainty_ms": 0.5}}, clock_set_s=seconds))
    assert (check.verdict, check.detail) == (verdict, detail)
    assert check.actual == (0.1 if verdict == "PASS" else abs(seconds))


@pytest.mark.parametrize(
    "check",
    [
        *(workers_on_time, workers_had_cpu, workers_got_cores, workers_not_throttled),
        *(master_kept_up, clocks_agree),
    ],
)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"samples": {"workers": {"a": []}, "master": []}, "hub_lag": {"a": {"p99_ms": None}}},
        {"window": None, "samples": {"workers": {"a": rows(cpu_percent=1.0)}, "master": rows()}},
    ],
)
def test_what_is_not_known_is_not_asked(check: Callable[[Facts], Check], changes: dict[str, Any]) -> None:
    """Workers without the engine; and a run without a window, which is another check's affair."""
    found = check(run(**changes))
    assert found.verdict == "NOT_ASKED"
    assert found.detail


def test_a_worker_has_a_ramp_when_it_joins() -> None:
    """What it takes then is not looked at; from five seconds after it is."""
    busy = rows(0, 4, cpu_percent=99.0)
    joined = {"b": [*busy, *rows(4, 10, cpu_percent=9.0)]}
    assert told(workers_had_cpu(workers(joined)))[2] > 40
    assert told(workers_had_cpu(workers(joined, events=[moved(0)])))[2] == 9.0
    still_busy = {"b": rows(6, 10, cpu_percent=99.0)}
    assert told(workers_had_cpu(workers(still_busy, events=[moved(0)])))[0] == "UNKNOWN"


def test_workers_that_do_not_tell_are_not_known_to_keep_up() -> None:
    """All who are there tell of themselves in all seconds but three, or nothing is known."""

    def of(*told: list[dict[str, Any]], **changes: Any) -> tuple[str, str]:
        by_worker = {f"{index}-abcdef": each for index, each in enumerate(told)}
        check = workers_had_cpu(workers(by_worker, **{"seconds": rows(workers=2), **changes}))
        return check.verdict, check.detail

    def told_by(first: int = 0, end: int = 10) -> list[dict[str, Any]]:
        return rows(first, end, cpu_percent=9.0)

    assert of(told_by(), told_by())[0] == "PASS"
    silent = "not all workers sent samples in {}: `make logs` may say why"
    assert of(told_by()) == ("UNKNOWN", silent.format("10 s, first at 00:00:00"))
    assert of(told_by(), told_by(0, 6)) == ("UNKNOWN", silent.format("4 s, first at 00:00:06"))
    assert of(told_by(), told_by(0, 7))[0] == "PASS"
    assert of(told_by(-5, 0), seconds=rows(workers=1))[0] == "UNKNOWN"  # the only one, until the window began
    assert of(told_by(), window={"start": START, "end": START + 3})[0] == "PASS"
    # workers of another engine tell nothing at all
    assert of()[0] == of([])[0] == "NOT_ASKED"
    # users change places, and who is there is on the way too
    joined = [*rows(0, 4, workers=1), *rows(4, 10, workers=2)]
    assert of(told_by(), told_by(8), seconds=joined, events=[moved(4)])[0] == "PASS"
    lost = [*rows(0, 7, workers=2), *rows(7, workers=1)]
    assert of(told_by(), told_by(0, 3), seconds=lost, events=[LOST])[0] == "PASS"


def test_both_limits_of_the_lag_are_printed_once() -> None:
    """The check's own limit is in its detail already."""
    check = workers_on_time(run(**SHARED, hub_lag={"a": {"p99_ms": 18.0, "own_p99_ms": 1.2}}))
    assert (check.actual, check.limit) == (1.2, "< 5 ms")
    assert formatting.in_words(check) == (
        "event loop lag p99 1.2 ms (limit < 5 ms), 18 ms with waits for a core (limit < 50 ms), worker a"
    )
