"""The API is killed, all its processes at once, in the middle of orders."""

from __future__ import annotations

import http.client
import itertools
import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.checkout import wait_until
from tests.integration.databases import ADDS_UP, TOTALS_ARE_TRUE, TestDatabase
from tests.integration.servers import Api

CUSTOMERS = 12
ORDERS_TAKE_A_MOMENT = """
    CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$;
    GRANT EXECUTE ON FUNCTION linger TO api;
    CREATE TRIGGER linger BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION linger();
"""
#: Orders without the one key and the one movement that belong to each.
HALF_DONE = """
    SELECT count(*) FROM orders
    FULL JOIN order_keys ON order_keys.order_id = orders.id
    FULL JOIN stock_movements AS placed ON placed.order_id = coalesce(orders.id, order_keys.order_id)
    WHERE (orders.id IS NULL OR order_keys.key IS NULL OR placed.id IS NULL)
    AND placed.kind IS DISTINCT FROM 'created'
"""
SESSIONS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'stampede-api' AND datname = current_database()
"""


def kill(api: Api) -> None:
    """Parent first: it would replace a process that dies."""
    parent = api.process.pid
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for process in (parent, *map(int, children)):
        os.kill(process, signal.SIGKILL)
    api.process.wait()


def place_orders(api: Api, keys: list[str], told: dict[str, str], enough: threading.Event) -> None:
    """One after the other, until there is no API. `told` is what was confirmed, by key."""
    for number in itertools.count():
        keys.append(key := f"{threading.get_ident()}-{number}")
        try:
            answer = place(api, key)
        except (ConnectionError, http.client.HTTPException):
            return
        told[key] = answer
        if len(told) > 5 * CUSTOMERS:
            enough.set()


def place(api: Api, key: str) -> str:
    order = {"product_id": 1 + hash(key) % 5, "quantity": 1}
    answer = api.request("POST", "/orders/", order, Idempotency_Key=key)
    assert answer.status == 201
    return answer.body.decode()


def test_a_killed_api_leaves_nothing_half_done_and_orders_nothing_twice(
    start_api: Callable[..., Api], database: TestDatabase
) -> None:
    """Every key is repeated at the API that follows: what was confirmed is confirmed as it was, and each is
    one order."""
    database.query(ORDERS_TAKE_A_MOMENT)
    api = start_api(database.url(), API_PROCESSES="2")
    keys: list[str] = []
    told: dict[str, str] = {}
    enough = threading.Event()
    with ThreadPoolExecutor(CUSTOMERS) as pool:
        customers = [pool.submit(place_orders, api, keys, told, enough) for _ in range(CUSTOMERS)]
        enough.wait(20)
        kill(api)
    for customer in customers:
        customer.result()
    assert len(keys) > len(told) > 0
    wait_until(lambda: database.query(SESSIONS) == [(0,)], "no transaction of the API is left")
    check_nothing_half_done(database)

    restarted = start_api(database.url(), API_PROCESSES="2")
    with ThreadPoolExecutor(CUSTOMERS) as pool:
        again = dict(zip(keys, pool.map(lambda key: place(restarted, key), keys), strict=True))
    assert told.items() <= again.items()
    assert database.query("SELECT count(*) FROM orders") == [(len(keys),)]
    check_nothing_half_done(database)


def check_nothing_half_done(database: TestDatabase) -> None:
    assert database.query(ADDS_UP) == [(0,)]
    assert database.query(TOTALS_ARE_TRUE) == [(True,)]
    assert database.query(HALF_DONE) == [(0,)]
