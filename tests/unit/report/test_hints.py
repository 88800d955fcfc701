"""Where to look: what was at its limit, for a check that does not hold."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import asdict, replace

from stampede.facts.run_json import ExceptionFacts
from stampede.facts.samples import Samples
from stampede.facts.verdict_json import Check, Verdict
from stampede.report.hints import hints
from tests import runs

SLOW = Check(name="p95 < 10ms", verdict=Verdict.FAIL)
FAILED = Check(name="failures", verdict=Verdict.FAIL)


def samples(role: str, **figures: Any) -> Samples:
    """Of a run in which one role had these all the time, and the others little to do."""
    found = runs.run().samples
    if role == "worker":
        rows = [replace(row, **figures) for row in found.workers["1-a1b2c3"]]
        return replace(found, workers={"1-a1b2c3": rows})
    return replace(found, **{role: [replace(row, **figures) for row in getattr(found, role)]})


@pytest.mark.parametrize(
    ("role", "figures", "says"),
    [
        ("worker", {"cpu_percent": 97}, "CPU of worker 1-a1b2c3: 97 % of 1 core"),
        # a limit of a tenth of a core is full at ten percent of one
        (
            "worker",
            {"cpu_percent": 9.8, "cpu_limit_cores": 0.1},
            "CPU of worker 1-a1b2c3: 98 % of 0.10 cores",
        ),
        ("worker", {"throttled_percent": 40}, "worker 1-a1b2c3 was throttled by its limit of CPU for 40 %"),
        ("worker", {"hub_lag_p99_ms": 30}, "worker 1-a1b2c3: event loop lag p99 30 ms"),
        ("master", {"cpu_percent": 99}, "CPU of the master: 99 % of 1 core"),
        ("api", {"cpu_percent": 185}, "CPU of the API: 92.5 % of 2 cores"),
        (
            "api",
            {"pool_in_use": 16, "pool_waits": 5},
            "pool of 16 database connections: 100 % in use, 265 requests",
        ),
        ("api", {"waiting": 31}, "31 requests waited in the queue of the API"),
        (
            "postgres",
            {"waits": {"Lock:transactionid": 6}},
            "6 of 6 busy database sessions waited for locks (Lock:transactionid)",
        ),
        # the most frequent of them, not the last by its name
        (
            "postgres",
            {"waits": {"Lock:relation": 9, "Lock:tuple": 1}},
            "10 of 10 busy database sessions waited for locks (Lock:relation)",
        ),
        ("postgres", {"waits": {"IO:WalSync": 3}}, "waited for commits to reach the disk (IO:WalSync)"),
        ("postgres", {"connections": {"active": 97}}, "97 % of PostgreSQL's 100 connections were taken"),
    ],
)
def test_what_was_at_its_limit_is_named(role: str, figures: dict[str, Any], says: str) -> None:
    """With its figure, and before what was not."""
    lines = hints(runs.run(samples=samples(role, **figures)), "fast", SLOW)
    assert any(says in line for line in lines), lines
    assert not any("nearest" in line for line in lines)


def test_of_many_workers_the_worst_is_named() -> None:
    """Eight lines of workers would hide the rest."""
    found = samples("api", cpu_percent=190)
    busy = [replace(row, cpu_percent=96) for row in found.workers["1-a1b2c3"]]
    many = replace(found, workers={f"{number}-busy": busy for number in range(8)})
    lines = hints(runs.run(samples=many), "fast", SLOW)
    assert sum("CPU of worker" in line for line in lines) == 1
    assert any("CPU of the API" in line for line in lines)


def test_where_nothing_was_at_its_limit_the_nearest_is_named() -> None:
    quiet = runs.run(machine={"cores": 2})
    assert any("nearest: " in line for line in hints(quiet, "fast", SLOW))


def test_a_second_that_stands_out_is_named_with_what_came_before() -> None:
    """The API froze, and was started again."""
    first = hints(runs.run(), "fast", SLOW)[0]
    assert first.startswith("slowest second: 21:07:32, p99 from start ")
    assert first.endswith("right after api restarted")
    facts = {"until": runs.START + 33, "seconds": 3}
    silence = {"name": "target_silent", "at": runs.START + 30.0, "facts": facts}
    of_silence = runs.run(events=[*map(asdict, runs.run().events), silence])
    assert hints(of_silence, "fast", SLOW)[0] == first, "a silence is no cause"


def test_of_failures_the_most_frequent_is_named_and_when() -> None:
    seconds = runs.run().seconds
    for place in (31, 33):
        seconds[place] = replace(seconds[place], failures=20)
    run = runs.run(errors=[runs.error(occurrences=1, error="rare"), runs.error()], seconds=seconds)
    lines = hints(run, "fast", FAILED)
    assert lines[0] == "most often, 41 times: POST /orders/: 500"
    assert lines[1] == "requests failed from 21:07:31 to 21:07:33, in 2 seconds, right after api restarted"


def test_of_exceptions_the_most_frequent_is_named_and_where() -> None:
    """With its class: 'product' alone says nothing."""
    traceback = (
        '  File "/task.py", line 5, in run\n    go()\n  File "/mine.py", line 98, in <lambda>\n    own["x"]\n'
    )
    rare = ExceptionFacts(error="OSError", count=1, message="rare", traceback="")
    frequent = ExceptionFacts(error="KeyError", count=2, message="'product'", traceback=traceback)
    check = Check(name="exceptions", verdict=Verdict.FAIL)
    told = hints(runs.run(exceptions=[rare, frequent]), "fast", check)
    assert told == ["most often, 2 times: KeyError at mine.py:98 in <lambda>: 'product'"]
    assert hints(runs.run(exceptions=[rare]), "fast", check) == ["most often, 1 time: OSError: rare"]


def test_of_wrong_data_the_first_and_the_worst_are_named() -> None:
    first = {"what": "3 too many", "product_id": 7}
    check = Check(name="no_oversell", verdict=Verdict.FAIL, first=first)
    assert hints(runs.run(), "correct", check) == ["the first: 3 too many (product_id 7)"]


def test_a_check_that_holds_needs_no_look() -> None:
    assert hints(runs.run(), "fast", replace(SLOW, verdict=Verdict.PASS)) == []


def test_without_samples_nothing_is_guessed() -> None:
    (line,) = hints(runs.run(samples={}, seconds=[]), "fast", SLOW)
    assert "no samples" in line


@pytest.mark.parametrize(
    ("known", "says"),
    [
        (
            {"calls": 2297, "total_ms": 952.3, "mean_ms": 0.41},
            "place_order, 2,297 calls, 952 ms in total, 0.41 ms on average",
        ),
        ({"calls": 1, "total_ms": 12_000.0}, "place_order, 1 call, 12 s in total"),
        ({}, "place_order"),
    ],
)
def test_the_slowest_statement_has_its_calls_and_times(known: dict[str, Any], says: str) -> None:
    """As far as PostgreSQL reported them."""
    run = runs.run(statements=[{"statement": "place_order", **known}])
    assert hints(run, "fast", SLOW)[-1] == f"slowest statement: {says}"
