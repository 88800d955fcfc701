"""Five user classes for difficult situations. Run all of them, or one by its name or tag:

    locust -f load_tests/scenarios.py --host=http://localhost:8000
    locust -f load_tests/scenarios.py LastItemRace --host=http://localhost:8000
    locust -f load_tests/scenarios.py --tags race --host=http://localhost:8000

Each task makes exactly one request. A task that needs an object first, such as an order to pay, makes that
object instead. There are two exceptions: racers view a product and then order it, and some tasks send the
same request twice at the same time.

`promises` lists checks of the audit: a run of 20 s with 10 users always gives each of them data to examine.
"""

import itertools
import sys
import time
from collections import deque
from functools import lru_cache
from pathlib import Path
from typing import Any, ClassVar

from locust import between, events, tag, task
from locust.env import Environment

# So that `from load_tests …` works from any folder. Not at [0]: Locust removes that entry again.
sys.path.insert(1, str(Path(__file__).absolute().parents[1]))
from load_tests.answer import Json
from load_tests.consistency import line_by_line, untrue_refusal, wrong_health, wrong_order_of, wrong_summary
from load_tests.contract import FEW, NOBODYS, PLENTY, Case, Owned
from load_tests.contract_cases import CASES
from load_tests.shop import ANY_STATUS, CREATED, OK
from load_tests.users import ShopUser
from stampede import RacingUser

CREATED_OR_THERE = frozenset({201, 409})
ORDERED_OR_SOLD_OUT = frozenset({201, 409})  # these products are never deleted: no 404
REFUSED = frozenset({422})


@events.init.add_listener
def leave_out_whoever_has_no_task(environment: Environment, **_: Any) -> None:
    """Remove user classes that --tags leaves without tasks: Locust would let them fail all the time."""
    options = environment.parsed_options
    if options.tags or options.exclude_tags:
        environment._filter_tasks_by_tags()
        environment.user_classes[:] = [kind for kind in environment.user_classes if kind.tasks]
        if not environment.user_classes:
            sys.exit("no task has these tags: use race, bulk, depletion, monitoring or errors")


@tag("race")
class LastItemRace(RacingUser, ShopUser):
    """Orders one of the last five units at the same instant as all other racers, in every round."""

    weight = 6  # six of ten users: more racers than units
    promises: ClassVar[tuple[str, ...]] = ("no_oversell", "no_undersell", "contention")
    units = 5

    def prepare(self) -> Json | None:
        product = {**self.new_product(), "stock": self.units}
        answer = self.shop.create_product(product, race=True)
        return {"product_id": answer.id} if answer.status == 201 and answer.id else None

    def get_ready(self, prize: Json) -> None:
        self.shop.view_product(prize["product_id"])

    def race(self, prize: Json) -> bool | None:
        with self.shop.expecting(ORDERED_OR_SOLD_OUT, untrue_refusal):
            answer = self.shop.place_order(prize["product_id"], 1)
        return {201: True, 409: False}.get(answer.status)


@tag("bulk")
class BulkOperations(ShopUser):
    """Creates products and places orders, in bulk calls and one by one."""

    wait_time = between(0.05, 0.15)
    promises: ClassVar[tuple[str, ...]] = (
        "bulk_matches_rows",
        "acknowledged_orders_kept",
        "refused_means_no_effect",
        "totals_at_order_price",
    )

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.made: deque[int] = deque(maxlen=50)
        """Ids of its products; no other user changes or orders them."""
        self.placed: deque[tuple[int, int]] = deque(maxlen=50)
        """Orders that were placed one by one: the order's id and the product's."""
        self.last_call: tuple[list[Json], str, list[Json]] | None = None

    @task
    def create_five_products(self) -> None:
        products = [self.new_product() for _ in range(5)]
        with self.shop.expecting(OK, line_by_line(products)):
            answer = self.shop.create_products(products)
        if answer.status == 200:
            self.made.extend(answer.ids("created"))

    @task
    def create_product(self) -> None:
        answer = self.shop.create_product(self.new_product())
        if answer.status == 201 and answer.id:
            self.made.append(answer.id)

    @task(4)
    def place_three_orders(self) -> None:
        """Place three orders. Sometimes one of them is impossible; the others must be placed."""
        if not self.made:
            self.create_five_products()
            return
        orders = [self._some_order() for _ in range(3)]
        if self.random.random() < 0.3:
            orders[self.random.randrange(3)] = self._impossible_order()
        key = self.new_key()
        with self.shop.expecting(OK, line_by_line(orders)):
            answer = self.shop.place_orders(orders, key)
        if answer.status == 200:
            self.last_call = orders, key, answer.lines("created")

    @task(4)
    def place_order(self) -> None:
        if not self.made:
            self.create_product()
            return
        order = self._some_order()
        answer = self.shop.place_order(**order)
        if answer.status == 201 and answer.id:
            self.placed.append((answer.id, order["product_id"]))

    @task
    def place_order_twice(self) -> None:
        """Send one order twice at the same time with the same key: only one order is placed."""
        if not self.made:
            self.create_product()
            return
        order, key = self._some_order(), self.new_key()
        self.at_once(
            lambda: self.shop.place_order(**order, key=key), lambda: self.shop.place_order(**order, key=key)
        )

    @task
    def repeat_three_orders(self) -> None:
        """Repeat the last bulk call with the same key: its orders are returned, not placed again."""
        if self.last_call is None:
            self.place_three_orders()
            return
        orders, key, created = self.last_call
        with self.shop.expecting(OK, line_by_line(orders, created)):
            self.shop.place_orders(orders, key)

    @task
    def change_price(self) -> None:
        """Change the price of an ordered product: the order keeps its price."""
        if self.placed:
            self.shop.update_product(self.random.choice(self.placed)[1], price=self.price())
        else:
            self.place_order()

    @task(2)
    def read_total(self) -> None:
        if self.placed:
            self.shop.view_order(self.random.choice(self.placed)[0])
        else:
            self.place_order()

    def _some_order(self) -> Json:
        return {"product_id": self.random.choice(self.made), "quantity": self.random.randint(1, 5)}

    def _impossible_order(self) -> Json:
        product = self.random.choice((NOBODYS, self.made[-1]))
        return {"product_id": product, "quantity": 10_000}  # a new product has 500 at most


