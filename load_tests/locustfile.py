"""The users of a shop. Of 11 users, 3 manage products, 5 order, 2 monitor, and 1 orders scarce products.

    locust -f load_tests/locustfile.py --host=http://localhost:8000

Each task makes exactly one request. A task that needs an object first, such as an order to pay, makes that
object instead.
"""

import itertools
import sys
from collections import deque
from pathlib import Path
from typing import Any

from locust import between, task
from locust.env import Environment

# So that `from load_tests …` works from any folder. Not at [0]: Locust removes that entry again.
sys.path.insert(1, str(Path(__file__).absolute().parents[1]))
from load_tests.users import ShopUser, product_names


class InventoryManagementUser(ShopUser):
    """Manages the catalogue: reads it, creates products, and changes or deletes the products it created."""

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
        if answer.status == 201 and answer.id:
            self.added.append((answer.id, product["sku"]))

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
    """Finds products, then orders, pays and ships them; cancels some of its orders."""

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
        if answer.status == 201 and answer.id:
            self.orders.append(answer.id)
            self.unpaid.append(answer.id)
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
        """Cancel any order: a shipped one is refused; of a canceled one, later payments are refused."""
        if self.orders:
            self.shop.cancel_order(self.random.choice(self.orders))
        else:
            self.place_order()


class MonitoringUser(ShopUser):
    """Reads the health, the summary and the recent orders; sometimes also the documentation."""

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
    """Orders the same few products as all other users of this class, on every worker.

    No message is needed to agree on them: the catalogue is listed by id, so all users see the same first
    page. The products stay scarce, whatever their first stock. A user that found a product sold out adds
    a few units; the others remove what is left.
    """

    weight = 1
    wait_time = between(0.2, 0.5)

    few = 5
    delivery = 10
    """Units; fewer than are ordered between two deliveries, so that most orders are refused."""

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
            self.scarce.clear()  # deleted: read the first page again, which is the same for all

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
            self.scarce = answer.ids("products")


class EverythingUser(InventoryManagementUser, OrderProcessingUser, MonitoringUser, HighConcurrencyUser):
    """Does all tasks of the four classes in turn. It takes part only if a profile names it."""

    weight = 0
    wait_time = between(0.1, 0.3)
    tasks: list[Any]

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._turns = itertools.cycle(dict.fromkeys(self.tasks))  # each once: weights are ignored
        self.tasks = [EverythingUser._take_turn]

    def _take_turn(self) -> None:
        next(self._turns)(self)
