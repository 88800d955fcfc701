"""A run tells a limited number of names apart; all others are counted together."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from stampede.counting.counts import Counts
from stampede.counting.names import MOST_EXAMPLES, MOST_METHODS, MOST_NAMES, OTHER, Names

ANSWER = SimpleNamespace(status_code=200)


def reported(worker: Counts, names: list[str], method: str = "GET") -> dict[str, Any]:
    """The report of a worker that has counted a request with each of these names; half of them failed."""
    report: dict[str, Any] = {}
    for place, name in enumerate(names):
        error = ValueError(name) if place % 2 else None
        worker.count(method, name, exception=error, response=ANSWER, response_time=10)
    worker.hand_over(report)
    return report


def items(*numbers: int) -> list[str]:
    return [f"/item/{number}" for number in range(*numbers)]


def test_names_beyond_the_limit_are_counted_together_and_totals_stay_exact() -> None:
    """In times, outcomes and errors alike; eight workers bring 2,000 different names each."""
    master = Counts()
    for worker in range(8):
        master.add(reported(Counts(), items(2_000 * worker, 2_000 * (worker + 1))))
    own = [("GET", name) for name in items(MOST_NAMES)]
    assert master.latencies.routes() == sorted([*own, ("GET", OTHER)])
    assert (master.latencies.total_requests, master.latencies.total_failures) == (16_000, 8_000)
    outcomes = master.outcomes.by_route()
    assert len(outcomes) == MOST_NAMES + 1
    assert outcomes[f"GET {OTHER}"] == {"200": 14_000}
    errors = master.errors.facts()
    assert sum(error.occurrences for error in errors) == 8_000
    assert {(error.method, error.name) for error in errors} <= {*own, ("GET", OTHER)}


def test_a_name_that_was_counted_under_its_own_name_stays_so_for_all_workers() -> None:
    """Also one that the worker itself sends only after thousands of others."""
    master, one, other = Counts(), Counts(), Counts()
    for start in range(0, 5_000, 500):
        master.add(reported(one, [*items(start, start + 500), "/item/7"]))
        master.add(reported(other, [*items(50_000 + start, 50_500 + start), "/item/7"]))
    assert master.outcomes.by_route()["GET /item/7"] == {"200": 2 * 10 + 1}
    assert master.latencies.total_requests == 2 * 10 * 501


def test_a_report_has_a_limit_too() -> None:
    """A custom client can report more requests in a second than it could send."""
    names = Names()
    names.most = 3
    assert [names.of("GET", name)[1] for name in "abcdabc"] == [*"abc", OTHER, *"abc"]


def test_methods_are_limited_too() -> None:
    """They are part of a name: there must not be an OTHER for each of endless methods."""
    names = Names()
    counted = {names.of(f"METHOD{number}", "/") for number in range(10 * MOST_METHODS)}
    assert counted == {*((f"METHOD{number}", "/") for number in range(MOST_METHODS)), (OTHER, OTHER)}


def test_other_names_keep_their_method() -> None:
    """So that the figures of each method stay exact."""
    names = Names()
    for name in items(MOST_NAMES):
        names.of("GET", name)
    assert names.of("POST", "/late") == ("POST", OTHER)
    assert names.of("GET", "/late") == ("GET", OTHER)
    assert names.examples == ["POST /late", "GET /late"]


def test_there_are_examples_of_the_names_that_are_counted_together() -> None:
    names = Names()
    for name in items(MOST_NAMES):
        names.of("GET", name)
    assert names.examples == []
    for name in items(MOST_NAMES, MOST_NAMES + 100):
        names.of("GET", name)
    assert len(names.examples) == MOST_EXAMPLES
    names.clear()
    assert names.examples == []
