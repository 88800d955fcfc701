"""What each layer of a request adds to the CPU time of a worker. Prints JSON: a child of parts/budget.py.

`python -m bench.layers HOST ROUNDS`. Ten users place orders in each layer, without waits. Each layer does all
that the one before it does.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Callable
from resource import RUSAGE_SELF, getrusage
from typing import Any

import gevent.monkey

gevent.monkey.patch_all()

import locust.main  # noqa: E402, F401 - after gevent's patch, and before the engine
from locust import constant  # noqa: E402
from locust.env import Environment  # noqa: E402
from locust.event import Events  # noqa: E402
from locust.exception import StopUser  # noqa: E402

import stampede.hooks  # noqa: E402, F401 - the engine's replacements in Locust
from bench.rounds import interleaved  # noqa: E402
from load_tests.notes import NoLedger  # noqa: E402
from load_tests.users import ShopUser  # noqa: E402
from stampede.counting.counts import Counts  # noqa: E402
from stampede.counting.ledger import Ledger  # noqa: E402
from stampede.http.connection import Connection  # noqa: E402
from stampede.http.origin import origin_and_path  # noqa: E402

USERS, REQUESTS = 10, 1000
"""In each block, and of each user."""

ORDER = {"product_id": 17, "quantity": 2}

Act = Callable[[], Any]


def main(host: str, rounds: int) -> None:
    """Measure all layers in turn."""
    layers = {"kernel, event loop and parser": connection, "client": client, "user code": user_code}
    layers |= {"ledger": ledger, "counts and outcomes": counts, "Locust's statistics": statistics}
    sides = {name: block([layer(host) for _ in range(USERS)]) for name, layer in layers.items()}
    sides["Locust's task loop"] = tasks(host)
    for side in sides.values():
        side()  # connects
    gc.freeze()
    # The lines of progress go to the error stream: the other one is read.
    with_progress, sys.stdout = sys.stdout, sys.stderr
    measured = interleaved(sides, rounds)
    sys.stdout = with_progress
    print(json.dumps(measured))


def cpu() -> tuple[float, float]:
    """Return this process's CPU time, and the kernel's part of it, in microseconds."""
    used = getrusage(RUSAGE_SELF)
    return (used.ru_utime + used.ru_stime) * 1e6, used.ru_stime * 1e6


_reported: list[Ledger | Counts] = []
"""What a worker would report each second: kept for ever, it would slow the garbage collection down."""


def measured(run: Act) -> tuple[float, float]:
    """Return the CPU time of a request, and the kernel's part."""
    before = cpu()
    run()
    for part in _reported:
        part.hand_over({})
    total, kernel = ((now - then) / USERS / REQUESTS for now, then in zip(cpu(), before, strict=True))
    return total, kernel


def block(acts: list[Act]) -> Callable[[], tuple[float, float]]:
    """Return a function that lets each user act REQUESTS times, and measures."""

    def repeat(act: Act) -> None:
        for _ in range(REQUESTS):
            act()

    return lambda: measured(
        lambda: gevent.joinall([gevent.spawn(repeat, act) for act in acts], raise_error=True)
    )


def connection(host: str) -> Act:
    """Send prebuilt bytes."""
    origin, _ = origin_and_path(host)
    opened = Connection(origin, 10, 10, None)
    request = b"POST /orders/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    body = json.dumps(ORDER).encode()
    request += b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    return lambda: opened.exchange(request, False, 1_000_000)


def client(host: str) -> Act:
    """Send with FastUser's methods."""
    session = user(host, Events()).client

    def send() -> None:
        with session.post("/orders/", json=ORDER, catch_response=True) as response:
            response.success()

    return send


def user_code(host: str) -> Act:
    """Place an order, and check the answer."""
    return order_of(user(host, Events()), NoLedger())


def ledger(host: str) -> Act:
    """Note the order for the audit."""
    return order_of(user(host, Events()), new_ledger())


def counts(host: str) -> Act:
    """Count the outcome and the time."""
    return order_of(user(host, counted()), new_ledger())


def statistics(host: str) -> Act:
    """Count for the pages of Locust's UI."""
    return order_of(user(host, counted(), with_runner=True), new_ledger())


def tasks(host: str) -> Callable[[], tuple[float, float]]:
    """Let Locust run the tasks of users that do not wait."""

    def place_order(customer: Any) -> None:
        if not customer.left:
            raise StopUser
        customer.left -= 1
        customer.shop.place_order(**ORDER)

    own = {"tasks": [place_order], "wait_time": constant(0)}
    customers: list[Any] = [user(host, counted(), with_runner=True, **own) for _ in range(USERS)]
    for customer in customers:
        order_of(customer, new_ledger())

    def run() -> None:
        for customer in customers:
            customer.left = REQUESTS
        gevent.joinall([gevent.spawn(customer.run) for customer in customers], raise_error=True)

    return lambda: measured(run)


def new_ledger() -> Ledger:
    """Return a ledger that is handed over after each block."""
    _reported.append(made := Ledger())
    return made


def counted() -> Events:
    """Return events whose requests the engine counts."""
    _reported.append(made := Counts())
    events = Events()
    events.request.add_listener(made.count)
    return events


def user(host: str, events: Events, with_runner: bool = False, **own: Any) -> Any:
    """Return a user of the shop."""
    environment = Environment(events=events)
    if with_runner:
        environment.create_local_runner()
    return type("Customer", (ShopUser,), {"host": host, **own})(environment)


def order_of(customer: Any, ledger: Any) -> Act:
    """Return a function that places an order."""
    customer.shop._notes._ledger = ledger
    return lambda: customer.shop.place_order(**ORDER)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
