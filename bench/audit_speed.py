"""Measure the time of an audit: ``.venv/bin/python bench/audit_speed.py [orders]``, by default of a million.

The embedded PostgreSQL has the orders of the run, and as many older orders of the same products. The ledger
has the clients' answers. Prints a Markdown table; exits with 1 if a check does not pass, or if a million
orders take longer than MOST_SECONDS.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgspec  # noqa: E402
import psycopg2  # noqa: E402

from postgres import embedded  # noqa: E402
from stampede.audit.database import connect  # noqa: E402
from stampede.audit.judgement import check_all, gather, load  # noqa: E402
from stampede.facts.verdict_json import Check  # noqa: E402

RUN = "20261122-120000-beef"
STARTED = 1_795_392_000.0
MOST_SECONDS = 10.0
OF_ORDERS = 1_000_000

# 2,000 orders a second, as many before the run as in it. One of 40 orders is paid, one of 40 is canceled. One
# of 50 is followed by a refused order for a product that is sold out.
FILL = """
SET session_replication_role = replica;
TRUNCATE products, orders, stock_movements, order_keys, totals RESTART IDENTITY;
INSERT INTO products (sku, name, price, stock)
SELECT 'SKU-' || number, 'Some product', 9.99, CASE WHEN number > 1000 THEN 0 ELSE 10000000 END
FROM generate_series(1, 1020) AS number;
INSERT INTO orders (id, product_id, quantity, status, unit_price, created_at, paid_at, canceled_at)
SELECT number, 1 + number %% 1000, 1 + number %% 3,
       CASE number %% 40 WHEN 0 THEN 'CANCELED' WHEN 1 THEN 'PAID' ELSE 'PENDING' END, 9.99, at,
       CASE number %% 40 WHEN 1 THEN at + interval '1 s' END,
       CASE number %% 40 WHEN 0 THEN at + interval '1 s' END
FROM (
    SELECT number, to_timestamp(%(started)s) + (number - %(orders)s) * interval '0.5 ms'
                   + CASE WHEN number > %(orders)s THEN interval '1 s' ELSE interval '-1 h' END AS at
    FROM generate_series(1, 2 * %(orders)s) AS number
) AS numbers;
INSERT INTO order_keys
SELECT CASE WHEN id > %(orders)s THEN %(run)s ELSE 'before' END || '/' || id %% 4 || '-aaaaaa/' || id,
       id, product_id, quantity, created_at
FROM orders;
INSERT INTO stock_movements (product_id, order_id, delta, stock_after, kind, at)
SELECT product_id, order_id, delta, sum(delta) OVER (PARTITION BY product_id ORDER BY at, order_id), kind, at
FROM (
    SELECT id AS product_id, NULL AS order_id, stock AS delta, 'created' AS kind,
           timestamptz '2026-01-01' AS at FROM products
    UNION ALL
    SELECT product_id, id, -quantity, 'placed', created_at + interval '0.1 ms' FROM orders
    UNION ALL
    SELECT product_id, id, quantity, 'canceled', canceled_at FROM orders WHERE status = 'CANCELED'
) AS lines
ORDER BY at;
UPDATE products SET stock = units
FROM (SELECT product_id, sum(delta) AS units FROM stock_movements GROUP BY product_id) AS summed
WHERE product_id = id;
"""


def fill(url: str, orders: int) -> None:
    """Fill the shop's tables as the run would leave them."""
    with closing(psycopg2.connect(url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("SET work_mem = '256MB'")
            cursor.execute(FILL, {"orders": orders, "run": RUN, "started": STARTED})
            cursor.execute("VACUUM (ANALYZE) products, orders, stock_movements, order_keys")


def entries(orders: int) -> Iterator[dict[str, object]]:
    """Yield the ledger's entries, of workers with exact clocks."""
    for number in range(orders + 1, 2 * orders + 1):
        worker, at = f"{number % 4}-aaaaaa", STARTED + 1 + (number - orders) * 0.0005
        entry = {"worker": worker, "n": 4 * number, "act": "order", "key": f"{RUN}/{worker}/{number}"}
        entry |= {"product_id": 1 + number % 1000, "quantity": 1 + number % 3, "sent": at - 0.0005}
        yield entry | {"outcome": "ok", "answered": at + 0.001, "status": 201, "order_id": number, "tries": 1}
        if number % 50 == 0:
            refused = entry | {"n": 4 * number + 1, "key": f"{RUN}/{worker}/{number}-2"}
            refused |= {"product_id": 1001 + number % 20, "outcome": "refused", "answered": at + 0.001}
            yield refused | {"status": 409, "available": 0, "tries": 1}
        if act := {0: "cancel", 1: "pay", 2: "total"}.get(number % 40):
            step = {"worker": worker, "n": 4 * number + 2, "act": act, "order_id": number, "sent": at + 0.999}
            step |= {"outcome": "ok", "answered": at + 1.001, "status": 200}
            yield step | ({"total_value": round(9.99 * (1 + number % 3), 2)} if act == "total" else {})


def write(path: Path, orders: int) -> None:
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.writelines(msgspec.json.encode(entry) + b"\n" for entry in entries(orders))


@contextmanager
def timed(phase: str) -> Iterator[None]:
    begun = time.monotonic()
    yield
    print(f"| {phase} | {time.monotonic() - begun:.1f} |", flush=True)


def audit(url: str, ledger: Path) -> list[Check]:
    """Do the same as `judge`, and print the time of each part."""
    with closing(connect(url)) as connection:
        with timed("load the ledger"):
            load(connection, ledger)
        connection.set_session(isolation_level="REPEATABLE READ", autocommit=False)
        with connection, connection.cursor() as cursor:
            with timed("gather the data"):
                gather(cursor, RUN, STARTED)
            with timed("twelve checks"):
                return check_all(cursor)


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure the time of an audit")
    parser.add_argument("orders", nargs="?", type=int, default=OF_ORDERS, help="number of orders to audit")
    orders = parser.parse_args().orders
    with tempfile.TemporaryDirectory(prefix="stampede-bench-", dir="/var/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        ledger = folder / "ledger.jsonl.gz"
        write(ledger, orders)
        with embedded.running(folder / "data") as server:
            fill(server.url("postgres"), orders)
            print(f"| {orders:,} orders, and as many before | seconds |\n|---|---|")
            begun = time.monotonic()
            checks = audit(server.url("auditor"), ledger)
            seconds = time.monotonic() - begun
    print(f"| all | {seconds:.1f} |")
    wrong = [check for check in checks if check.verdict not in ("PASS", "NOT_ASKED")]
    print(*(f"{check.verdict} {check.name}: {check.detail}: {check.first}" for check in wrong), sep="\n")
    return int(bool(wrong) or (orders >= OF_ORDERS and seconds > MOST_SECONDS))


if __name__ == "__main__":
    sys.exit(main())
