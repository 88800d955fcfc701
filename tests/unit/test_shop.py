"""The shop's methods: route, expected outcomes, failure texts; and what a user of it is given."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from geventhttpclient.useragent import RetriesExceeded
from locust.contrib.fasthttp import FastResponse
from locust.env import Environment
from locust.event import Events

from load_tests.shop import Answer, Run, Shop, ShopUser, product_names

ALL_STATUSES = {200, 201, 204, 307, 400, 401, 404, 405, 409, 413, 415, 422, 500, 502, 503, 504}


class Case(NamedTuple):
    call: Callable[[Shop], Answer]
    method: str
    path: str
    route: str
    expected: set[int]


CASES = [
    Case(lambda s: s.list_products(3), "GET", "/products/?page=3&per_page=20", "/products/", {200}),
    Case(
        lambda s: s.search_products(search="a b"), "GET", "/products/?search=a+b", "/products/?filter", {200}
    ),
    Case(lambda s: s.view_product(17), "GET", "/products/17", "/products/{id}", {200, 404}),
    Case(lambda s: s.view_product_by_sku("A7"), "GET", "/products/sku/A7", "/products/sku/{sku}", {200, 404}),
    # a SKU that exists already would mean that two users share theirs: 409 is a failure
    Case(lambda s: s.create_product({"sku": "A7"}), "POST", "/products/", "/products/", {201}),
    Case(lambda s: s.update_product(17, price=1.5), "PUT", "/products/17", "/products/{id}", {200, 404}),
    # 409: orders refer to it
    Case(lambda s: s.delete_product(17), "DELETE", "/products/17", "/products/{id}", {204, 404, 409}),
    # a withdrawal of too much takes what is there: never refused for that
    Case(
        lambda s: s.adjust_stock(17, -4, "lost"),
        "POST",
        "/products/17/stock/adjust",
        "/products/{id}/stock/adjust",
        {200, 404},
    ),
    # bulk calls name refused lines in a 200
    Case(lambda s: s.create_products([{"sku": "A7"}]), "POST", "/products/bulk", "/products/bulk", {200}),
    # sold out, or the product was just deleted
    Case(lambda s: s.place_order(17, 2), "POST", "/orders/", "/orders/", {201, 404, 409}),
    Case(lambda s: s.list_orders(2), "GET", "/orders/?page=2&per_page=20", "/orders/", {200}),
    Case(lambda s: s.search_orders(product_id=17), "GET", "/orders/?product_id=17", "/orders/?filter", {200}),
    Case(lambda s: s.recent_orders(17), "GET", "/orders/recent?limit=17", "/orders/recent", {200}),
    Case(lambda s: s.view_order(17), "GET", "/orders/17", "/orders/{id}", {200, 404}),
    # sold out, or another status allows no such step
    Case(lambda s: s.update_order(17, quantity=2), "PUT", "/orders/17", "/orders/{id}", {200, 404, 409, 422}),
    Case(lambda s: s.pay_order(17), "POST", "/orders/17/pay", "/orders/{id}/pay", {200, 404, 422}),
    Case(lambda s: s.ship_order(17), "POST", "/orders/17/ship", "/orders/{id}/ship", {200, 404, 422}),
    Case(lambda s: s.cancel_order(17), "POST", "/orders/17/cancel", "/orders/{id}/cancel", {200, 404, 422}),
    Case(lambda s: s.delete_order(17), "DELETE", "/orders/17", "/orders/{id}", {200, 404, 422}),
    # forced, a shipped order goes too
    Case(lambda s: s.delete_order(17, True), "DELETE", "/orders/17?force=true", "/orders/{id}", {200, 404}),
    Case(lambda s: s.place_orders([{"product_id": 17}]), "POST", "/orders/bulk", "/orders/bulk", {200}),
    Case(lambda s: s.welcome(), "GET", "/", "/", {200}),
    # 503 is how it says that it is not healthy: a failure
    Case(lambda s: s.health(), "GET", "/health", "/health", {200}),
    Case(lambda s: s.summary(), "GET", "/summary", "/summary", {200}),
    Case(lambda s: s.documentation(), "GET", "/docs", "/docs", {200}),
    Case(lambda s: s.openapi(), "GET", "/openapi.json", "/openapi.json", {200}),
]
each_case = pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.method} {c.path}") for c in CASES])


class Network:
    """Stands where Locust's client would open a connection: notes what is sent, gives a set answer."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.headers: dict[str, str] = {}
        self.answer: int | Exception = 200

    def urlopen(self, url: str, method: str, headers: dict[str, str], **_: Any) -> FastResponse:
        self.sent.append((method, url))
        self.headers = headers
        if isinstance(self.answer, Exception):
            raise self.answer
        status = self.answer
        response = FastResponse(SimpleNamespace(get_code=lambda: status, _headers_index={}))
        response._cached_content = b'{"detail": "Order with ID 17"}'
        return response

    def _make_request(self, *_: Any, **__: Any) -> None:
        """Locust describes a request that got no answer; nothing here looks at it."""


