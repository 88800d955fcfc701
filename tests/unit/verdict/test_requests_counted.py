"""Users' counts against the API's: what is exact, what an event explains, and what nothing does."""

from __future__ import annotations

from typing import Any

import pytest

from stampede.facts.verdict_json import Check
from stampede.verdict.requests_counted import all_requests_counted, by_route
from tests.facts import facts

SECONDS = [{"second": second, "requests": 15, "failures": 5} for second in range(1000, 1060)]
LOST = {
    **{"name": "worker_lost", "at": 1007.0, "worker": "3-ab12", "id": "host_ab12"},
    **{"last_report": 1006.4, "at_most": 18},
}
RETURNED = {**LOST, "name": "worker_returned", "at": 1012.0}
RESTARTED = {"name": "api_restarted", "at": 1007.5, "last_look": 1005.2}
"""Unseen are 1005 to 1008: forty requests that succeeded."""
GONE = {**RESTARTED, "name": "api_gone"}
ORDERS = {"POST /orders/": {"201": 60_000, "409": 1_530}}


def check(users: dict[str, dict[str, int]], api: dict[str, dict[str, int]], *events: dict[str, Any]) -> Check:
    failures = sum(statuses.get("0", 0) + statuses.get("503", 0) for statuses in users.values())
    run = facts(
        outcomes=users,
        counters={"api": api},
        events=[*events],
        seconds=SECONDS,
        failures=failures,
        lost_workers=["host_ab12", "host_cd34"],
    )
    return all_requests_counted(run)


MANY_NAMES = {"name": "names_counted_together", "at": 1001.0}
OTHER = {"GET /item/1": {"200": 3}, "GET other": {"200": 7, "404": 2, "0": 1}, "POST other": {"201": 4}}


def test_where_names_are_counted_together_the_counts_of_each_method_are_compared() -> None:
    """Of the requests with other names the routes are not known, but their method and status are."""
    api = {"GET /item/{id}": {"200": 8, "404": 2}, "GET /other": {"200": 2}, "POST /item/": {"201": 4}}
    found = check(OTHER, api, MANY_NAMES)
    assert found.verdict == "PASS"
    assert found.detail == "16 of 16: by method only, as names beyond 2,000 are counted as `other`"
    without = check(OTHER, api)
    assert without.verdict == "FAIL", "with all names told apart, no such difference is explained"


@pytest.mark.parametrize("api", [{"GET /item/{id}": {"200": 9, "404": 2}}, {"GET /x": {"200": 10, "404": 3}}])
def test_where_names_are_counted_together_a_difference_is_found(api: dict[str, dict[str, int]]) -> None:
    users = {"GET /item/1": {"200": 3}, "GET other": {"200": 7, "404": 2}}
    found = check(users, api, MANY_NAMES)
    assert found.verdict == "FAIL"
    assert "most at GET requests with status" in found.detail


def orders(created: int, refused: int = 1_530, unanswered: int = 0) -> dict[str, dict[str, int]]:
    return {"POST /orders/": {"0": unanswered, "201": created, "409": refused}}


