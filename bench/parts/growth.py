"""Growth: how much slower each route is with more orders, and with more products."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench import HERE
from bench.figures import Figure, figure, ratio
from bench.processes import Processes
from bench.shop import database, ours
from bench.visit import Visitor
from postgres.embedded import Server

TITLE = "API: growth of the data"
NOTES = (
    "Each route with 1,000 to 1,000,000 orders of 1,000 products, and with 100 to 100,000 products and 1,000 "
    "orders. All databases are on one PostgreSQL, each with an API of its own. One client sends one request "
    "at a time; the databases take turns after every visit to all routes. The figure is the ratio of the "
    "median response times.",
)
PACKAGES = ("falcon", "granian", "psycopg2-binary")

VISITS = 20
"""Visits to all routes in a round, of each database."""


class Size(NamedTuple):
    """How much data a database has."""

    products: int
    orders: int

    @property
    def name(self) -> str:
        """Return the name of its database."""
        return f"grown_{self.products}_{self.orders}"


LEAST_ORDERS, MORE_ORDERS = Size(1000, 1000), [Size(1000, 10**power) for power in (4, 5, 6)]
LEAST_PRODUCTS, MORE_PRODUCTS = Size(100, 1000), [Size(10**power, 1000) for power in (3, 4, 5)]
SIZES = list(dict.fromkeys((LEAST_ORDERS, *MORE_ORDERS, LEAST_PRODUCTS, *MORE_PRODUCTS)))

Medians = Mapping[str, list[float]]
"""The median of each round in milliseconds, by route."""


def measure(folder: Path, rounds: int) -> Iterator[Figure]:
    """Fill the databases, then visit them in turn."""
    with Processes(folder) as processes:
        server = database(processes)
        visitors = {}
        for size in SIZES:
            fill(server, size)
            api = ours(processes, size.name, server.url("api", size.name))
            visitors[size] = Visitor(api.url, size.products)
            print(f"  {size.products:,} products, {size.orders:,} orders", flush=True)
        for visitor in visitors.values():
            visitor.visit()
        measured = [_round(visitors, number, rounds) for number in range(rounds)]
    medians = {
        size: {route: [row[size][route] for row in measured] for route in measured[0][size]} for size in SIZES
    }
    yield from growth("orders", medians, LEAST_ORDERS, MORE_ORDERS, "<= 1.3")
    yield from growth("products", medians, LEAST_PRODUCTS, MORE_PRODUCTS, "")


def fill(server: Server, size: Size) -> None:
    """Make a database of this size."""
    server.psql("-c", f"CREATE DATABASE {size.name} TEMPLATE stampede", database="postgres")
    values = [f"--set=products={size.products}", f"--set=orders={size.orders}"]
    server.psql(*values, "-f", str(HERE / "grow.sql"), database=size.name)


def _round(visitors: Mapping[Size, Visitor], number: int, rounds: int) -> dict[Size, dict[str, float]]:
    """Return the median of each route in milliseconds."""
    for visitor in visitors.values():
        visitor.times.clear()
    for _ in range(VISITS):
        for visitor in visitors.values():
            visitor.visit()
    print(f"  round {number + 1} of {rounds}", flush=True)
    return {
        size: {route: median(times) for route, times in visitor.times.items()}
        for size, visitor in visitors.items()
    }


def growth(
    what: str, medians: Mapping[Size, Medians], least: Size, more: list[Size], required: str
) -> Iterator[Figure]:
    """Yield the route that grows most at each size, then all routes at the largest."""
    for size in more:
        ratios = {
            route: ratio(_name(what, size, least, route), values, medians[least][route])
            for route, values in medians[size].items()
        }
        worst = max(ratios.values(), key=lambda each: each.median)
        is_largest = size is more[-1]
        yield _of_the_worst(worst, required if is_largest else "")
        if is_largest:
            yield from ratios.values()


def _of_the_worst(worst: Figure, required: str) -> Figure:
    """Return the figure of the route that grows most, with the limit of all."""
    return figure(f"the most: {worst.name}", worst.unit, worst.values, required)


def _name(what: str, size: Size, least: Size, route: str) -> str:
    return f"{getattr(size, what):,} ÷ {getattr(least, what):,} {what}: {route}"
