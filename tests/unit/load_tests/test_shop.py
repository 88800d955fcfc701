"""The shop's methods: route, expected outcomes, failure texts; and what a user of it is given."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
from geventhttpclient.useragent import RetriesExceeded
from locust.env import Environment
from locust.event import Events

from load_tests import shop
from load_tests.answer import Answer
from load_tests.shop import Shop
from load_tests.users import Run, ShopUser, product_names
from stampede.counting.ledger import Ledger
from stampede.http.origin import Origin
from stampede.http.receiver import RawAnswer

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
        self.answer_headers: dict[str, str | list[str]] = {}
        self.answer: int | Exception = 200
        self.body = (
            b'{"id": 17, "detail": "Order with ID 17", "total_pages": 1, "products": [],'
            b' "created": [], "failures": []}'
        )
        self.first: list[int | Exception] = []
        """Answers before that one."""

    def exchange(self, origin: Origin, request: bytes, _is_head: bool) -> RawAnswer:
        method, path, self.headers, _body = parsed(request)
        self.sent.append((method, f"{origin.scheme}://{origin.host}:{origin.port}{path}"))
        status = self.first.pop(0) if self.first else self.answer
        if isinstance(status, OSError):
            return RawAnswer(0, [], b"", False, status)
        assert isinstance(status, int)
        told = [(name.encode(), str(value).encode()) for name, value in self.answer_headers.items()]
        return RawAnswer(status, told, self.body, True)


def parsed(request: bytes) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path, headers and body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    method, path, _ = first.split(" ")
    return method, path, dict(line.split(": ", 1) for line in lines), body


class Pauses:
    """Stands for the clock: it goes on by what is slept."""

    now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Visitor(ShopUser):
    host = "http://shop.test:8000"
    network: Network
    ledger: Ledger
    stopping = True


def environment(
    worker_index: int = 0, client_id: str = "host_0123abcdef", run_id: str = "run-1"
) -> Environment:
    made = Environment(user_classes=[Visitor], events=Events())
    made.runner = SimpleNamespace(worker_index=worker_index, client_id=client_id)
    made.parsed_options = SimpleNamespace(stampede_run_id=run_id)
    made.failures = []
    made.events.request.add_listener(
        lambda request_type, name, response_time, response_length, exception, **_: (
            made.stats.log_request(request_type, name, response_time, response_length),
            exception and made.failures.append(str(exception)),
        )
    )
    return made


def visitor(at: Environment) -> Visitor:
    user = Visitor(at)
    user.network = Network()
    setattr(user.client, "_exchange", user.network.exchange)  # noqa: B010 - where it would open a connection
    user.ledger = Ledger()
    user.shop = Shop(user.client, user.ledger, lambda: "run-1/0/1", lambda: user.stopping)
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
        user.environment.failures.clear()
        user.network.answer = status
        assert case.call(user.shop).status == status
        if not user.environment.failures:
            succeeded.add(status)
    assert succeeded == case.expected


@each_case
def test_failures_are_told_apart_by_method_route_and_status_alone(case: Case) -> None:
    """A failure's text names method, route and status; nothing of the path's ids or the body is in it."""
    user = visitor(environment())
    user.network.answer = 500
    case.call(user.shop)
    assert user.environment.failures == [f"{case.method} {case.route}: 500"]


@pytest.mark.parametrize(
    ("error", "name"),
    [
        (ConnectionRefusedError(111, "[Errno 111] 127.0.0.1:8000"), "ConnectionRefusedError"),
        (ConnectionResetError(104, "reset by 127.0.0.1"), "ConnectionResetError"),
        (TimeoutError("no answer within 10 s"), "TimeoutError"),
    ],
)
def test_no_answer_is_a_failure_named_for_its_kind(error: Exception, name: str) -> None:
    """Without an answer the status is 0, and the failure names the kind of error, no address and no id."""
    user = visitor(environment())
    user.network.answer = error
    answer = user.shop.view_order(17)
    assert (answer.status, answer.content) == (0, b"")
    assert user.environment.failures == [f"GET /orders/{{id}}: {name}"]


def test_an_error_of_locusts_own_client_is_named_for_what_it_wraps() -> None:
    error = RetriesExceeded("http://shop.test/orders/17", 0, original=TimeoutError("timed out"))
    assert shop._name(error) == "TimeoutError"


def test_answer_is_decoded_on_demand() -> None:
    """The body is there for whoever needs it."""
    assert visitor(environment()).shop.view_order(17).json()["detail"] == "Order with ID 17"


def test_small_answers_are_asked_for_uncompressed() -> None:
    """Unpacking is CPU on both sides: identity is asked for with every request."""
    user = visitor(environment())
    user.shop.welcome()
    assert user.network.headers["Accept-Encoding"] == "identity"
    assert "Idempotency-Key" not in user.network.headers


def test_every_order_has_a_key_of_its_own() -> None:
    """The one that is given, else a new one; it does not stick to later requests."""
    user = visitor(environment())
    user.shop.place_order(17, 2, key="mine")
    assert user.network.headers["Idempotency-Key"] == "mine"
    user.shop.place_order(17, 2)
    assert user.network.headers["Idempotency-Key"] == "run-1/0/1"
    user.shop.view_order(17)
    assert "Idempotency-Key" not in user.network.headers


def entries(user: Visitor) -> list[dict[str, Any]]:
    """What the ledger has, without numbers and times."""
    report: dict[str, Any] = {}
    user.ledger.hand_over(report)
    return [
        {name: value for name, value in entry.items() if name not in ("n", "sent", "answered")}
        for entry in report["stampede_ledger"]["settled"]
    ]


class Noted(NamedTuple):
    call: Callable[[Shop], Answer]
    status: int
    body: str
    entry: dict[str, Any]


ORDER = {"act": "order", "key": "run-1/0/1", "product_id": 17, "quantity": 2}
NOTED = [
    Noted(
        lambda s: s.place_order(17, 2),
        201,
        '{"id": 5}',
        {**ORDER, "outcome": "ok", "order_id": 5, "tries": 1},
    ),
    # the figure that the text names goes along: it must be true
    Noted(
        lambda s: s.place_order(17, 2),
        409,
        '{"detail": "Insufficient stock. Available: 1, Requested: 2"}',
        {**ORDER, "outcome": "refused", "available": 1, "tries": 1},
    ),
    # what a 500 did nobody knows
    Noted(lambda s: s.place_order(17, 2), 500, "", {**ORDER, "outcome": "unknown", "tries": 1}),
    # an answer that is no answer: without an id
    Noted(
        lambda s: s.place_order(17, 2),
        201,
        "<html>",
        {**ORDER, "outcome": "ok", "order_id": None, "tries": 1},
    ),
    Noted(
        lambda s: s.create_product({"sku": "A7", "name": "x", "price": 1.5, "stock": 5}, race=True),
        201,
        '{"id": 9}',
        {
            **{"act": "create", "sku": "A7", "price": 1.5, "stock": 5, "race": True},
            **{"outcome": "ok", "product_id": 9},
        },
    ),
    Noted(
        lambda s: s.update_product(17, price=2.5),
        200,
        "{}",
        {"act": "change_product", "product_id": 17, "price": 2.5, "outcome": "ok"},
    ),
    Noted(
        lambda s: s.delete_product(17),
        204,
        "",
        {"act": "delete_product", "product_id": 17, "outcome": "ok"},
    ),
    Noted(
        lambda s: s.adjust_stock(17, -4, "lost"),
        200,
        '{"applied": -3, "stock": 0}',
        {
            **{"act": "adjust", "product_id": 17, "adjustment": -4, "key": "lost run-1/0/1"},
            **{"outcome": "ok", "applied": -3, "stock": 0},
        },
    ),
    Noted(lambda s: s.pay_order(5), 200, "{}", {"act": "pay", "order_id": 5, "outcome": "ok"}),
    Noted(lambda s: s.ship_order(5), 422, "{}", {"act": "ship", "order_id": 5, "outcome": "refused"}),
    Noted(lambda s: s.cancel_order(5), 0, "", {"act": "cancel", "order_id": 5, "outcome": "unknown"}),
    Noted(lambda s: s.delete_order(5), 200, "{}", {"act": "cancel", "order_id": 5, "outcome": "ok"}),
    Noted(
        lambda s: s.delete_order(5, force=True), 200, "{}", {"act": "delete", "order_id": 5, "outcome": "ok"}
    ),
    Noted(
        lambda s: s.update_order(5, status="PAID"),
        200,
        "{}",
        {"act": "change_order", "order_id": 5, "quantity": None, "to": "PAID", "outcome": "ok"},
    ),
    Noted(
        lambda s: s.view_order(5),
        200,
        '{"total_value": 59.97}',
        {"act": "total", "order_id": 5, "total_value": 59.97, "outcome": "ok"},
    ),
]


@pytest.mark.parametrize("case", NOTED, ids=[f"{c.entry['act']} {c.status}" for c in NOTED])
def test_what_acts_on_the_shop_is_noted_with_what_came_of_it(case: Noted) -> None:
    """One entry: what was sent, and of the answer what the audit needs."""
    user = visitor(environment())
    user.network.answer = case.status or TimeoutError()
    user.network.body = case.body.encode()
    case.call(user.shop)
    assert entries(user) == [{**case.entry, "status": case.status}]


def test_each_line_of_a_bulk_order_is_noted() -> None:
    """Made or refused, each by its index, under the key it is remembered by."""
    user = visitor(environment())
    user.network.body = b"""{"created": [{"index": 1, "id": 5}],
        "failures": [{"index": 0, "code": "insufficient_stock"},
                     {"index": 2, "code": "product_not_found"}]}"""
    user.shop.place_orders([{"product_id": number, "quantity": 1} for number in (3, 4, 9)])
    line = {"act": "order", "quantity": 1, "bulk": True, "tries": 1}
    assert entries(user) == [
        {**line, "key": "run-1/0/1#0", "product_id": 3, "outcome": "refused", "status": 409},
        {**line, "key": "run-1/0/1#1", "product_id": 4, "outcome": "ok", "status": 201, "order_id": 5},
        {**line, "key": "run-1/0/1#2", "product_id": 9, "outcome": "refused", "status": 404},
    ]


@pytest.mark.parametrize("body", [b'{"created": 5}', b'{"created": ["x"]}', b"[1]", b'{"failures": null}'])
def test_an_answer_that_is_none_leaves_its_lines_unknown(body: bytes) -> None:
    """Without a traceback: the audit finds out what was done."""
    user = visitor(environment())
    user.network.body = body
    user.shop.place_orders([{"product_id": 3, "quantity": 1}])
    assert [line["outcome"] for line in entries(user)] == ["unknown"]


def test_an_id_that_is_no_number_is_not_noted() -> None:
    """It would be no ledger's fault: the audit says that the order was acknowledged without an id."""
    user = visitor(environment())
    user.network.answer = 201
    user.network.body = b'{"id": "5"}'
    user.shop.place_order(17, 2)
    assert [line["order_id"] for line in entries(user)] == [None]


