"""Requests of merged seconds: their sums are exact, the times of a part are nearly so."""

from __future__ import annotations

import random
from array import array
from typing import Any

import pytest

from stampede.counting import figures
from stampede.counting.buckets import COARSE, FINE, TIMES, bucket_of
from stampede.counting.counts import Counts
from stampede.counting.steps import RECENT
from stampede.counting.times import Sum
from tests.unit.counted import empty_report

BEGIN = 16_000
SECONDS = range(BEGIN, BEGIN + 2_000)
ROUTES = ("/a", "/b", "/c")


def report(second: int, chance: random.Random) -> dict[str, Any]:
    latency, outcomes = [], []
    for name in ROUTES:
        times = array("H", [bucket_of(chance.lognormvariate(4, 1)) for _ in range(chance.randrange(5))])
        packed, failures = times.tobytes(), len(times) // 3
        row = (second, "GET", name, len(times) + failures, failures, packed, packed[:2], packed[:4])
        latency.append((*row, packed[-2:], failures))
        outcomes += [(second, "GET", name, 200, len(times)), (second, "GET", name, 0, failures)]
    users = [(second, "StopUser", 2)] if second % 50 == 0 else []
    return {
        **empty_report(),
        "stampede_latency": latency,
        "stampede_outcomes": {"counts": outcomes, "after_stop": [], "refused_late": {second: 1}},
        "stampede_ended_users": users,
    }


def is_used(second: int) -> bool:
    """The first seconds are a ramp; every hundredth second users move."""
    return second >= BEGIN + 100 and second % 100 > 0


def counted(*, is_merged: bool, seconds: range = SECONDS) -> Counts:
    chance = random.Random(7)  # noqa: S311 - guards no secret
    counts = Counts()
    counts.clear()
    for second in seconds:
        counts.add(report(second, chance))
        if is_merged:
            counts.pack(second - 30)
            for chunk in counts.steps.due(BEGIN, second):
                counts.steps.merge(chunk, is_used)
    return counts


@pytest.fixture(scope="module")
def whole() -> Counts:
    return counted(is_merged=False)


@pytest.fixture(scope="module")
def merged() -> Counts:
    return counted(is_merged=True)


def content(requests: Sum) -> tuple[Any, ...]:
    numbers = (requests.requests, requests.failures, requests.unanswered)
    times = (requests.times, requests.from_start, requests.late, requests.failed)
    return *numbers, *(each.numbers() for each in times)


def test_most_seconds_are_merged(merged: Counts) -> None:
    assert merged.steps.end > SECONDS.stop - RECENT - 20
    assert len(merged.latencies._seconds) <= 50
    assert len(merged.latencies._packed._seconds) <= RECENT + 20


@pytest.mark.parametrize("is_wanted", [is_used, lambda second: not is_used(second), lambda second: second])
def test_sums_of_all_seconds_with_a_use_are_exact(whole: Counts, merged: Counts, is_wanted: Any) -> None:
    """Each figure of them, of each route: of what counts, of what does not, and of all together."""
    seconds = [second for second in SECONDS if is_wanted(second)]
    one, two = (counts.latencies.by_route(seconds) for counts in (whole, merged))
    assert one.keys() == two.keys() == {("GET", name) for name in ROUTES}
    for route, requests in one.items():
        assert content(two[route]) == content(requests)
    assert content(merged.latencies.sum(seconds)) == content(whole.latencies.sum(seconds))


def test_outcomes_and_ended_users_are_exact(whole: Counts, merged: Counts) -> None:
    seconds = [second for second in SECONDS if is_used(second)]
    for counts in (whole, merged):
        assert counts.outcomes.tally(seconds).refused_late == len(seconds)
    assert merged.outcomes.tally(seconds) == whole.outcomes.tally(seconds)
    by_name = [counts.outcomes.statuses(seconds, lambda _method, name: name) for counts in (whole, merged)]
    assert by_name[0] == by_name[1]
    assert merged.outcomes.by_route() == whole.outcomes.by_route()
    ended = [sum(row.users for row in counts.ended_users.facts()) for counts in (whole, merged)]
    assert ended[0] == ended[1] == 2 * len(SECONDS) // 50


def test_a_part_has_all_its_requests_and_nearly_their_times(whole: Counts, merged: Counts) -> None:
    """Each is rounded to less than two percent."""
    for part in merged.steps.parts[1:-1:7]:
        one, two = whole.latencies.sum(part), merged.latencies.sum([part.first])
        assert (two.requests, two.failures, two.unanswered) == (one.requests, one.failures, one.unanswered)
        before, after = (sorted(requests.times.histogram().elements()) for requests in (one, two))
        assert after == pytest.approx(before, rel=0.02, abs=0.05)
        assert merged.latencies.sum([*part][1:]).requests == 0, "it is known by its first second alone"


def test_a_report_that_comes_hours_late_counts(merged: Counts) -> None:
    """Under the use of its second."""
    late = counted(is_merged=True)
    second = BEGIN + 250
    late.add(report(second, random.Random(8)))  # noqa: S311 - guards no secret
    alone = Counts()
    alone.add(report(second, random.Random(8)))  # noqa: S311 - guards no secret
    more = alone.latencies.total_requests
    assert late.latencies.total_requests == merged.latencies.total_requests + more
    used = [each for each in SECONDS if is_used(each)]
    assert late.latencies.sum(used).requests == merged.latencies.sum(used).requests + more
    part = late.steps.part_of(second)
    assert part
    of_part = [counts.latencies.sum([part.first]).requests for counts in (late, merged)]
    assert of_part[0] == of_part[1] + more
    assert late.outcomes.histogram(part.first, part.first + 1).total() > 0


def test_blocks_are_about_as_long_as_each_other(merged: Counts) -> None:
    """Parts are not divided; the rate of each block is right."""
    window = range(BEGIN + 100, SECONDS.stop)
    kept = [second for second in window if is_used(second)]
    blocks = figures.window(merged.latencies, window, kept, with_blocks=True).blocks
    assert len(blocks) == 10
    assert sum(block.total.requests for block in blocks) == merged.latencies.sum(kept).requests
    rates = [block.rps for block in blocks]
    assert max(rates) < 1.3 * min(rates)


def test_coarse_buckets_are_within_two_percent() -> None:
    """Of each bucket that a time can have."""
    for bucket, time in enumerate(TIMES):
        assert TIMES[FINE[COARSE[bucket]]] == pytest.approx(time, rel=0.02, abs=0.05)
    assert len(FINE) < 1_000
