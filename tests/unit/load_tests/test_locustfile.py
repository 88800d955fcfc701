"""The main mix: who takes part, that one task is one request, and what users do with what they learn."""

import json
import random
from collections.abc import Iterator, Set
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from locust.env import Environment
from locust.event import Events

from load_tests import locustfile
from load_tests.answer import Answer, Json
from load_tests.locustfile import (
    EverythingUser,
    HighConcurrencyUser,
    InventoryManagementUser,
    MonitoringUser,
    OrderProcessingUser,
)
from load_tests.notes import NoLedger
from load_tests.shop import Shop
from load_tests.users import Run, ShopUser

FOUR_KINDS = [InventoryManagementUser, OrderProcessingUser, MonitoringUser, HighConcurrencyUser]

INVENTORY = {
    "GET /products/",
    "GET /products/{id}",
    "GET /products/?filter",
    "POST /products/",
    "GET /products/sku/{sku}",
    "PUT /products/{id}",
    "DELETE /products/{id}",
}
ORDERS = {
    "GET /products/",
    "POST /orders/",
    "GET /orders/",
    "GET /orders/?filter",
    "GET /orders/{id}",
    "POST /orders/{id}/pay",
    "POST /orders/{id}/ship",
    "POST /orders/{id}/cancel",
}
MONITORING = {"GET /health", "GET /summary", "GET /orders/recent", "GET /docs", "GET /openapi.json"}
CONCURRENCY = {"GET /products/", "POST /orders/", "POST /products/{id}/stock/adjust"}


class WellStockedShop(Shop):
    """Sends nothing. Every request succeeds, unless `refusal` is set: then every request gets that."""

    def __init__(self) -> None:
        super().__init__(SimpleNamespace(client=SimpleNamespace()), NoLedger(), lambda: "key", lambda: True)
        self.requests: list[str] = []
        self.paths: list[str] = []
        self.bodies: list[Json | bytes | None] = []
        self.refusal: int | None = None
        self._ids = count(1000)

    def request(
        self,
        method: str,
        path: str,
        route: str,
        expected: Set[int],
        body: Json | bytes | None = None,
        key: str | None = None,  # noqa: ARG002 - every order has one
        media_type: str = "",  # noqa: ARG002 - all send JSON
    ) -> Answer:
        self.requests.append(f"{method} {route}")
        self.paths.append(path)
        self.bodies.append(body)
        if self.refusal is not None:
            return Answer(self.refusal, b"")
        page = {"products": [{"id": number} for number in range(1, 21)], "total_pages": 50}
        return Answer(min(expected), json.dumps({"id": next(self._ids), **page}).encode())


def somebody(kind: type[ShopUser], worker_index: int = 0) -> Any:
    environment = Environment(events=Events(), host="http://shop.test")
    environment.runner = SimpleNamespace(worker_index=worker_index, client_id="host_0123ab")
    environment.parsed_options = SimpleNamespace(stampede_run_id="run-1")
    user: Any = kind(environment)
    user.shop = WellStockedShop()
    return user


def live(user: Any, tasks: int) -> list[str]:
    """Let a user do a number of tasks, drawn as Locust draws them; returns its requests."""
    for _ in range(tasks):
        random.choice(user.tasks)(user)  # noqa: S311 - as Locust does
    requests: list[str] = user.shop.requests
    return requests


@pytest.fixture(autouse=True)
def _host_and_no_run_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ShopUser, "host", "http://shop.test")
    Run.current = None
    random.seed(1)
    yield
    Run.current = None


def test_example_is_the_guides_to_the_letter() -> None:
    """A person who pastes it from the guide gets what is tested here; no formatter has been at it."""
    example = Path(locustfile.__file__).parent / "examples/custom_user.py"
    assert example.read_text() == (
        "from locust import HttpUser, task, between\n"
        "\n"
        "class CustomUser(HttpUser):\n"
        "    wait_time = between(1, 3)\n"
        "    \n"
        "    @task\n"
        "    def custom_behavior(self):\n"
        "        # Your custom test logic here\n"
        "        pass\n"
    )


def test_kinds_are_weighted_3_5_2_1() -> None:
    """27, 45, 18 and 9 % in effect."""
    assert [kind.weight for kind in FOUR_KINDS] == [3, 5, 2, 1]


def test_everything_user_takes_part_only_when_named() -> None:
    """Locust leaves out classes of weight 0."""
    environment = Environment(user_classes=[*FOUR_KINDS, EverythingUser], events=Events())
    assert environment.user_classes == FOUR_KINDS


def test_locust_finds_the_five_kinds_and_nothing_else() -> None:
    """What the locustfile imports does not become a kind of user."""
    found = {name for name, value in vars(locustfile).items() if getattr(value, "abstract", True) is False}
    assert found == {kind.__name__ for kind in [*FOUR_KINDS, EverythingUser]}


@pytest.mark.parametrize("refusal", [None, 404, 409, 422, 500, 0])
@pytest.mark.parametrize("kind", [*FOUR_KINDS, EverythingUser])
def test_one_task_is_one_request(kind: type[ShopUser], refusal: int | None) -> None:
    """Whatever a user has learned and however the shop answers: pacing may count tasks."""
    user = somebody(kind)
    for number in range(1, 501):
        user.shop.refusal = refusal if number % 2 else None
        assert len(live(user, 1)) == number


