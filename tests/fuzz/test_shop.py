"""A shop with 32 clients at once: whatever they do, the audit of their ledger passes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import count
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import gevent
import pytest
from hypothesis import Phase
from hypothesis import strategies as st
from hypothesis.errors import FlakyFailure
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from locust.env import Environment
from locust.event import Events

from load_tests.answer import Answer
from load_tests.users import Run, ShopUser
from stampede.audit.database import connect
from stampede.audit.judgement import judge
from stampede.counting.ledger import Ledger
from stampede.counting.ledger_file import LedgerFile
from stampede.facts.verdict_json import Check
from tests.fuzz.cases import length, tried
from tests.integration.databases import ADDS_UP, TOTALS_ARE_TRUE, TestDatabase, execute
from tests.integration.servers import Api
from tests.metrics import read
from tests.prove.faults import choose

CLIENTS = 32
WORKER = "0-aaaaaa"
GIVES_UP_AFTER = 0.01
"""Seconds after which a client that does not wait has sent its request, and may not have the answer."""

EMPTY = """
    TRUNCATE products, orders, stock_movements, order_keys, totals;
    INSERT INTO totals (slot) SELECT generate_series(0, 63);
"""

ACTS = (
    *("create", "order", "order", "order", "order", "same key", "same key", "bulk", "adjust"),
    *(
        "change product",
        "delete product",
        "change order",
        "view",
        "pay",
        "ship",
        "cancel",
        "delete",
        "remove",
    ),
)
STATUSES = (None, "PAID", "CANCELED")

runs = count(1)


class Act(NamedTuple):
    """What one client does. `one` and `other` choose among the products, the orders and the keys so far."""

    name: str
    one: int
    other: int
    quantity: int
    is_patient: bool
    """Whether the client waits for the answer."""


def any_act(random: Random) -> Act:
    return Act(
        name=random.choice(ACTS),
        one=random.randrange(8),
        other=random.randrange(8),
        quantity=random.choice((1, 1, 2, 3, 50)),
        is_patient=random.random() < 0.9,
    )


class Sent(NamedTuple):
    """An order that was sent under a key."""

    product_id: int
    quantity: int
    key: str


class Client(ShopUser):
    """A user of the load tests, whose acts are chosen by the test."""


class Shop(RuleBasedStateMachine):
    """Each step is done by all clients at once; a machine is a run, with a ledger and an audit.

    What goes wrong is reported at the end, and not at its step. Hypothesis repeats a machine that failed, and
    cannot report one that fails at another step, as clients that race may do.
    """

    api: Api
    database: TestDatabase
    failed: set[str]
    """The checks of the audit that failed."""

    def __init__(self) -> None:
        super().__init__()
        self.database.query(EMPTY)
        self.wrong: list[str] = []
        self.run_id, self.began = f"20261130-120000-{next(runs):04x}", time.time()
        self.ledger = Ledger()
        self.ledger.begin(self.run_id, WORKER)
        options = SimpleNamespace(stampede_run_id=self.run_id)
        environment = Environment(events=Events(), host=self.api.url, parsed_options=options)
        environment.stampede_ledger, environment.stampede_worker = self.ledger, lambda: WORKER
        Run.begin(environment)
        Client.host = self.api.url
        self.clients = [Client(environment) for _ in range(CLIENTS)]
        self.products = [self.new_product(stock) for stock in (0, 3, 10, 1000)]
        self.orders = [self.clients[0].shop.place_order(self.products[3], 1).json()["id"]]
        self.sent: list[Sent] = []

    @rule(seed=st.integers(0, 2**32))
    def act_at_once(self, seed: int) -> None:
        """Each client does something else; what one does, another may undo."""
        random = Random(seed)  # noqa: S311 - no secret
        acts = [any_act(random) for _ in range(CLIENTS)]
        products, orders, sent = list(self.products), list(self.orders), list(self.sent)
        self.at_once([self.chosen(act, products, orders, sent) for act in acts], acts)

    @rule(quantity=st.integers(1, 3))
    def use_one_key(self, quantity: int) -> None:
        """All clients send the same order with the same key."""
        order = Sent(self.products[3], quantity, self.clients[0].new_key())
        self.at_once([lambda client: client.shop.place_order(*order)] * CLIENTS)

    @rule(stock=st.integers(0, CLIENTS))
    def race(self, stock: int) -> None:
        """All clients want one unit of a product."""
        product = self.new_product(stock)
        self.at_once([lambda client: client.shop.place_order(product, 1)] * CLIENTS)

    @invariant()
    def it_adds_up(self) -> None:
        if self.database.query(ADDS_UP) != [(0,)]:
            self.wrong.append("a stock is not the sum of its movements")
        if self.database.query(TOTALS_ARE_TRUE) != [(True,)]:
            self.wrong.append("the totals are not those of the products and orders")

    def teardown(self) -> None:
        """Judge the run."""
        for client in self.clients:
            client.client.close()
        self.wait_until_served()
        for check in self.judged():
            if check.verdict not in accepted(check):
                self.failed.add(check.name)
                self.wrong.append(str(check))
        tried["audits of the shop"] += 1
        assert not self.wrong, "\n".join(dict.fromkeys(self.wrong))

    def new_product(self, stock: int) -> int:
        """Return the id of a product that nothing has ordered yet."""
        return int(self.create(self.clients[0], stock).json()["id"])

    def create(self, client: Client, stock: int) -> Answer:
        return client.shop.create_product({**client.new_product(), "stock": stock})

    def at_once(self, does: Sequence[Callable[[Client], Answer]], acts: Sequence[Act] | None = None) -> None:
        """Let each client do something, and wait for them. The impatient ones go away before the answer."""
        tried["acts of the shop's clients"] += CLIENTS
        doing = [gevent.spawn(do, client) for do, client in zip(does, self.clients, strict=True)]
        patient = [doing[i] for i in range(CLIENTS) if acts is None or acts[i].is_patient]
        gevent.sleep(GIVES_UP_AFTER)
        gevent.killall([one for one in doing if one not in patient])
        gevent.joinall(patient, raise_error=True)
        answers = [one.value for one in doing if isinstance(one.value, Answer)]
        for answer in answers:
            tried[f"answers {answer.status}"] += 1
            if answer.status in (0, 500):
                self.wrong.append(f"an answer {answer.status}: {answer.content!r}")

    def chosen(
        self, act: Act, products: list[int], orders: list[int], sent: list[Sent]
    ) -> Callable[[Client], Answer]:
        """Return what a client does, with the products and orders that there were before the step."""
        product, order = products[act.one % len(products)], orders[-1 - act.one % len(orders)]
        other, quantity = products[act.other % len(products)], act.quantity
        match act.name:
            case "create":
                return lambda client: self.created(self.create(client, quantity))
            case "same key" if sent:
                again = sent[-1 - act.one % len(sent)]
                changed = again._replace(quantity=quantity) if act.other == 0 else again
                return lambda client: self.ordered(client.shop.place_order(*changed))
            case "order" | "same key":
                return lambda client: self.order(client, product, quantity)
            case "bulk":
                lines = [{"product_id": each, "quantity": quantity} for each in (product, other, product)]
                return lambda client: client.shop.place_orders(lines)
            case "adjust":
                change = quantity * (-1 if act.other % 2 else 1)
                return lambda client: client.shop.adjust_stock(product, change, "delivery")
            case "change product":
                return lambda client: client.shop.update_product(product, price=float(quantity))
            case "delete product":
                return lambda client: client.shop.delete_product(product)
            case "change order":
                status = STATUSES[act.other % len(STATUSES)]
                return lambda client: client.shop.update_order(order, quantity, status)
            case "delete" | "remove" as name:
                return lambda client: client.shop.delete_order(order, force=name == "remove")
            case "view":
                return lambda client: client.shop.view_order(order)
            case name:
                return lambda client: getattr(client.shop, f"{name}_order")(order)

    def order(self, client: Client, product: int, quantity: int) -> Answer:
        order = Sent(product, quantity, client.new_key())
        self.sent.append(order)  # also where the client does not wait
        return self.ordered(client.shop.place_order(*order))

    def ordered(self, answer: Answer) -> Answer:
        if answer.status == 201:
            self.orders.append(answer.json()["id"])
        return answer

    def created(self, answer: Answer) -> Answer:
        if answer.status == 201:
            self.products.append(answer.json()["id"])
        return answer

    def wait_until_served(self) -> None:
        """Wait for the requests whose clients have gone."""
        with gevent.Timeout(20):
            while read(self.api.request("GET", "/metrics").body).gauges["http_requests_in_flight"] > 1:
                gevent.sleep(0.01)

    def judged(self) -> list[Check]:
        """Return the checks of the audit."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ledger.jsonl.gz"
            file, report = LedgerFile(path, self.run_id, {WORKER: WORKER}, []), dict[str, Any]()
            self.ledger.end()
            self.ledger.hand_over(report)
            file.add(WORKER, report)
            assert file.close() == []
            with closing(connect(self.database.url("auditor"))) as connection:
                return judge(connection, path, self.run_id, self.began)


