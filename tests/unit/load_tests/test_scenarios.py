"""The five scenarios: what each kind does and insists on, and that all limits of the contract are gone to."""

import json
import random
import re
from collections.abc import Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from locust import User, tag
from locust.env import Environment
from locust.event import Events

from load_tests import scenarios
from load_tests.answer import Answer, Json
from load_tests.consistency import line_by_line, untrue_refusal, wrong_health, wrong_order_of, wrong_summary
from load_tests.contract import Case, Owned, sends
from load_tests.contract_cases import CASES
from load_tests.scenarios import (
    BulkOperations,
    ErrorConditions,
    HighFrequencyMonitoring,
    LastItemRace,
    Shelf,
    StockDepletionRecovery,
)
from load_tests.shop import Shop
from load_tests.users import Run, ShopUser
from stampede.counting.ledger import Ledger
from stampede.http.origin import Origin
from stampede.http.receiver import RawAnswer
from tests.unit.load_tests.test_shop import parsed

TASKED = [BulkOperations, StockDepletionRecovery, HighFrequencyMonitoring, ErrorConditions]
FIVE_KINDS: list[Any] = [LastItemRace, *TASKED]

CHECKS = {
    "no_negative_stock",
    "stock_equals_movements",
    "no_oversell",
    "no_undersell",
    "acknowledged_orders_kept",
    "no_unexpected_orders",
    "one_order_per_key",
    "refused_means_no_effect",
    "sold_out_was_true",
    "legal_status_paths",
    "totals_at_order_price",
    "bulk_matches_rows",
    "summary_equals_recount",
    "contention",
}

BULK = {
    "POST /products/bulk",
    "POST /products/",
    "POST /orders/bulk",
    "POST /orders/",
    "PUT /products/{id}",
    "GET /orders/{id}",
}
DEPLETION = {
    "GET /products/sku/{sku}",
    "POST /orders/",
    "POST /orders/{id}/pay",
    "POST /orders/{id}/ship",
    "POST /orders/{id}/cancel",
    "DELETE /orders/{id}",
}
MONITORING = {"GET /health", "GET /summary", "GET /orders/recent"}


class WellStockedShop:
    """Stands where Locust's client would open a connection: a request succeeds, unless `refusal` is set."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.bodies: list[Any] = []
        self.keys: list[str | None] = []
        self.headers: dict[str, str] = {}
        self.refusal: int | Exception | None = None
        self.body: Any = None
        """Comes instead of what fits."""
        self._ids = count(1000)

    def exchange(self, _origin: Origin, request: bytes, _is_head: bool) -> RawAnswer:
        method, target, self.headers, body = parsed(request)
        path = urlsplit(target).path
        self.paths.append(path)
        self.bodies.append(_read(body))
        self.keys.append(self.headers.get("Idempotency-Key"))
        if isinstance(self.refusal, OSError):
            return RawAnswer(0, [], b"", False, self.refusal)
        created = method == "POST" and path in ("/products/", "/orders/")
        status = self.refusal or (
            201 if created else 204 if method == "DELETE" and "product" in path else 200
        )
        assert isinstance(status, int)
        fitting = self._fitting(path) if self.body is None else self.body
        content = fitting if isinstance(fitting, bytes) else json.dumps(fitting).encode()
        return RawAnswer(status, [], content, True)

    def _fitting(self, path: str) -> Any:
        if path.endswith("/bulk") and isinstance(self.bodies[-1], dict):
            (lines,) = self.bodies[-1].values()
            made = [index for index, line in enumerate(lines) if line.get("quantity") != 10_000]
            refused = [index for index in range(len(lines)) if index not in made]
            return {
                "created": [{"index": index, "id": next(self._ids)} for index in made],
                "failures": [{"index": index, "code": "insufficient_stock"} for index in refused],
                "success_count": len(made),
                "failure_count": len(refused),
            }
        return {"id": next(self._ids)}


def _read(body: bytes) -> Any:
    """The JSON of a body, or the bytes of one that is none; None for an empty one."""
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return body


def somebody(kind: type[ShopUser], worker_index: int = 0) -> Any:
    """A user of that kind at a well stocked shop; `requests` and `failures` are what Locust hears of."""
    environment = Environment(events=Events(), host="http://shop.test")
    environment.runner = SimpleNamespace(worker_index=worker_index, client_id=f"host_0123a{worker_index}")
    environment.parsed_options = SimpleNamespace(stampede_run_id="run-1")
    environment.stampede_ledger = Ledger()
    user: Any = kind(environment)
    user.network = WellStockedShop()
    user.client._exchange = user.network.exchange
    user.shop = Shop(user.client, user.ledger, user.new_key, lambda: True)
    user.requests, user.failures = [], []

    def hear(request_type: str, name: str, exception: Exception | None, **_: Any) -> None:
        user.requests.append(f"{request_type} {name}")
        user.failures += [str(exception)] if exception else []

    environment.events.request.add_listener(hear)
    return user


def live(user: Any, tasks: int) -> list[str]:
    """Let a user do a number of tasks, drawn as Locust draws them; returns its requests."""
    for _ in range(tasks):
        random.choice(user.tasks)(user)  # noqa: S311 - as Locust does
    requests: list[str] = user.requests
    return requests


def noted(user: Any, act: str) -> list[dict[str, Any]]:
    """The ledger's entries of an act."""
    report: dict[str, Any] = {}
    user.ledger.hand_over(report)
    return [entry for entry in report["stampede_ledger"]["settled"] if entry["act"] == act]


