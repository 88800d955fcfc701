"""Names of requests find the routes of the API that they are of, however the routes are written."""

from __future__ import annotations

import itertools

import pytest

from stampede.verdict.api_routes import ApiRoutes

ROUTES = [
    "/",
    "/orders/",
    "/orders/{id}",
    "/orders/{id}/pay",
    "/orders/recent",
    "/files/{name}.json",
    "/a{b}-{c}z",
]


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("/", "/"),
        ("", "/"),
        ("/orders/", "/orders/"),
        ("/orders", "/orders/"),
        ("/orders/?page=2", "/orders/"),
        ("/orders/17", "/orders/{id}"),
        ("/orders/17/", "/orders/{id}"),
        ("/orders/{id}", "/orders/{id}"),
        ("/orders/recent", "/orders/recent"),
        ("/orders/17/pay", "/orders/{id}/pay"),
        ("/orders/17/ship", None),
        ("/orders//pay", None),
        ("/orders/17/pay/now", None),
        ("/files/a.json", "/files/{name}.json"),
        ("/files/.json", None),
        ("/files/a.xml", None),
        ("/ab-cz", "/a{b}-{c}z"),
        ("/a-b-c-z", "/a{b}-{c}z"),
        ("/a--z", None),
        ("/a-z", None),
        ("orders", None),
    ],
)
def test_a_name_finds_its_route(name: str, route: str | None) -> None:
    assert ApiRoutes(ROUTES).find(name) == route


@pytest.mark.parametrize(
    ("routes", "name"),
    [
        (["/" + "{a}" * 30 + "x"], "/" + "a" * 900),
        (["/" + "{a}-" * 100 + "x"], "/" + "a-" * 450),
        (["/" + "a/" * 5000], "/" + "a/" * 4000),
        (
            ["/" + "/".join(parts) for parts in itertools.product(("a", "{x}"), repeat=11)],
            "/" + "a/" * 10 + "b",
        ),
        ([f"/{{a}}{{b}}{number}" for number in range(3000)], "/" + "a" * 900),
        (["{" * 999, "/{a}/(a+)+$", "/[", "/\\"], "/" + "a" * 900 + "/b"),
    ],
)
def test_no_route_makes_a_search_long(routes: list[str], name: str) -> None:
    """As regular expressions, some of these would take years."""
    found = ApiRoutes(routes)
    for _ in range(100):
        found.find(name)