@pytest.mark.parametrize("kind", FOUR_KINDS)
def test_users_go_on_where_nothing_is_answered(kind: type[ShopUser]) -> None:
    """From the first request on, an API that is down costs failures and no exception."""
    user = somebody(kind)
    user.shop.refusal = 0
    assert len(live(user, 200)) == 200


@pytest.mark.parametrize(
    ("kind", "requests"),
    [
        (InventoryManagementUser, INVENTORY),
        (OrderProcessingUser, ORDERS),
        (MonitoringUser, MONITORING),
        (HighConcurrencyUser, CONCURRENCY),
    ],
)
def test_each_kind_does_its_requests(kind: type[ShopUser], requests: set[str]) -> None:
    """All of what the kind is there for, nothing else."""
    assert set(live(somebody(kind), 1000)) == requests


def test_everything_user_takes_turns_at_everything() -> None:
    """One round makes every kind of request the four kinds make; the next round is the same."""
    user = somebody(EverythingUser)
    round_length = len({task for kind in FOUR_KINDS for task in kind.tasks})
    first = live(user, round_length)[:]
    assert set(first) == INVENTORY | ORDERS | MONITORING | CONCURRENCY
    second = live(user, round_length)[round_length:]
    assert set(second) == set(first)


def test_order_is_placed_paid_and_shipped() -> None:
    """A user whose only wish is to ship takes the steps before, one task each, with the ids it was told."""
    user = somebody(OrderProcessingUser)
    for _ in range(4):
        user.ship_order()
    assert user.shop.requests == [
        "GET /products/",
        "POST /orders/",
        "POST /orders/{id}/pay",
        "POST /orders/{id}/ship",
    ]
    assert user.shop.bodies[1]["product_id"] in range(1, 21)
    order_id = 1001  # the first answer's 1000 was the listing's
    assert user.shop.paths[2:] == [f"/orders/{order_id}/pay", f"/orders/{order_id}/ship"]


def test_unpaid_order_is_not_shipped() -> None:
    """An order whose payment was refused is dropped."""
    user = somebody(OrderProcessingUser)
    user.unpaid.append(17)
    user.shop.refusal = 422
    user.pay_order()
    assert not user.unpaid
    assert not user.unshipped


def test_products_that_are_gone_are_not_asked_for_again() -> None:
    """A 404 teaches: the id is forgotten."""
    for kind, task in ((InventoryManagementUser, "view_product"), (OrderProcessingUser, "place_order")):
        user = somebody(kind)
        user.products.append(17)
        user.shop.refusal = 404
        getattr(user, task)()
        assert not user.products


def test_inventory_changes_only_what_it_added() -> None:
    """Prices and stock of the seeded catalogue stay as they are; other users count on it."""
    user = somebody(InventoryManagementUser)
    live(user, 500)
    changed = {
        path.rsplit("/", 1)[1]
        for path, request in zip(user.shop.paths, user.shop.requests, strict=True)
        if request in ("PUT /products/{id}", "DELETE /products/{id}")
    }
    assert changed
    assert all(int(product_id) >= 1000 for product_id in changed)


def test_product_with_orders_stays_added() -> None:
    """A delete that is refused changes nothing, here neither."""
    user = somebody(InventoryManagementUser)
    user.added.append((17, "SKU-17"))
    user.shop.refusal = 409
    user.discontinue_product()
    assert list(user.added) == [(17, "SKU-17")]


def test_all_workers_hunt_the_same_few_products() -> None:
    """Two workers that never spoke order the same five products."""
    hunted = []
    for worker_index in (0, 1):
        user = somebody(HighConcurrencyUser, worker_index)
        user.order_scarce_product()
        assert user.shop.paths == ["/products/?page=1&per_page=5"]
        hunted.append(user.scarce)
    assert hunted[0] == hunted[1]


def test_sold_out_product_gets_a_delivery() -> None:
    """Who saw a 409 restocks that product, once; who did not writes off what is left somewhere."""
    user = somebody(HighConcurrencyUser)
    user.scarce = [17]
    user.shop.refusal = 409
    user.order_scarce_product()
    user.shop.refusal = None
    user.adjust_scarce_stock()
    user.adjust_scarce_stock()
    assert user.shop.paths[1:] == ["/products/17/stock/adjust"] * 2
    assert [body["adjustment"] for body in user.shop.bodies[1:]] == [10, -1_000_000]


def test_memory_of_users_is_bounded() -> None:
    """A run of hours does not grow its users."""
    keeper, customer = somebody(InventoryManagementUser), somebody(OrderProcessingUser)
    live(keeper, 5000)
    live(customer, 5000)
    for remembered in (keeper.products, keeper.added, customer.orders, customer.unpaid, customer.unshipped):
        assert 40 <= len(remembered) <= 100, "all of them are full, or nearly"


def test_same_user_does_the_same_in_the_next_run() -> None:
    """The same seed and the same answers: the same tasks, paths and bodies, in every run of one id."""

    def life(worker_index: int) -> tuple[list[str], list[Json | None]]:
        Run.current = None
        user = somebody(EverythingUser, worker_index)
        live(user, 200)
        return user.shop.paths, user.shop.bodies

    assert life(0) == life(0)
    assert life(0) != life(1)