@pytest.fixture(autouse=True)
def _host_and_no_run_yet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ShopUser, "host", "http://shop.test")
    Run.current = None
    scenarios.shelf_of.cache_clear()
    random.seed(1)
    yield
    Run.current = None


# All five


def test_locust_finds_the_five_kinds_and_nothing_else() -> None:
    """What the file imports does not become a kind of user."""
    found = [value for value in vars(scenarios).values() if getattr(value, "abstract", True) is False]
    assert found == FIVE_KINDS


def test_of_ten_users_more_race_than_can_win() -> None:
    """All together, with the fewest users that are promised anything, there are losers."""
    share = LastItemRace.weight / sum(kind.weight for kind in FIVE_KINDS)
    assert 10 * share > LastItemRace.units


def test_every_kind_promises_checks_there_are() -> None:
    """A name that no check bears would never be held to."""
    for kind in FIVE_KINDS:
        assert kind.promises
        assert set(kind.promises) <= CHECKS


def test_each_kind_has_a_tag_of_its_own() -> None:
    """All its tasks bear it, nobody else's do."""
    tags = [{name for each in kind.tasks for name in each.locust_tag_set} for kind in FIVE_KINDS]
    assert tags == [{"race"}, {"bulk"}, {"depletion"}, {"monitoring"}, {"errors"}]


def test_tags_leave_only_those_who_have_a_task() -> None:
    """Locust would have the others fail all the time; tags that nobody has are told at once."""

    @tag("race")
    class Racer(User):
        tasks = (lambda _: None,)

    class Other(User):
        tasks = (lambda _: None,)

    for tags, left in (([], [Racer, Other]), (["race"], [Racer])):
        options = SimpleNamespace(tags=tags, exclude_tags=[])
        environment = Environment(user_classes=[Racer, Other], events=Events(), parsed_options=options)
        scenarios.leave_out_whoever_has_no_task(environment)
        assert environment.user_classes == left
    options = SimpleNamespace(tags=["rice"], exclude_tags=[])
    environment = Environment(user_classes=[Racer], events=Events(), parsed_options=options)
    with pytest.raises(SystemExit, match="no task has these tags"):
        scenarios.leave_out_whoever_has_no_task(environment)


TWICE = {"POST /orders/", "POST /orders/{id}/cancel"}


@pytest.mark.parametrize("refusal", [None, 404, 409, 422, 500, TimeoutError()])
@pytest.mark.parametrize("kind", TASKED)
def test_one_task_is_one_request(kind: type[ShopUser], refusal: int | Exception | None) -> None:
    """Whatever a user has learned and however the shop answers: pacing may count tasks.

    But for the impatient, who send the same twice at once.
    """
    user = somebody(kind)
    known = 0
    for number in range(1, 301):
        user.network.refusal = refusal if number % 2 else None
        new = live(user, 1)[known:]
        known += len(new)
        assert len(new) == 1 or (len(new) == 2 and new[0] == new[1] and new[0] in TWICE)