def test_lines_an_answer_does_not_speak_of_are_unknown() -> None:
    """They are not taken for refused."""
    user = visitor(environment())
    user.shop.create_products([{"sku": "A7", "price": 1, "stock": 2}])
    (line,) = entries(user)
    assert line["outcome"] == "unknown"


def test_an_order_without_an_answer_is_repeated_under_its_key_until_it_is_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A time-out, a reset, a 503: the same key again. One entry says how often it was sent."""
    monkeypatch.setattr(shop, "FIRST_PAUSE", 0)
    user = visitor(environment())
    user.stopping = False
    user.network.first = [TimeoutError(), ConnectionResetError(), 503]
    user.network.answer = 201
    assert user.shop.place_order(17, 2).status == 201
    assert user.network.sent == 4 * [("POST", Visitor.host + "/orders/")]
    (entry,) = entries(user)
    assert (entry["outcome"], entry["tries"]) == ("ok", 4)


def test_nothing_but_an_order_is_repeated() -> None:
    """Only an order has a key that keeps it from being done twice."""
    user = visitor(environment())
    user.stopping = False
    user.network.answer = TimeoutError()
    user.shop.pay_order(5)
    user.shop.adjust_stock(17, 4, "delivery")
    assert len(user.network.sent) == 2


def test_users_who_are_told_to_stop_do_not_repeat() -> None:
    """What is unknown then stays unknown: the audit decides by the rows."""
    user = visitor(environment())
    user.network.answer = TimeoutError()
    user.shop.place_order(17, 2)
    (entry,) = entries(user)
    assert (entry["outcome"], entry["tries"]) == ("unknown", 1)


@pytest.mark.parametrize(
    ("status", "told", "waited"),
    [
        (503, "1", 1),
        # nobody waits for long
        (503, "3600", 30),
        (503, "0", 0),
        # a date, nonsense, two of them: as if nothing were said
        (503, "Sun, 22 Nov 2026 20:00:00 GMT", 0),
        (503, "-1", 0),
        (503, ["1", "1"], 0),
        # another answer may mean something else by it
        (200, "1", 0),
    ],
)
def test_who_is_told_to_come_back_later_goes_on_later(
    monkeypatch: pytest.MonkeyPatch, status: int, told: str | list[str], waited: float
) -> None:
    """Users who went on at once would only be refused more often."""
    pauses = Pauses()
    monkeypatch.setattr(shop, "time", pauses)
    user = visitor(environment())
    user.stopping = False
    user.network.answer = status
    user.network.answer_headers = {"retry-after": told}
    user.shop.health()
    assert pauses.now == pytest.approx(waited, abs=shop.BACK_OFF_STEP)


def test_an_order_that_is_told_when_to_come_back_waits_for_no_more_than_that(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The pauses for want of an answer are not added to it."""
    pauses = Pauses()
    monkeypatch.setattr(shop, "time", pauses)
    user = visitor(environment())
    user.stopping = False
    user.network.first, user.network.answer = [503, 503], 201
    user.network.answer_headers = {"retry-after": "1"}
    user.shop.place_order(17, 2)
    assert len(user.network.sent) == 3
    assert pauses.now == pytest.approx(2, abs=2 * shop.BACK_OFF_STEP)