class Visitor(ShopUser):
    host = "http://shop.test:8000"
    network: Network


def environment(
    worker_index: int = 0, client_id: str = "host_0123abcdef", run_id: str = "run-1"
) -> Environment:
    made = Environment(user_classes=[Visitor], events=Events())
    made.runner = SimpleNamespace(worker_index=worker_index, client_id=client_id)
    made.parsed_options = SimpleNamespace(run_id=run_id)
    made.events.request.add_listener(
        lambda request_type, name, response_time, response_length, exception, **_: (
            made.stats.log_request(request_type, name, response_time, response_length),
            exception and made.stats.log_error(request_type, name, exception),
        )
    )
    return made


def visitor(at: Environment) -> Visitor:
    user = Visitor(at)
    user.network = Network()
    user.client.client = user.network
    user.shop = Shop(user.client)
    return user


@pytest.fixture(autouse=True)
def _no_run_yet() -> Iterator[None]:
    Run.current = None
    yield
    Run.current = None


@each_case
def test_request_is_sent_and_counted_under_its_route(case: Case) -> None:
    """Each method sends one request to its path, and the statistics know it by its route."""
    user = visitor(environment())
    user.network.answer = min(case.expected)
    case.call(user.shop)
    assert user.network.sent == [(case.method, Visitor.host + case.path)]
    assert list(user.environment.stats.entries) == [(case.route, case.method)]


@each_case
def test_only_documented_outcomes_are_expected(case: Case) -> None:
    """The outcomes in the table are successes to Locust, every other status is a failure; all are told."""
    user = visitor(environment())
    succeeded = set()
    for status in ALL_STATUSES:
        user.environment.stats.clear_all()
        user.network.answer = status
        assert case.call(user.shop).status == status
        if not user.environment.stats.total.num_failures:
            succeeded.add(status)
    assert succeeded == case.expected


@each_case
def test_failures_are_told_apart_by_method_route_and_status_alone(case: Case) -> None:
    """A failure's text names method, route and status; nothing of the path's ids or the body is in it."""
    user = visitor(environment())
    user.network.answer = 500
    case.call(user.shop)
    (failure,) = user.environment.stats.errors.values()
    assert str(failure.error) == f"{case.method} {case.route}: 500"


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ConnectionRefusedError(111, "[Errno 111] 127.0.0.1:8000"), "ConnectionRefusedError"),
        (ConnectionResetError(104, "reset by 127.0.0.1"), "ConnectionResetError"),
        (
            RetriesExceeded("http://shop.test/orders/17", 0, original=TimeoutError("timed out")),
            "TimeoutError",
        ),
    ],
)
def test_no_answer_is_a_failure_named_for_its_kind(error: Exception, name: str) -> None:
    """Without an answer the status is 0, and the failure names the kind of error, no address and no id."""
    user = visitor(environment())
    user.network.answer = error
    answer = user.shop.view_order(17)
    assert (answer.status, answer.content) == (0, b"")
    (failure,) = user.environment.stats.errors.values()
    assert str(failure.error) == f"GET /orders/{{id}}: {name}"


def test_answer_is_decoded_on_demand() -> None:
    """The body is there for whoever needs it."""
    assert visitor(environment()).shop.view_order(17).json() == {"detail": "Order with ID 17"}


def test_small_answers_are_asked_for_uncompressed() -> None:
    """Unpacking is CPU on both sides: identity is asked for with every request."""
    user = visitor(environment())
    user.shop.place_order(17, 2)
    assert user.network.headers["Accept-Encoding"] == "identity"
    assert "Idempotency-Key" not in user.network.headers


def test_key_of_an_order_travels_as_header() -> None:
    """A key that is given goes out as Idempotency-Key, and does not stick to later requests."""
    user = visitor(environment())
    user.shop.place_order(17, 2, key="run-1/0/1")
    assert user.network.headers["Idempotency-Key"] == "run-1/0/1"
    user.shop.place_order(17, 2)
    assert "Idempotency-Key" not in user.network.headers