@pytest.mark.parametrize("kind", TASKED)
def test_users_go_on_where_nothing_is_answered(kind: type[ShopUser]) -> None:
    """From the first request on, an API that is down costs failures and no exception."""
    user = somebody(kind)
    user.network.refusal = TimeoutError()
    assert len(live(user, 200)) == len(user.failures) == 200


@pytest.mark.parametrize(
    ("kind", "requests"),
    [
        (BulkOperations, BULK),
        (StockDepletionRecovery, DEPLETION),
        (HighFrequencyMonitoring, MONITORING),
    ],
)
def test_each_kind_does_its_requests(kind: type[ShopUser], requests: set[str]) -> None:
    """All of what the kind is there for, nothing else."""
    assert set(live(somebody(kind), 1000)) == requests


def test_memory_of_users_is_bounded() -> None:
    """A run of hours does not grow its users."""
    bulk, depletion = somebody(BulkOperations), somebody(StockDepletionRecovery)
    live(bulk, 3000)
    live(depletion, 3000)
    for remembered in (bulk.made, bulk.placed, depletion.unpaid, depletion.unshipped, depletion.shipped):
        assert len(remembered) <= 50


# LastItemRace


def test_five_units_are_raced_for() -> None:
    """What is prepared has five, and the ledger knows that more is going to be asked for."""
    user = somebody(LastItemRace)
    assert user.prepare() == {"product_id": 1000}
    assert user.network.bodies[0]["stock"] == 5
    (entry,) = noted(user, "create")
    assert (entry["race"], entry["product_id"]) == (True, 1000)


def test_product_that_could_not_be_made_is_no_prize() -> None:
    """The next one is asked."""
    user = somebody(LastItemRace)
    user.network.refusal = 500
    assert user.prepare() is None


def test_racers_look_at_what_they_are_going_to_order() -> None:
    """So the connection is there before the start."""
    user = somebody(LastItemRace)
    user.get_ready({"product_id": 17})
    assert user.requests == ["GET /products/{id}"]


@pytest.mark.parametrize(
    ("status", "detail", "won", "failures"),
    [
        (201, "", True, []),
        (409, "Insufficient stock. Available: 0, Requested: 1", False, []),
        # it says itself that there was one left
        (
            409,
            "Insufficient stock. Available: 1, Requested: 1",
            False,
            ["POST /orders/: 409 although the stock was sufficient"],
        ),
        (409, "Busy, try again", False, ["POST /orders/: 409 although the stock was sufficient"]),
        (404, "", None, ["POST /orders/: 404"]),
        (500, "", None, ["POST /orders/: 500"]),
    ],
)
def test_race_is_won_or_lost_with_a_true_refusal(
    status: int, detail: str, won: bool | None, failures: list[str]
) -> None:
    """A 409 has to name less than was asked for; what is neither 201 nor 409 is neither won nor lost."""
    user = somebody(LastItemRace)
    user.network.refusal, user.network.body = status, {"id": 5, "detail": detail}
    assert user.race({"product_id": 17}) is won
    assert user.network.bodies == [{"product_id": 17, "quantity": 1}]
    assert user.failures == failures


# BulkOperations


def test_five_products_and_three_orders_at_once() -> None:
    """The orders are of products it has made."""
    user = somebody(BulkOperations)
    user.create_five_products()
    user.place_three_orders()
    products, orders = user.network.bodies
    assert len(products["products"]) == 5
    assert len(orders["orders"]) == 3
    assert not user.failures


def test_some_orders_cannot_be_meant() -> None:
    """Of a product that is nobody's, or more than there is; never more than one of three."""
    user = somebody(BulkOperations)
    for _ in range(200):
        user.place_three_orders()
    calls = [body["orders"] for body in user.network.bodies[1:]]
    impossible = [line for orders in calls for line in orders if line["quantity"] == 10_000]
    assert 20 < len(impossible) < 100
    assert {line["product_id"] in user.made for line in impossible} == {True, False}
    assert all(sum(line["quantity"] == 10_000 for line in orders) <= 1 for orders in calls)


def test_bulk_call_is_repeated_under_its_key() -> None:
    """The same lines and the same key; that other orders come back is a failure."""
    user = somebody(BulkOperations)
    for task in (user.create_five_products, user.place_three_orders, user.repeat_three_orders):
        task()
    assert user.network.bodies[1] == user.network.bodies[2]
    assert user.network.keys[1] == user.network.keys[2]
    assert user.failures == [
        "POST /orders/bulk: the same key returned other orders"
    ]  # this shop knows no keys


