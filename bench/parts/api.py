"""The API: compared with the same two routes in other frameworks, and with the database alone."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from bench import HERE, BenchError, wrk
from bench.figures import Figure, columns, figure, ratio
from bench.processes import Processes
from bench.rounds import interleaved
from bench.shop import Api, database, ours, pgbench
from postgres.embedded import Server

TITLE = "API: CPU of a request, and orders per second"
NOTES = (
    "GET of one product and POST of one order, on the same database and the same SQL functions, with the "
    "same metrics. The peers are in bench/peers/. For the CPU time, each API has one process, and wrk keeps "
    "16 connections busy. The CPU time is that of the API's processes, without PostgreSQL's.",
    "pgbench calls place_order, the function that POST /orders/ calls, with 16 clients and prepared "
    "statements. It shares the cores with PostgreSQL only. The API, with its usual number of processes, and "
    "wrk share them too.",
)
PACKAGES = (
    *("falcon", "granian", "psycopg2-binary", "msgspec"),
    *("fastapi", "uvicorn", "blacksheep", "asyncpg", "prometheus-client"),
)

OURS, FASTAPI, BLACKSHEEP = "Stampede", "FastAPI", "BlackSheep"
PGBENCH = "pgbench"
SECONDS = 3
CONNECTIONS = 16
SPREAD, ONE = 1000, 1


class Cost(NamedTuple):
    """What a request costs an API: microseconds of CPU time."""

    get: float
    order: float


def measure(folder: Path, rounds: int) -> Iterator[Figure]:
    """Measure the CPU times, then the orders per second."""
    missing = [name for name in ("fastapi", "uvicorn", "blacksheep", "asyncpg") if not find_spec(name)]
    if missing:
        raise BenchError(f"{missing[0]} is missing: `make bench` installs it")
    with Processes(folder) as processes:
        server = database(processes)
        yield from _cost(processes, server, rounds)
        yield from _orders(processes, server, rounds)


def _cost(processes: Processes, server: Server, rounds: int) -> Iterator[Figure]:
    url = server.url("api")
    peer = {"DATABASE_URL": url}
    uvicorn = [sys.executable, "-m", "uvicorn", "--loop=uvloop", "--http=httptools", "--no-access-log"]
    granian = [sys.executable, "-m", "granian", "--interface=asgi", "--loop=uvloop", "--workers=1"]
    apis = {
        OURS: ours(processes, "ours", url),
        FASTAPI: Api(processes, "fastapi", [*uvicorn, "bench.peers.fastapi_app:app", "--port"], peer),
        BLACKSHEEP: Api(
            processes, "blacksheep", [*granian, "bench.peers.blacksheep_app:app", "--port"], peer
        ),
    }
    for api in apis.values():
        _cost_of(api, 1)  # connections are opened, code is warm
    measured = interleaved({name: partial(_cost_of, api, SECONDS) for name, api in apis.items()}, rounds)
    for route in ("get", "order"):
        cost = {name: [getattr(row, route) for row in rows] for name, rows in measured.items()}
        label = {"get": "GET /products/{id}", "order": "POST /orders/"}[route]
        for name, values in cost.items():
            yield figure(f"{label}: CPU, {name}", "µs", values)
        for name, limits in ((FASTAPI, (">= 3.5", ">= 2.8")), (BLACKSHEEP, (">= 1.7", ">= 1.5"))):
            limit = limits[route == "order"]
            yield ratio(f"{label}: CPU, {name} ÷ Stampede", cost[name], cost[OURS], limit)
    processes.end(*(api.process for api in apis.values()))


def _cost_of(api: Api, seconds: float) -> Cost:
    return Cost(
        _us_of_request(api, seconds, HERE / "products.lua"),
        _us_of_request(api, seconds, HERE / "orders.lua", str(SPREAD)),
    )


def _us_of_request(api: Api, seconds: float, script: Path, *arguments: str) -> float:
    before = api.cpu()
    sent = _sent(api, seconds, script, *arguments)
    return (api.cpu() - before) / sent.requests * 1e6


def _sent(api: Api, seconds: float, script: Path, *arguments: str) -> wrk.Sent:
    sent = wrk.run(api.url, seconds, CONNECTIONS, script, *arguments)
    if sent.refused:
        raise BenchError(f"{api.name} refused {sent.refused} of {sent.requests} requests")
    return sent


def _orders(processes: Processes, server: Server, rounds: int) -> Iterator[Figure]:
    api = ours(processes, "ours-throughput", server.url("api"), api_processes=2)
    sides = {
        OURS: lambda: _orders_of(lambda products: _per_second(api, products)),
        PGBENCH: lambda: _orders_of(lambda products: _transactions(server, products)),
    }
    measured = interleaved(sides, rounds, "orders, ")
    found = {name: columns(rows) for name, rows in measured.items()}
    for what, limit in (("1,000 products", ">= 0.55"), ("one product", ">= 0.85")):
        for name, rows in found.items():
            yield figure(f"orders/s, {what}, {name}", "/s", rows[what])
        yield ratio(f"orders/s, {what}, Stampede ÷ pgbench", found[OURS][what], found[PGBENCH][what], limit)


def _orders_of(per_second: Callable[[int], float]) -> dict[str, float]:
    return {"1,000 products": per_second(SPREAD), "one product": per_second(ONE)}


def _per_second(api: Api, products: int) -> float:
    sent = _sent(api, SECONDS, HERE / "orders.lua", str(products))
    return sent.requests / SECONDS


def _transactions(server: Server, products: int) -> float:
    text = pgbench(server, HERE / "place_order.sql", SECONDS, CONNECTIONS, "--define", f"products={products}")
    found = re.search(r"tps = ([\d.]+)", text)
    if not found:
        raise BenchError(f"pgbench failed: {text.strip()}")
    return float(found[1])