@pytest.mark.parametrize(
    ("users", "api", "events", "detail"),
    [
        (orders(60_000), ORDERS, [], "61,530 of 61,530"),
        # an event alone explains nothing away, and is no news
        (orders(60_000), ORDERS, [LOST, RESTARTED], "61,530 of 61,530"),
        # requests without an answer that never got there
        (orders(60_000, unanswered=7), ORDERS, [], "61,530 of 61,530"),
        # and that did
        (
            orders(59_996, unanswered=7),
            ORDERS,
            [],
            "61,526 of 61,530: 4 of 7 requests without an answer were served by the API",
        ),
        (
            orders(59_982),
            ORDERS,
            [LOST],
            "61,512 of 61,530: 18 were worker 3-ab12's, lost at 00:16:47",
        ),
        (
            orders(59_970),
            ORDERS,
            [LOST, {**LOST, "worker": "4-cd34", "id": "host_cd34"}],
            "61,500 of 61,530: 30 were worker 3-ab12's, lost at 00:16:47, "
            "or worker 4-cd34's, lost at 00:16:47",
        ),
        (
            orders(60_040),
            ORDERS,
            [RESTARTED],
            "61,530 of 61,570: 40 were answered before the API restarted at 00:16:47",
        ),
        (
            orders(60_001),
            ORDERS,
            [GONE],
            "61,530 of 61,531: 1 was answered before the API was gone at 00:16:47",
        ),
        # a failure that was an answer may be one of them
        (
            {"POST /orders/": {"201": 60_040, "409": 1_530, "503": 3}},
            ORDERS,
            [RESTARTED],
            "61,530 of 61,573: 43 were answered before the API restarted at 00:16:47",
        ),
        # at once, on one route: what a worker did is not there, what the API did neither
        (
            orders(59_999, refused=1_531),
            ORDERS,
            [LOST, RESTARTED],
            "61,529 of 61,531: 1 was worker 3-ab12's, lost at 00:16:47; "
            "1 was answered before the API restarted at 00:16:47",
        ),
        # the names of users are the API's routes, but for what comes after a question mark
        (
            {"GET /products/": {"200": 2}, "GET /products/?filter": {"200": 1}},
            {"GET /products/": {"200": 3}},
            [],
            "3 of 3",
        ),
        # not among them: probes, those who ask for the counters, and what is no request of HTTP
        (
            {"HEAD /": {"200": 2}, "GET /metrics": {"200": 1}, "WSS buy": {"0": 1}, "GET /": {"200": 1}},
            {"GET /": {"200": 1}},
            [],
            "1 of 1",
        ),
        ({}, {}, [], "0 of 0"),
    ],
)
def test_a_gap_that_is_explained_is_told(
    users: dict[str, dict[str, int]],
    api: dict[str, dict[str, int]],
    events: list[dict[str, Any]],
    detail: str,
) -> None:
    """Exact, or with the events that explain it: a PASS either way, that says so."""
    told = check(users, api, *events)
    assert (told.verdict, told.detail, told.count) == ("PASS", detail, 0)


@pytest.mark.parametrize(
    ("users", "api", "events", "count", "detail"),
    [
        (
            orders(59_990),
            ORDERS,
            [],
            10,
            "most at POST /orders/ with status 201: the users counted 59,990, the API 60,000",
        ),
        (orders(60_005), ORDERS, [], 5, "the users counted 60,005, the API 60,000"),
        # each event explains one way only, and no more than it can
        (orders(59_981), ORDERS, [LOST], 1, "the API 60,000"),
        (orders(59_990), ORDERS, [LOST, RETURNED], 10, "the API 60,000"),
        (orders(59_981), ORDERS, [LOST, RETURNED, LOST], 1, "the API 60,000"),
        (orders(59_990), ORDERS, [RESTARTED], 10, "the API 60,000"),
        (orders(60_041), ORDERS, [RESTARTED], 1, "the users counted 60,041"),
        # what failed in those seconds may have been without an answer
        (orders(60_041, unanswered=20), ORDERS, [RESTARTED], 1, "the users counted 60,041"),
        (orders(60_005), ORDERS, [LOST], 5, "the users counted 60,005"),
        (orders(59_990, unanswered=9), ORDERS, [], 1, "the API 60,000"),
        # what had no answer on another route does not stand in for it
        ({**orders(59_990), "GET /": {"0": 99}}, ORDERS, [], 10, "most at POST /orders/ with status 201"),
        # each stands in for one answer of the API, of whatever status
        (
            orders(59_995, refused=1_525, unanswered=5),
            ORDERS,
            [],
            5,
            "5 of 61,530 differ without an explanation",
        ),
        # a worker of which is not known how much can be missing, and a process whose counts were never seen
        (orders(59_999), ORDERS, [{**LOST, "at_most": None}], 1, "the API 60,000"),
        (orders(60_001), ORDERS, [{**RESTARTED, "last_look": None}], 1, "the users counted 60,001"),
        # the sums agree, the statuses do not
        (orders(59_999, refused=1_531), ORDERS, [], 1, "POST /orders/ with status 201"),
        # the greatest of several
        (
            {"GET /": {"200": 5}, "POST /orders/": {"201": 5}},
            {"GET /": {"200": 7}, "POST /orders/": {"201": 9}},
            [],
            6,
            "6 of 16 differ without an explanation, most at POST /orders/",
        ),
        (
            {"GET /": {"200": 5}, "POST /orders/": {"201": 5, "409": 5}},
            {"GET /": {"200": 9}, "POST /orders/": {"201": 8, "409": 7}},
            [],
            9,
            "most at POST /orders/ with status 201: the users counted 5, the API 8",
        ),
        # somebody else was there
        ({}, {"GET /docs": {"200": 1}}, [], 1, "most at GET /docs with status 200: the users counted 0"),
    ],
)
def test_a_gap_that_nothing_explains_fails(
    users: dict[str, dict[str, int]],
    api: dict[str, dict[str, int]],
    events: list[dict[str, Any]],
    count: int,
    detail: str,
) -> None:
    """Also what is left of one that is explained in part; the route with the most of it is named."""
    told = check(users, api, *events)
    assert (told.verdict, told.count) == ("FAIL", count)
    assert detail in told.detail