def test_price_changes_of_what_was_ordered_only() -> None:
    """Its own product, so that everybody knows what the price was when it was ordered."""
    user = somebody(BulkOperations)
    for _ in range(3):
        user.change_price()
    assert user.requests == ["POST /products/", "POST /orders/", "PUT /products/{id}"]
    assert user.network.paths[-1] == f"/products/{user.made[0]}"


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (([0, 1], [2], 2, 1), None),
        (([0], [2], 1, 1), "the answer does not list each line exactly once"),
        (([0, 1, 2], [2], 3, 1), "the answer does not list each line exactly once"),
        (([0, 1], [2], 3, 0), "the counts do not match the lines"),
        (([0, 2], [1], 2, 1), "an impossible line was accepted"),
    ],
)
def test_bulk_answers_speak_of_every_line_once(
    answer: tuple[list[int], list[int], int, int], fault: str | None
) -> None:
    """And their counts are those of the lines."""
    created, failures, successes, failed = answer
    body = {
        "created": [{"index": index, "id": index} for index in created],
        "failures": [{"index": index} for index in failures],
        "success_count": successes,
        "failure_count": failed,
    }
    lines = [{"quantity": 1}, {"quantity": 2}, {"quantity": 10_000}]
    assert line_by_line(lines)(Answer(200, json.dumps(body).encode())) == fault


# StockDepletionRecovery


def test_all_workers_order_the_same_product() -> None:
    """Two workers that never spoke ask for the same SKU; it fits the contract."""
    skus = []
    for worker_index in (0, 1):
        Run.current = None
        scenarios.shelf_of.cache_clear()
        user = somebody(StockDepletionRecovery, worker_index)
        user.order()
        skus += user.network.paths
    assert skus == 2 * ["/products/sku/RUN-1-DEPLETION"]
    assert re.fullmatch(r"[A-Z0-9_-]{1,50}", Shelf("X" * 24).sku)


def test_whoever_comes_first_makes_the_product() -> None:
    """That somebody else was faster is no failure; its id is asked for."""
    user = somebody(StockDepletionRecovery)
    for refusal in (404, 409, None):
        user.network.refusal = refusal
        user.order()
    assert user.requests == ["GET /products/sku/{sku}", "POST /products/", "GET /products/sku/{sku}"]
    assert user.shelf.product == 1002
    assert not user.failures
    (entry,) = noted(user, "create")
    assert (entry["outcome"], "product_id" in entry) == ("refused", False)


def test_sold_out_product_is_restocked_once_by_each_worker() -> None:
    """Many a user sees the 409; one event, one delivery for all of them, one event."""
    users = [somebody(StockDepletionRecovery) for _ in range(3)]
    users[0].order()
    for user in users:
        user.network.refusal = 409
        user.network.body = {"detail": "Insufficient stock. Available: 0, Requested: 2"}
        user.order()
    users[0].shelf.delivery_due = 0.0  # long ago
    for user in users:
        user.network.refusal = user.network.body = None
        user.order()
    bodies = [user.network.bodies[-1] for user in users]
    assert [body.get("adjustment") for body in bodies] == [3 * Shelf.units, None, None]
    events = [entry for user in users for entry in noted(user, "event")]
    assert [(event["name"], event["product_id"]) for event in events] == [
        ("depleted", 1000),
        ("restocked", 1000),
    ]


def test_too_few_left_is_not_sold_out() -> None:
    """A refusal that names some left is no depletion."""
    user = somebody(StockDepletionRecovery)
    user.order()
    user.network.refusal = 409
    user.network.body = {"detail": "Insufficient stock. Available: 3, Requested: 5"}
    user.order()
    assert user.shelf.delivery_due is None
    assert not user.failures
    assert not noted(user, "event")


def test_order_is_canceled_twice_at_once() -> None:
    """Both requests go out, and both must be answered with 200."""
    user = somebody(StockDepletionRecovery)
    user.unpaid.append(17)
    user.cancel_order()
    assert user.network.paths == 2 * ["/orders/17/cancel"]
    assert not user.unpaid
    assert not user.failures
    user.network.refusal = 422
    user.unpaid.append(17)
    user.cancel_order()
    assert user.failures == 2 * ["POST /orders/{id}/cancel: 422"]