class Shelf:
    """The one product that all users order: what the users of one worker know of it, in one run."""

    units = 10
    """Units of a delivery for each user. The first stock is this number, for any number of users."""
    delivery_time = 2.0

    def __init__(self, run_id: str) -> None:
        self.sku = f"{run_id}-DEPLETION"  # the same on every worker, so no message is needed
        self.users = 0
        self.missing = False
        self.product: int | None = None
        self.delivery_due: float | None = None

    def is_delivery_due(self) -> bool:
        return self.delivery_due is not None and time.monotonic() >= self.delivery_due


shelf_of = lru_cache(maxsize=1)(Shelf)


@tag("depletion")
class StockDepletionRecovery(ShopUser):
    """Orders the same product as all users of this class, until it is sold out; then waits for a delivery.

    It also pays, ships, cancels and deletes orders, and tries to cancel shipped ones, which is refused.
    """

    wait_time = between(0.1, 0.5)
    promises: ClassVar[tuple[str, ...]] = ("sold_out_was_true", "no_oversell", "legal_status_paths")

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.shelf = shelf_of(self.run_id)
        self.shelf.users += 1
        self.unpaid: deque[int] = deque(maxlen=50)
        self.unshipped: deque[int] = deque(maxlen=50)
        self.shipped: deque[int] = deque(maxlen=50)

    @task(12)
    def order(self) -> None:
        if self.shelf.product is None:
            self._find_product()
        elif self.shelf.is_delivery_due():
            self._restock(self.shelf.product)
        else:
            self._place_order(self.shelf.product)

    @task(2)
    def pay_order(self) -> None:
        if not self.unpaid:
            self.order()
            return
        order = self.unpaid.popleft()
        with self.shop.expecting(OK):
            if self.shop.pay_order(order).status == 200:
                self.unshipped.append(order)

    @task
    def ship_order(self) -> None:
        if not self.unshipped:
            self.pay_order()
            return
        order = self.unshipped.popleft()
        with self.shop.expecting(OK):
            if self.shop.ship_order(order).status == 200:
                self.shipped.append(order)

    @task
    def cancel_order(self) -> None:
        """Cancel one order twice at the same time: its units return to the stock once."""
        live = self.random.choice((self.unpaid, self.unshipped)) or self.unpaid
        if not live:
            self.order()
            return
        order = live.popleft()
        with self.shop.expecting(OK):
            self.at_once(lambda: self.shop.cancel_order(order), lambda: self.shop.cancel_order(order))

    @task
    def cancel_shipped_order(self) -> None:
        """Try to cancel a shipped order, which is too late."""
        if self.shipped:
            with self.shop.expecting(REFUSED):
                self.shop.cancel_order(self.random.choice(self.shipped))
        else:
            self.ship_order()

    @task
    def erase_order(self) -> None:
        """Delete an order; its units return to the stock."""
        if self.unpaid:
            with self.shop.expecting(OK):
                self.shop.delete_order(self.unpaid.popleft(), force=True)
        else:
            self.order()

    def _find_product(self) -> None:
        """Find the product, or create it if no user has created it yet."""
        if self.shelf.missing:
            product = {**self.new_product(), "sku": self.shelf.sku, "stock": self.shelf.units}
            with self.shop.expecting(CREATED_OR_THERE):
                answer = self.shop.create_product(product)
        else:
            answer = self.shop.view_product_by_sku(self.shelf.sku)
        self.shelf.missing = answer.status == 404
        if answer.status in OK | CREATED:
            self.shelf.product = answer.id

    def _place_order(self, product: int) -> None:
        with self.shop.expecting(ORDERED_OR_SOLD_OUT, untrue_refusal):
            answer = self.shop.place_order(product, self.random.randint(1, 5))
        if answer.status == 201 and answer.id:
            self.unpaid.append(answer.id)
        elif b"Available: 0," in answer.content and self.shelf.delivery_due is None:
            self.shelf.delivery_due = time.monotonic() + self.shelf.delivery_time
            self.ledger.event("depleted", product_id=product)

    def _restock(self, product: int) -> None:
        self.shelf.delivery_due = None  # only one user of each worker restocks
        units = self.shelf.units * self.shelf.users
        with self.shop.expecting(OK):
            answer = self.shop.adjust_stock(product, units, "delivery")
        if answer.status == 200:
            self.ledger.event("restocked", product_id=product, units=units)