def test_users_who_are_told_to_stop_wait_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor go on waiting: they look every second."""
    pauses = Pauses()
    monkeypatch.setattr(shop, "time", pauses)
    user = visitor(environment())
    user.shop._is_stopping = lambda: pauses.now > 1.25
    user.network.answer, user.network.answer_headers = 503, {"retry-after": "5"}
    user.shop.health()
    assert 1.25 < pauses.now <= 2.0


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
    at = environment(run_id=run_id)
    at.stampede_worker = lambda: "9999-ffffff"
    prefix = Run(at).sku_prefix
    assert re.fullmatch(r"[A-Z0-9_-]{1,50}", f"{prefix}-99999-999999")


def test_skus_carry_run_and_worker() -> None:
    """Who looks at the database sees which run and worker made a product."""
    at = environment(run_id="20261122-135521-ab12")
    assert visitor(at).new_product()["sku"] == "20261122-135521-AB12-23ABCDEF-1-1"


def test_where_an_engine_names_the_worker_skus_and_keys_carry_that_name() -> None:
    """The audit looks for the orders of a worker that is lost by the name its ledger has."""
    at = environment(run_id="20261122-135521-ab12")
    at.stampede_worker = lambda: "3-abcdef"
    run = Run(at)
    assert run.sku_prefix == "20261122-135521-AB12-3-ABCDEF"
    assert run.new_key() == "20261122-135521-ab12/3-abcdef/1"


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
    assert re.fullmatch(r"\d{8}-\d{6}-23ABCDEF", Run(at).sku_prefix)


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
