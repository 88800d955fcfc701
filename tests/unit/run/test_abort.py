"""A target may end the run: by its own last seconds, or by the window so far when there is enough of it."""

from __future__ import annotations

import pytest

from stampede.facts.samples import Samples
from stampede.run.abort import SHORTEST_WINDOW, Abort
from stampede.targets import parser
from stampede.targets.evidence import Evidence
from tests.unit.counted import Shop

START = 1000


def ended_at(shop: Shop, text: str, until: int = 1060) -> int | None:
    """Looking once a second, the end of what had been seen when the run was ended."""
    abort = Abort(parser.parse(text), Evidence(shop.counts, Samples, cores=lambda: 2))
    return next((end for end in range(START - 3, until) if abort.first_exceeded(START, end)), None)


@pytest.fixture(scope="module")
def shop() -> Shop:
    """It freezes for five seconds, half a minute after the window has begun."""
    shop = Shop()
    shop.answers(range(990, 1000), "GET /", [5000] * 10)
    shop.answers(range(1000, 1030), "GET /", [10] * 10)
    shop.answers(range(1030, 1035), "GET /", [3000] * 10)
    shop.answers(range(1035, 1060), "GET /", [10] * 10)
    return shop


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("p50 < 2s for 10s, abort", None),
        ("p50 < 2s for 5s, abort", 1033),  # three of five
        ("p95 < 2s for 5s, abort", 1031),
        ("p95 < 2s for 5s", None),  # only shown at the end
        # of the window so far: 20 of 320, when a whole second has come
        ("p95 < 2s, abort", 1032),
        ("avg < 400ms, abort", 1035),
        # the ramp was slow, and is no part of it
        ("avg < 9ms, abort", START + SHORTEST_WINDOW),
        ("max < 100ms for 3s, abort", 1031),
        # a percentile waits until there is enough
        ("p99 < 9ms for 5s, abort", None),
        ("p99 < 9ms for 10s, abort", 1010),
        ("rps >= 11, abort", START + SHORTEST_WINDOW),
        ("avg of /nowhere < 1s, abort", None),
        ("every route p95 < 2s for 5s, abort", 1031),
    ],
)
def test_a_run_is_ended_as_soon_as_the_limit_is_passed(shop: Shop, text: str, end: int | None) -> None:
    assert ended_at(shop, text) == end


def test_what_is_kept_is_what_was_seen_then(shop: Shop) -> None:
    """The target, and its figure."""
    abort = Abort(
        parser.parse("rps >= 1, p95 < 2s for 5s, abort"), Evidence(shop.counts, Samples, cores=lambda: 2)
    )
    assert abort.first_exceeded(START, 1030) is None
    beyond = abort.first_exceeded(START, 1031)
    assert beyond is not None
    assert (beyond[0].text, beyond[1].actual, beyond[1].count) == ("p95 < 2000ms for 5s, abort", 3000, 50)


def test_looks_may_be_late(shop: Shop) -> None:
    """A master that is held up for some seconds misses nothing of the window so far."""
    abort = Abort(parser.parse("avg < 400ms, abort"), Evidence(shop.counts, Samples, cores=lambda: 2))
    found = [abort.first_exceeded(START, end) for end in (1003, 1020, 1021, 1034, 1035)]
    assert [bool(each) for each in found] == [False, False, False, False, True]