def accepted(check: Check) -> set[str]:
    """Return the verdicts that a right shop may get: some refusals cannot be ordered by the clock."""
    return {"PASS", "NOT_ASKED", *(["UNKNOWN"] if check.name == "sold_out_was_true" else [])}


@pytest.fixture
def api(database: TestDatabase, start_api: Callable[..., Api]) -> Api:
    """An API that can be in the database with each client at the same time."""
    return start_api(database.url(), API_THREADS=str(CLIENTS))


@pytest.fixture
def shop(api: Api, database: TestDatabase) -> type[Shop]:
    """The machine for this API."""
    return type("ThisShop", (Shop,), {"api": api, "database": database, "failed": set()})


def run(shop: type[Shop], **settings: Any) -> None:
    run_state_machine_as_test(
        shop,
        settings=length(
            slowness=20,
            stateful_step_count=8,
            phases=[Phase.generate],
            report_multiple_bugs=False,
            **settings,
        ),
    )


def test_whatever_32_clients_do_the_audit_passes(shop: type[Shop]) -> None:
    run(shop)


@pytest.mark.parametrize("name", ["read_then_write", pytest.param("key_ignored", marks=pytest.mark.long)])
def test_a_planted_fault_is_found(shop: type[Shop], name: str) -> None:
    """A shop with a fault fails, by the check that is meant for the fault."""
    (fault,) = choose([name])
    execute(shop.database.url("postgres"), fault.sql())
    with pytest.raises((AssertionError, FlakyFailure)):
        run(shop)
    assert fault.caught_by <= shop.failed