def test_shipped_order_must_not_be_canceled() -> None:
    """It has to be refused: a 200 is a failure here."""
    user = somebody(StockDepletionRecovery)
    user.shipped.append(17)
    user.cancel_shipped_order()
    assert user.failures == ["POST /orders/{id}/cancel: 200"]


# HighFrequencyMonitoring


def test_every_second_look_is_at_the_health() -> None:
    """With a wait of 0.25 to 0.5 s it is looked at each 0.5 to 1 s."""
    user = somebody(HighFrequencyMonitoring)
    assert live(user, 8) == 2 * ["GET /health", "GET /summary", "GET /health", "GET /orders/recent"]
    waits = [user.wait_time() + user.wait_time() for _ in range(100)]
    assert 0.5 <= min(waits) <= max(waits) <= 1


def summary() -> Any:
    """One that adds up."""
    return {
        "inventory": {
            "products": {
                "total": 10,
                "in_stock": 8,
                "out_of_stock": 2,
                "low_stock_count": 3,
                "total_stock_quantity": 99,
                "total_stock_value": 1.5,
            },
            "orders": {
                "total": 6,
                "pending": 1,
                "paid": 2,
                "shipped": 3,
                "canceled": 0,
                "total_quantity_ordered": 20,
            },
        },
        "orders": {
            "total_orders": 6,
            "status_breakdown": {"PENDING": 1, "PAID": 2, "SHIPPED": 3, "CANCELED": 0},
            "total_quantity_ordered": 20,
            "total_order_value": 7.5,
            "recent_orders": [{"id": 6}, {"id": 5}, {"id": 1}],
        },
    }


def test_summary_that_adds_up_is_fine() -> None:
    """Nothing is wrong with it, nor with that of an empty shop."""
    assert wrong_summary(Answer(200, json.dumps(summary()).encode())) is None
    empty = json.loads(re.sub(r"\b\d+\b", "0", json.dumps(summary())))
    empty["orders"]["recent_orders"] = []
    assert wrong_summary(Answer(200, json.dumps(empty).encode())) is None


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("inventory.products.total", 11, "products in and out of stock: the numbers do not agree"),
        ("inventory.products.low_stock_count", 1, "products low in stock: the numbers do not agree"),
        (
            "inventory.products.total_stock_quantity",
            7,
            "units and products in stock: the numbers do not agree",
        ),
        ("inventory.orders.total", 7, "orders of each status: the numbers do not agree"),
        ("orders.total_orders", 7, "orders of each status: the numbers do not agree"),
        (
            "inventory.orders.paid",
            3,
            "orders of each status, the two breakdowns: the numbers do not agree",
        ),
        ("orders.status_breakdown.PAID", 3, "the two breakdowns: the numbers do not agree"),
        ("orders.total_quantity_ordered", 21, "the two quantities: the numbers do not agree"),
        ("orders.recent_orders", [{"id": 5}, {"id": 6}], "recent orders are not newest first"),
        ("orders.recent_orders", [{"id": 5}, {"id": 5}], "recent orders are not newest first"),
        (
            "orders.recent_orders",
            [{"id": n} for n in range(11, 0, -1)],
            "more recent orders than the limit",
        ),
        ("orders.recent_orders", None, "200, but the body is not as documented"),
        ("inventory.orders", {}, "200, but the body is not as documented"),
    ],
)
def test_summary_that_contradicts_itself_is_a_failure(path: str, value: Any, fault: str) -> None:
    """Though it is a 200; the failure's text says what does not agree."""
    user = somebody(HighFrequencyMonitoring)
    user.network.body = summary()
    place = user.network.body
    *way, last = path.split(".")
    for step in way:
        place = place[step]
    place[last] = value
    user.read_summary()
    assert user.failures == [f"GET /summary: {fault}"]


@pytest.mark.parametrize(
    ("status", "connected", "fault"),
    [
        ("healthy", True, None),
        ("healthy", False, "200 although not healthy"),
        ("unhealthy", True, "200 although not healthy"),
    ],
)
def test_health_goes_with_the_database(status: str, connected: bool, fault: str | None) -> None:
    """A 200 says healthy, and the database is connected."""
    body = {"status": status, "database": {"connected": connected}}
    assert wrong_health(Answer(200, json.dumps(body).encode())) == fault