def test_debug_log_shows_request_and_answer(caplog: pytest.LogCaptureFixture) -> None:
    """At DEBUG a person sees what was sent, what came back, and how it was judged."""
    user = visitor(environment())
    user.network.answer = 409
    with caplog.at_level(logging.DEBUG, logger="load_tests.shop"):
        user.shop.place_order(17, 2)
    assert "POST /orders/ {'product_id': 17, 'quantity': 2} -> 409, expected" in caplog.text
    assert "Order with ID 17" in caplog.text


def test_requests_are_not_logged_above_debug(caplog: pytest.LogCaptureFixture) -> None:
    """At INFO nothing is said per request."""
    with caplog.at_level(logging.INFO):
        visitor(environment()).shop.place_order(17, 2)
    assert not caplog.records


def test_time_outs_are_seconds() -> None:
    """Nobody waits a minute for a shop, as Locust would."""
    assert Visitor.connection_timeout == Visitor.network_timeout == 10


def test_products_keep_to_the_limits_of_the_contract() -> None:
    """SKU, name, price and stock are what the API accepts."""
    user = visitor(environment(worker_index=9999, run_id="20261122-135521-ab12"))
    for _ in range(1000):
        product = user.new_product()
        assert re.fullmatch(r"[A-Z0-9_-]{1,50}", product["sku"])
        assert 2 <= len(product["name"]) <= 200
        assert re.fullmatch(r"\d+\.\d{1,2}", json.dumps(product["price"]))
        assert 0 <= product["stock"] <= 1_000_000


@pytest.mark.parametrize("run_id", ["20261122-135521-ab12", "nightly run #4 / öäü", "x" * 100])
def test_skus_stay_short_and_plain_whatever_the_run_is_called(run_id: str) -> None:
    """A run's name may be anything; at the highest numbers a SKU still has at most 50 plain characters."""
    prefix = Run(environment(worker_index=9999, client_id="host_" + "f" * 32, run_id=run_id)).sku_prefix
    assert re.fullmatch(r"[A-Z0-9_-]{1,50}", f"{prefix}-99999-999999")


def test_skus_carry_run_and_worker() -> None:
    """Who looks at the database sees which run and worker made a product."""
    sku = visitor(environment(worker_index=3, run_id="20261122-135521-ab12")).new_product()["sku"]
    assert sku == "20261122-135521-AB12-3-ABCDEF-1-1"


def test_skus_of_workers_that_start_together_differ() -> None:
    """Same second, same index (each Locust without a master has 0): the worker's own id keeps them apart."""
    prefixes = set()
    for client_id in ("host_aaaaaaaaaa", "host_bbbbbbbbbb"):
        prefixes.add(Run(environment(client_id=client_id)).sku_prefix)
    assert len(prefixes) == 2


def test_skus_of_one_worker_never_repeat() -> None:
    """Users of a worker, and the products of a user, are numbered."""
    at = environment()
    users = [visitor(at) for _ in range(5)]
    skus = [user.new_product()["sku"] for user in users for _ in range(20)]
    assert len(set(skus)) == 100


def test_run_without_engine_is_named_for_its_start() -> None:
    """Stock Locust gives a run no id: the time of its start stands in."""
    at = environment()
    at.parsed_options = SimpleNamespace()
    assert re.match(r"\d{8}-\d{6}-0-", Run(at).sku_prefix)


def test_names_come_from_a_pool_that_is_the_same_each_time() -> None:
    """The pool is seeded: filled again, it holds the same names."""
    first = product_names()
    product_names.cache_clear()
    assert product_names() == first
    assert len(set(first)) > 900


def test_user_makes_the_same_choices_in_the_next_run() -> None:
    """The second run's first user offers the same goods as the first run's; only the SKUs differ."""

    def goods(run_id: str, worker_index: int = 0) -> list[tuple[str, float, int]]:
        Run.current = None
        user = visitor(environment(worker_index, run_id=run_id))
        return [(p["name"], p["price"], p["stock"]) for p in (user.new_product() for _ in range(20))]

    assert goods("run-1") == goods("run-2")
    assert goods("run-1") != goods("run-1", worker_index=1)


def test_users_are_told_apart_by_chance() -> None:
    """Two users of one run do not do the same thing."""
    at = environment()
    assert visitor(at).random.random() != visitor(at).random.random()
