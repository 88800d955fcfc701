"""What clients do to a shop, by calling its functions, and the ledger they keep of it."""

from __future__ import annotations

import gzip
import itertools
import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
from psycopg2 import sql

from stampede.audit.database import connect
from stampede.audit.judgement import judge
from stampede.facts.verdict_json import Check
from tests.integration.databases import TestDatabase

RUN = "20261122-120000-beef"
WORKER = "0-aaaaaa"

Entry = dict[str, Any]

STATUSES = {"done": 200, "product_not_found": 404, "order_not_found": 404, "idempotency_key_reused": 422}
STATUSES |= {"insufficient_stock": 409, "duplicate_sku": 409, "product_in_use": 409}


class History:
    """One run on a database; `lag` is how many seconds the worker's clock is behind the database's."""

    def __init__(self, database: TestDatabase, folder: Path, worker: str = WORKER, lag: float = 0) -> None:
        self.database = database
        self.folder = folder
        self.worker = worker
        self.lag = lag
        self.started = time.time()
        self.entries: list[Entry] = []
        self._numbers = itertools.count(1)
        self._connection = psycopg2.connect(database.url("api"))
        self._connection.autocommit = True

    def close(self) -> None:
        self._connection.close()

    # What clients do.

    def product(self, stock: int, **facts: Any) -> int:
        """The id of a new one."""
        return int(
            self.create(f"SKU-{self.worker}-{next(self._numbers)}".upper(), stock, **facts)["product_id"]
        )

    def create(self, sku: str, stock: int = 1, price: float = 9.99, **facts: Any) -> Entry:
        entry = self.attempt("create", sku=sku, stock=stock, price=price, **facts)
        answer = self.call("create_product", sku, "Some product", price, stock)
        return self.settle(entry, answer[0], product_id=answer[2])

    def order(self, product_id: int, quantity: int = 1, key: str | None = None, **facts: Any) -> Entry:
        key = key or self.new_key()
        entry = self.attempt("order", key=key, product_id=product_id, quantity=quantity, **facts)
        outcome, about, order_id, *_ = self.call("place_order", product_id, quantity, key)
        told = {"available": int(about)} if outcome == "insufficient_stock" else {"order_id": order_id}
        return self.settle(entry, outcome, **told)

    def bulk(self, lines: list[tuple[int, int]], key: str | None = None) -> list[Entry]:
        """Orders of (product, quantity)."""
        key = key or self.new_key()
        entries = [
            self.attempt("order", key=f"{key}#{index}", product_id=product, quantity=quantity, bulk=True)
            for index, (product, quantity) in enumerate(lines)
        ]
        body = json.dumps([{"product_id": product, "quantity": quantity} for product, quantity in lines])
        for index, outcome, _, order_id in self.calls("place_orders", body, key):
            self.settle(entries[index], outcome, order_id=order_id)
        return entries

    def bulk_create(self, products: list[tuple[str, int]]) -> list[Entry]:
        """Products of (SKU, stock)."""
        entries = [
            self.attempt("create", sku=sku, stock=stock, price=9.99, bulk=True) for sku, stock in products
        ]
        body = json.dumps([{"sku": sku, "name": "Some", "price": 9.99, "stock": n} for sku, n in products])
        for index, outcome, _, product_id in self.calls("create_products", body):
            self.settle(entries[index], outcome, product_id=product_id)
        return entries

    def act(self, name: str, order_id: int) -> Entry:
        """pay, ship, cancel or delete (by force)."""
        entry = self.attempt(name, order_id=order_id)
        return self.settle(entry, self.call(f"{name}_order", order_id)[0])

    def change_order(self, order_id: int, quantity: int | None = None, to: str | None = None) -> Entry:
        entry = self.attempt("change_order", order_id=order_id, quantity=quantity, to=to)
        return self.settle(entry, self.call("change_order", order_id, quantity, to)[0])

    def adjust(self, product_id: int, adjustment: int) -> Entry:
        reason = f"delivery {self.new_key()}"
        entry = self.attempt("adjust", product_id=product_id, adjustment=adjustment, key=reason)
        answer = self.call("adjust_stock", product_id, adjustment, reason)
        return self.settle(entry, answer[0], applied=answer[7], stock=answer[6])

    def change_product(self, product_id: int, **changes: Any) -> Entry:
        entry = self.attempt("change_product", product_id=product_id, **changes)
        new = [changes.get(name) for name in ("sku", "name", "price", "stock")]
        return self.settle(entry, self.call("change_product", product_id, *new)[0])

    def delete_product(self, product_id: int) -> Entry:
        entry = self.attempt("delete_product", product_id=product_id)
        return self.settle(entry, self.call("delete_product", product_id)[0])

    def read_total(self, order_id: int) -> Entry:
        entry = self.attempt("total", order_id=order_id)
        return self.settle(entry, "done", total_value=float(self.call("read_order", order_id)[5]))

    def lose(self, worker: str = WORKER) -> None:
        """The worker does not report its end."""
        self.entries.append({"act": "lost_worker", "worker": worker, "name": f"host_{worker}", "at": 0.0})

    def refuse_order(self, product_id: int, quantity: int = 1, **facts: Any) -> Entry:
        """Told that it is sold out, by nobody."""
        entry = self.attempt("order", key=self.new_key(), product_id=product_id, quantity=quantity)
        return self.settle(entry, "insufficient_stock", **facts)

    # How they note it.

    def new_key(self) -> str:
        return f"{RUN}/{self.worker}/{next(self._numbers)}"

    def attempt(self, act: str, **facts: Any) -> Entry:
        entry = {"worker": self.worker, "n": next(self._numbers), "act": act, **facts}
        entry |= {"sent": self.now(), "outcome": "open"}
        self.entries.append(entry)
        return entry

    def settle(self, entry: Entry, outcome: str, **told: Any) -> Entry:
        """`outcome` is a function's."""
        is_done = outcome == "done"
        entry |= {"outcome": "ok" if is_done else "refused", "answered": self.now()}
        entry["status"] = STATUSES.get(outcome, 422)
        entry |= {name: value for name, value in told.items() if is_done or name == "available"}
        return entry

    def turn(self, entry: Entry, outcome: str, status: int = 0) -> Entry:
        """What the client was told is another thing: ``unknown``, ``refused``, or still ``open``."""
        answer = {"order_id", "available"} if entry["act"] == "order" else {"applied"}
        for name in answer | ({"product_id"} if entry["act"] == "create" else set()):
            entry.pop(name, None)
        entry |= {"outcome": outcome, "status": status}
        return entry

    def now(self) -> float:
        return time.time() - self.lag

    # The shop.

    def calls(self, function: str, *arguments: object) -> list[tuple[Any, ...]]:
        with self._connection.cursor() as cursor:
            places = sql.SQL(", ").join([sql.Placeholder()] * len(arguments))
            cursor.execute(
                sql.SQL("SELECT * FROM {}({})").format(sql.Identifier(function), places), arguments
            )
            return cursor.fetchall()

    def call(self, function: str, *arguments: object) -> tuple[Any, ...]:
        return self.calls(function, *arguments)[0]

    def spoil(self, statement: str, *arguments: object) -> list[tuple[Any, ...]]:
        """Do what the shop never would: past its functions, its triggers and its constraints."""
        return self.database.query(f"SET session_replication_role = replica; {statement}", *arguments)

    def erase(self, order_id: int) -> None:
        """As if it had never been; the stock stays as it is."""
        self.spoil("DELETE FROM orders WHERE id = %s", order_id)
        self.spoil("DELETE FROM order_keys WHERE order_id = %s", order_id)
        self.spoil("DELETE FROM stock_movements WHERE order_id = %s", order_id)

    # The audit.

    def write(self) -> Path:
        """The ledger, as the master leaves it."""
        path = self.folder / "ledger.jsonl.gz"
        with gzip.open(path, "wt") as file:
            file.writelines(json.dumps(entry) + "\n" for entry in self.entries)
        return path

    def judged(self) -> dict[str, Check]:
        """The checks by their names."""
        with closing(connect(self.database.url("auditor"))) as connection:
            checks = judge(connection, self.write(), RUN, self.started)
        return {check.name: check for check in checks}