def test_recent_orders_keep_their_limit() -> None:
    """As many as were asked for at most, newest first; fewer where there are fewer."""
    orders = [{"id": 9}, {"id": 7}, {"id": 4}]
    assert wrong_order_of(orders, 3) is None
    assert wrong_order_of(orders, 10) is None
    assert wrong_order_of(orders, 2) == "more recent orders than the limit"
    assert wrong_order_of(orders[::-1], 3) == "recent orders are not newest first"


# ErrorConditions


def test_every_case_has_a_name_of_its_own() -> None:
    """By it Locust counts its failures."""
    assert len({case.says for case in CASES}) == len(CASES)


def test_a_walk_takes_every_case_once() -> None:
    """In an order of each user's own; what a case needs is made on the way."""
    walks = []
    for _ in range(2):
        user = somebody(ErrorConditions)
        live(user, 1)
        walks.append([case.says for case in user._cases])
        while user._cases:
            live(user, 1)
        assert set(user.own) <= {"product", "spare", "scarce", "pending", "paid", "shipped", "canceled"}
        assert len(user.requests) < len(CASES) + 60
    assert sorted(walks[0]) == sorted(walks[1]) == sorted(case.says for case in CASES)
    assert walks[0] != walks[1]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.says)
def test_a_case_that_comes_first_has_all_it_wants(case: Case) -> None:
    """Some want the product beside what they need."""
    user = somebody(ErrorConditions)
    user._cases = [case]
    while user._cases:
        live(user, 1)


def test_orders_of_each_status_are_come_by_step_by_step() -> None:
    """A shipped one: a product, an order of it under a key, paid, shipped."""
    user = somebody(ErrorConditions)
    while "shipped" not in user.own:
        user._come_by("shipped")
    assert user.requests == [
        "POST /products/",
        "POST /orders/",
        "POST /orders/{id}/pay",
        "POST /orders/{id}/ship",
    ]
    assert user.own["shipped"] == Owned(1001, user.network.keys[1])


LIMITS = [
    # at the edge, over it
    ("a sku of 1 character", "a sku of no characters"),
    ("a sku of 50 characters, stored in upper case", "a sku of 51 characters"),
    ("a name of 2 characters", "a name of 1 character"),
    ("a name of 200 characters", "a name of 201 characters"),
    ("a price of 0.01", "a price of 0"),
    ("a price of 0.01", "a price of three decimals"),
    ("a price of 9,999,999,999.99", "a price of 10,000,000,000"),
    ("a stock of 0", "a negative stock"),
    ("a stock of 1,000,000", "a stock of 1,000,001"),
    ("the largest withdrawal takes the whole stock", "an adjustment below 32 bits"),
    ("an adjustment of 0", "an adjustment above 32 bits"),
    ("a reason of 500 characters", "a reason of 501 characters"),
    ("a quantity of 1", "a quantity of 0"),
    ("a quantity of 10,000", "a quantity of 10,001"),
    ("a pending order of 10,000", "a pending order of 10,001"),
    ("a key of 200 characters", "a key of 201 characters"),
    ("a key of 200 characters", "a key of no characters"),
    ("products/bulk of 1000 lines", "products/bulk of 1001 lines"),
    ("orders/bulk of 1000 lines", "orders/bulk of 0 lines"),
    ("a first page of 1", "page 0"),
    ("a page of 100", "a page of 101"),
    ("a page of 100 orders", "a page of 101 orders"),
    ("1 recent order", "0 recent orders"),
    ("50 recent orders", "51 recent orders"),
]


@pytest.mark.parametrize(("at", "over"), LIMITS)
def test_each_limit_is_gone_to_and_over(at: str, over: str) -> None:
    """At the edge it is accepted, one step further refused with 422."""
    status = {case.says: case.status for case in CASES}
    assert status[at] < 300
    assert status[over] == 422


def test_every_status_of_the_contract_comes_up() -> None:
    """Refusals of every kind; at 503 and 500 nobody aims."""
    assert {case.status for case in CASES} == {200, 201, 400, 404, 405, 409, 413, 415, 422}


PROBLEM = {"type": "about:blank", "title": "No", "status": 422, "detail": "No: price of 7", "code": "invalid"}
CASE = Case("a price", sends("GET", "/", "/"), 422, detail="price of {it.id}", fields=("price",))