@tag("monitoring")
class HighFrequencyMonitoring(ShopUser):
    """Reads the health, the summary and the recent orders often, and checks that the numbers agree."""

    wait_time = between(0.25, 0.5)  # every second request is for the health: one each 0.5 to 1 s
    promises: ClassVar[tuple[str, ...]] = ("summary_equals_recount",)

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._looks = itertools.cycle(
            (self.check_health, self.read_summary, self.check_health, self.watch_recent_orders)
        )

    @task
    def look(self) -> None:
        next(self._looks)()

    def check_health(self) -> None:
        with self.shop.expecting(OK, wrong_health):
            self.shop.health()

    def read_summary(self) -> None:
        with self.shop.expecting(OK, wrong_summary):
            self.shop.summary()

    def watch_recent_orders(self) -> None:
        limit = self.random.choice((1, 10, 50))
        with self.shop.expecting(OK, lambda answer: wrong_order_of(answer.json(), limit)):
            self.shop.recent_orders(limit)


@tag("errors")
class ErrorConditions(ShopUser):
    """Sends requests at every limit of the contract and beyond it, and checks for the documented answer."""

    wait_time = between(0.05, 0.15)
    promises: ClassVar[tuple[str, ...]] = ("refused_means_no_effect", "one_order_per_key")
    stocks: ClassVar[dict[str, int]] = {"product": PLENTY, "spare": PLENTY, "scarce": FEW}
    ways: ClassVar[dict[str, tuple[str, str]]] = {
        "paid": ("pending", "pay_order"),
        "shipped": ("paid", "ship_order"),
        "canceled": ("pending", "cancel_order"),
    }

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.own: dict[str, Owned] = {}
        self._cases: list[Case] = []

    @task
    def try_next_case(self) -> None:
        """Try all cases in random order, then all of them again with other products and orders."""
        if not self._cases:
            self._cases = self.random.sample(CASES, len(CASES))
            self.own.clear()
        needed = ("product", self._cases[-1].needs)  # some cases also need the product
        if missing := [what for what in needed if what not in self.own]:
            self._come_by(missing[0])
        else:
            case = self._cases.pop()
            self._try(case, self.own[case.needs])

    def _try(self, case: Case, it: Owned) -> None:
        with self.shop.expecting(ANY_STATUS, lambda answer: case.fault(answer, it)):
            case.send(self, it)

    def _come_by(self, what: str) -> None:
        """Make one request towards the product or order that a case needs."""
        if what in self.stocks:
            self._make_product(what)
        elif "product" not in self.own:
            self._make_product("product")
        elif what == "pending":
            self._place_order()
        elif (before := self.ways[what][0]) not in self.own:
            self._come_by(before)
        else:
            order = self.own.pop(before)
            with self.shop.expecting(OK):
                if getattr(self.shop, self.ways[what][1])(order.id).status == 200:
                    self.own[what] = order

    def _make_product(self, what: str) -> None:
        product = {**self.new_product(), "stock": self.stocks[what]}
        answer = self.shop.create_product(product)
        if answer.status == 201 and answer.id:
            self.own[what] = Owned(answer.id, product["sku"])

    def _place_order(self) -> None:
        key = self.new_key()
        with self.shop.expecting(CREATED):
            answer = self.shop.place_order(self.own["product"].id, 1, key)
        if answer.status == 201 and answer.id:
            self.own["pending"] = Owned(answer.id, key)