@pytest.mark.parametrize(
    ("known", "detail"),
    [
        ({"counters": None}, "http_requests_total{method,route,status} at /metrics"),
        ({"counters": {"error": "several processes answer"}}, "several processes answer"),
        ({"counters": {"api": {}}, "outcomes": {"GET buy": {"200": 1}}}, "'GET buy' is not a route"),
        (
            {"counters": {"api": {}}, "outcomes": {"GET http://x/": {"200": 1}}},
            "'GET http://x/' is not a route",
        ),
    ],
)
def test_what_cannot_be_compared_is_not_asked(known: dict[str, Any], detail: str) -> None:
    """Nobody promised it; one line says how to get it."""
    told = all_requests_counted(facts(**known))
    assert told.verdict == "NOT_ASKED"
    assert detail in told.detail
    assert told.count is None


def test_an_api_that_was_too_slow_to_be_asked_is_unknown() -> None:
    """It counts, and so its run promised a comparison."""
    told = all_requests_counted(facts(counters={"missed": "it did not answer in time"}))
    assert (told.verdict, told.detail) == ("UNKNOWN", "it did not answer in time")


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("/products/{id}", "/products/{id}"),
        ("/products/?filter", "/products/"),
        # users who name nothing are counted by their paths
        ("/products/17", "/products/{id}"),
        ("/products", "/products/"),
        ("/products/bulk", "/products/bulk"),
        ("/", "/"),
        ("other", "other"),
        ("/my/route", "other"),
        ("/products/17/more", "other"),
        ("/productsX17", "other"),
    ],
)
def test_a_name_is_one_of_the_apis_routes_or_other(name: str, route: str) -> None:
    """As the API labels what it has not."""
    api = ["GET /", "GET /products/", "GET /products/{id}", "POST /products/bulk", "GET other"]
    assert by_route({f"GET {name}": {"200": 1}}, api) == {f"GET {route}": {"200": 1}}


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"])
def test_requests_of_every_method_are_compared(method: str) -> None:
    """The API counts them all, except HEAD: those that users did not count are missing."""
    assert check({f"{method} /": {"200": 2}}, {f"{method} /": {"200": 2}}).detail == "2 of 2"
    assert check({f"{method} /": {"200": 1}}, {f"{method} /": {"200": 2}}).verdict == "FAIL"


def test_a_route_named_other_is_compared() -> None:
    """The API's own label, which users may copy as a name."""
    told = check({"GET other": {"404": 3}}, {"GET other": {"404": 3}})
    assert (told.verdict, told.detail) == ("PASS", "3 of 3")
