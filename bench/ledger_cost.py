"""Measure the CPU that the ledger costs a worker: ``.venv/bin/python bench/ledger_cost.py [orders]``.

One user places orders at an API on an embedded PostgreSQL. Blocks with and without a ledger alternate, so
that changes of the machine's speed affect both. Prints this process's CPU time per order; exits with 1 if
the ledger's share is above MOST.
"""

from __future__ import annotations

import argparse
import itertools
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from statistics import median
from typing import Any

import gevent.monkey

gevent.monkey.patch_all()

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgpack  # noqa: E402 - after gevent's patch
from locust.env import Environment  # noqa: E402

from load_tests.notes import NoLedger  # noqa: E402
from load_tests.shop import Shop  # noqa: E402
from load_tests.users import ShopUser  # noqa: E402
from stampede.counting.ledger import Ledger  # noqa: E402

PORT = 18765
BLOCK = 100
"""Orders in a block, with one report at its end: as on a worker that places 100 orders a second."""

MOST = 0.05


class Customer(ShopUser):
    """A user with the same HTTP client as the shop's users."""

    host = f"http://127.0.0.1:{PORT}"


def cpu_per_order(customer: Customer, ledger: Any) -> float:
    """Return this process's CPU time in microseconds for each order of a block, including the report."""
    keys = (f"bench-{time.time_ns()}/0-a1b2c3/{number}" for number in itertools.count())
    shop = Shop(customer.client, ledger, lambda: next(keys), lambda: False)
    begun = time.process_time()
    for number in range(BLOCK):
        shop.place_order(1 + number % 19, 1)
    if isinstance(ledger, Ledger):
        report: dict[str, Any] = {}
        ledger.hand_over(report)
        msgpack.dumps(report)
    return (time.process_time() - begun) / BLOCK * 1e6


def main() -> int:
    """Print the figures; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure the ledger's share of the CPU time of an order")
    parser.add_argument("orders", nargs="?", type=int, default=6000, help="number of orders to place")
    orders = parser.parse_args().orders
    with subprocess.Popen([sys.executable, "run_api.py", "--port", str(PORT)], cwd=ROOT) as api:
        try:
            _wait_until_healthy()
            customer = Customer(Environment(host=Customer.host))
            plain, noted = [], []
            for _ in range(max(3, orders // BLOCK // 2)):
                plain.append(cpu_per_order(customer, NoLedger()))
                noted.append(cpu_per_order(customer, Ledger()))
        finally:
            api.terminate()
    # The differences of neighbouring blocks: a slow phase of the machine affects both.
    cost = median(with_it - without for with_it, without in zip(noted, plain, strict=True))
    share = cost / median(plain)
    print(f"{median(plain):.0f} µs of CPU per order, the ledger's {cost:.1f}: {share:.1%} (<= {MOST:.0%})")
    return 0 if share <= MOST else 1


def _wait_until_healthy() -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(f"{Customer.host}/health", timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main())
