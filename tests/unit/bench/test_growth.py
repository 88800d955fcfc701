"""Growth: the route that grows most carries the limit."""

from __future__ import annotations

from bench.parts.growth import LEAST_ORDERS, MORE_ORDERS, growth


def test_the_limit_is_for_the_route_that_grows_most() -> None:
    """At each size the worst route is first; at the largest size it has the limit, and all routes follow."""
    medians = {
        LEAST_ORDERS: {"GET /a": [1.0, 2.0], "GET /b": [1.0, 2.0]},
        **{size: {"GET /a": [1.1, 2.2], "GET /b": [1.5, 3.0]} for size in MORE_ORDERS},
    }
    figures = list(growth("orders", medians, LEAST_ORDERS, MORE_ORDERS, "<= 1.3"))
    assert [each.name for each in figures] == [
        "the most: 10,000 ÷ 1,000 orders: GET /b",
        "the most: 100,000 ÷ 1,000 orders: GET /b",
        "the most: 1,000,000 ÷ 1,000 orders: GET /b",
        "1,000,000 ÷ 1,000 orders: GET /a",
        "1,000,000 ÷ 1,000 orders: GET /b",
    ]
    assert [each.required for each in figures] == ["", "", "<= 1.3", "", ""]
    assert figures[2].values == (1.5, 1.5)
    assert not figures[2].is_kept
