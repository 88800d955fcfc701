"""People using a shop: 3 look after its products, 5 order, 2 watch, 1 hunts for what is nearly sold out.

    locust -f load_tests/locustfile.py --host=http://localhost:8000

Each task makes exactly one request; where it has nothing to act on yet, it takes the step before.
"""

import itertools
import sys
from collections import deque
from pathlib import Path
from typing import Any

from locust import between, task
from locust.env import Environment

# For `from load_tests …`, wherever Locust is started. At [0] is this folder; Locust takes that out again.
sys.path.insert(1, str(Path(__file__).absolute().parents[1]))
from load_tests.users import ShopUser, product_names


class InventoryManagementUser(ShopUser):
    """Keeps the catalogue: reads it, adds to it, changes what it added, now and then drops something."""

    weight = 3
    wait_time = between(1, 3)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.added: deque[tuple[int, str]] = deque(maxlen=50)

    @task(4)
    def list_products(self) -> None:
        self.browse()

    @task(4)
    def view_product(self) -> None:
        if not self.products:
            self.browse()
        elif self.shop.view_product(product := self.random.choice(self.products)).status == 404:
            self.products.remove(product)

    @task(3)
    def search_products(self) -> None:
        word = self.random.choice(product_names()).split()[0]
        price = self.price()
        filters = self.random.choice(
            (
                {"search": word},
                {"search": word, "in_stock_only": "true"},
                {"min_price": price, "max_price": 2 * price},
                {"low_stock_threshold": 10},
            )
        )
        self.shop.search_products(**filters)

    @task(3)
    def create_product(self) -> None:
        product = self.new_product()
        answer = self.shop.create_product(product)
        if answer.status == 201:
            self.added.append((answer.json()["id"], product["sku"]))

    @task
    def find_product_by_sku(self) -> None:
        if self.added:
            self.shop.view_product_by_sku(self.random.choice(self.added)[1])
        else:
            self.create_product()

    @task(3)
    def update_product(self) -> None:
        if self.added:
            product, _ = self.random.choice(self.added)
            self.shop.update_product(product, price=self.price(), stock=self.random.randint(50, 500))
        else:
            self.create_product()

    @task
    def discontinue_product(self) -> None:
        if not self.added:
            self.create_product()
        elif self.shop.delete_product(self.added[0][0]).status != 409:
            self.added.popleft()


class OrderProcessingUser(ShopUser):
    """Orders what it finds, pays, sees to it that it is shipped, and sometimes thinks better of it."""

    weight = 5
    wait_time = between(0.5, 2)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.orders: deque[int] = deque(maxlen=100)
        self.unpaid: deque[int] = deque(maxlen=100)
        self.unshipped: deque[int] = deque(maxlen=100)

    @task(2)
    def look_around(self) -> None:
        self.browse()

    @task(8)
    def place_order(self) -> None:
        if not self.products:
            self.browse()
            return
        product = self.random.choice(self.products)
        answer = self.shop.place_order(product, self.random.randint(1, 5))
        if answer.status == 201:
            order = answer.json()["id"]
            self.orders.append(order)
            self.unpaid.append(order)
        elif answer.status == 404:
            self.products.remove(product)

    @task(2)
    def list_orders(self) -> None:
        self.shop.list_orders(page=self.random.randint(1, 5))

    @task
    def search_orders(self) -> None:
        self.shop.search_orders(status=self.random.choice(("PENDING", "PAID", "SHIPPED", "CANCELED")))

    @task(4)
    def view_order(self) -> None:
        if self.orders:
            self.shop.view_order(self.random.choice(self.orders))
        else:
            self.place_order()

    @task(5)
    def pay_order(self) -> None:
        if not self.unpaid:
            self.place_order()
        elif self.shop.pay_order(order := self.unpaid.popleft()).status == 200:
            self.unshipped.append(order)

    @task(4)
    def ship_order(self) -> None:
        if self.unshipped:
            self.shop.ship_order(self.unshipped.popleft())
        else:
            self.pay_order()

    @task
    def cancel_order(self) -> None:
        """Whatever became of it since: too late, it is refused; in time, paying and shipping are."""
        if self.orders:
            self.shop.cancel_order(self.random.choice(self.orders))
        else:
            self.place_order()


class MonitoringUser(ShopUser):
    """Watches: is it up, how is business, what came in last. Reads the documentation at times."""

    weight = 2
    wait_time = between(1, 3)

    @task(5)
    def check_health(self) -> None:
        self.shop.health()

    @task(3)
    def read_summary(self) -> None:
        self.shop.summary()

    @task(4)
    def watch_recent_orders(self) -> None:
        self.shop.recent_orders(limit=self.random.choice((10, 20, 50)))

    @task
    def read_documentation(self) -> None:
        self.shop.documentation()

    @task
    def read_openapi(self) -> None:
        self.shop.openapi()


class HighConcurrencyUser(ShopUser):
    """Hunts for the same few products as everybody of its kind, on every worker.

    They agree without a message: the catalogue is listed by id, so its first page is the same for
    all. It stays short there whatever the run began with: who found a product sold out has a few
    units delivered, who did not writes off what is left.
    """

    weight = 1
    wait_time = between(0.2, 0.5)

    few = 5
    delivery = 10
    """Units; less than what is asked for between two deliveries, so that most come too late."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.scarce: list[int] = []
        self.sold_out: int | None = None

    @task(5)
    def order_scarce_product(self) -> None:
        if not self.scarce:
            self._find_scarce_products()
            return
        product = self.random.choice(self.scarce)
        answer = self.shop.place_order(product, self.random.randint(1, 5))
        if answer.status == 409:
            self.sold_out = product
        elif answer.status == 404:
            self.scarce.clear()  # deleted: everybody finds the same other one instead

    @task
    def adjust_scarce_stock(self) -> None:
        if not self.scarce:
            self._find_scarce_products()
        elif self.sold_out:
            self.shop.adjust_stock(self.sold_out, self.delivery, "delivery")
            self.sold_out = None
        else:
            self.shop.adjust_stock(self.random.choice(self.scarce), -1_000_000, "written off")

    def _find_scarce_products(self) -> None:
        answer = self.shop.list_products(page=1, per_page=self.few)
        if answer.status == 200:
            self.scarce = [product["id"] for product in answer.json()["products"]]


class EverythingUser(InventoryManagementUser, OrderProcessingUser, MonitoringUser, HighConcurrencyUser):
    """Takes turns at everything the four kinds do. Takes part only where a profile names it."""

    weight = 0
    wait_time = between(0.1, 0.3)
    tasks: list[Any]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._turns = itertools.cycle(dict.fromkeys(self.tasks))  # each once, whatever its weight
        self.tasks = [EverythingUser._take_turn]

    def _take_turn(self) -> None:
        next(self._turns)(self)