@pytest.mark.parametrize(
    ("status", "media_type", "change", "fault"),
    [
        (422, "application/problem+json", {}, None),
        (422, "application/problem+json; charset=utf-8", {}, None),
        (201, "application/json", {}, "201 instead of 422"),
        (500, "application/problem+json", {}, "500 instead of 422"),
        (422, "application/json", {}, "the refusal is not application/problem+json"),
        (422, "application/problem+json", {"status": 400}, "the problem is incomplete"),
        (422, "application/problem+json", {"code": None}, "the problem is incomplete"),
        (
            422,
            "application/problem+json",
            {"detail": "No"},
            "the detail does not contain price of {it.id}",
        ),
        (
            422,
            "application/problem+json",
            {"errors": [{"field": "name"}, {"field": "price"}]},
            "the errors do not list exactly price",
        ),
    ],
)
def test_answer_must_be_the_documented_one(
    status: int, media_type: str, change: Json, fault: str | None
) -> None:
    """Status, form, text and named fields; the fault bears the case's name and no id."""
    problem = {**PROBLEM, "errors": [{"field": "price"}], **change}
    answer = Answer(status, json.dumps(problem).encode(), media_type)
    assert CASE.fault(answer, Owned(7, "")) == (fault and f"a price: {fault}")


def test_accepted_body_must_be_right() -> None:
    """Text that would be markup elsewhere comes back to the letter, or it is a failure."""
    user = somebody(ErrorConditions)
    user.own["product"] = Owned(7, "SKU-7")
    user._try(next(case for case in CASES if case.says == "a name that is markup"), user.own["product"])
    assert user.failures == ["POST /products/: a name that is markup: the body is wrong"]


def test_bytes_are_sent_as_they_are() -> None:
    """Malformed, oversized, or of another type: nothing mends them on the way."""
    user = somebody(ErrorConditions)
    user.shop.request("POST", "/orders/", "/orders/", {200}, b"{", media_type="text/plain")
    assert user.network.bodies == [b"{"]
    assert user.network.headers["Content-Type"] == "text/plain"


def test_expectation_holds_for_what_is_sent_inside() -> None:
    """Other statuses, and a look at the body; before and after, the shop's own count."""
    user = somebody(ErrorConditions)
    user.shop.health()
    with user.shop.expecting({201}):
        user.shop.health()
    with user.shop.expecting({200}, lambda _: "it looks ill"):
        user.shop.health()
    user.shop.health()
    assert user.failures == ["GET /health: 200", "GET /health: it looks ill"]


def test_refused_orders_are_noted_with_their_key() -> None:
    """Where id and quantity are numbers; so the audit can see that a refusal had no effect."""
    user = somebody(ErrorConditions)
    user.network.refusal = 422
    for says in ("a quantity of 0", "a quantity of 10,001", "a key of 201 characters"):
        next(case for case in CASES if case.says == says).send(user, Owned(7, "SKU-7"))
    orders = noted(user, "order")
    assert [(order["product_id"], order["quantity"], order["outcome"]) for order in orders] == [
        (7, 0, "refused"),
        (7, 10_001, "refused"),
        (7, 1, "refused"),
    ]
    assert all(order["key"].startswith("run-1/") for order in orders)


def test_what_is_not_sound_is_not_noted() -> None:
    """The ledger's numbers are numbers: an order of a string goes past it, a product of no name too."""
    user = somebody(ErrorConditions)
    user.network.refusal = 422
    for case in CASES:
        if case.fields and case.needs in ("product", "spare"):
            case.send(user, Owned(7, "SKU-7"))
    report: dict[str, Any] = {}
    user.ledger.hand_over(report)
    entries = report["stampede_ledger"]["settled"]
    assert [entry["act"] for entry in entries] == ["adjust", *["order"] * 5]
    quantities = [entry.get("quantity") for entry in entries]
    assert quantities == [None, -1, 0, 10_001, 1, 1]
    assert {type(quantity) for quantity in quantities[1:]} == {int}
    assert {entry["product_id"] for entry in entries} == {7}


def test_untrue_refusal_leaves_other_answers_alone() -> None:
    """Only a 409 can be one."""
    assert untrue_refusal(Answer(201, b"{}")) is None
