"""Whatever the shop answers, its users count failed requests: no task raises an exception."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from locust.env import Environment
from locust.user.task import LOCUST_STATE_STOPPING

from load_tests import locustfile, scenarios
from load_tests.users import ShopUser
from stampede.counting.ledger import Ledger
from tests import hostile

CLASSES: list[type[ShopUser]] = [
    locustfile.InventoryManagementUser,
    locustfile.OrderProcessingUser,
    locustfile.MonitoringUser,
    locustfile.HighConcurrencyUser,
    scenarios.BulkOperations,
    scenarios.StockDepletionRecovery,
    scenarios.HighFrequencyMonitoring,
    scenarios.ErrorConditions,
]

LINES = {"index": 0, "id": 1, "code": "x"}
BODIES: dict[str, Any] = {
    "no JSON": b"<html>",
    "nothing": b"",
    "not UTF-8": b"\xff\xfe\xed\xa0\x80",
    "null": None,
    "a number": 5,
    "a list": [],
    "a text": "x",
    "nested": b"[" * 100_000,
    "nested objects": b'{"id":' * 100_000,
    "NaN": b'{"id": NaN, "total_pages": NaN, "products": [{"id": NaN}], "created": [{"index": NaN}]}',
    "infinite": b'{"id": Infinity, "total_pages": -Infinity, "products": [{"id": 1e999}]}',
    "huge": b'{"id": 100000000000000000000000, "total_pages": 1e300, "products": [{"id": 1e300}]}',
    "many digits": b'{"id": ' + b"9" * 5000 + b"}",
    "texts": {"id": "1", "total_pages": "2", "products": "x", "created": "x", "failures": "x"},
    "lists": {"id": [], "total_pages": [], "products": [[]], "created": [[]], "failures": [[], 5]},
    "truth": {"id": True, "total_pages": True, "products": [True], "created": [{"index": True, "id": True}]},
    "wrong lines": {"created": [{"index": [], "id": {}}], "failures": [{"index": {}, "code": []}]},
    "half of it": {"products": [{"id": 1}, {}, {"id": -1}], "total_pages": 10**18, "created": [LINES, {}]},
    "objects": {"id": {}, "total_pages": {}, "products": {}, "created": {}, "failures": {}},
    "a refusal": {
        "detail": f"Insufficient stock. Available: {'9' * 5000}, Requested: {'9' * 5000}",
        "errors": 5,
    },
    "a summary": {"inventory": {"products": 5, "orders": {"pending": 10**400, "paid": 0.5}}, "orders": []},
}
STATUSES = (
    b"200 OK",
    b"201 Created",
    b"204 No Content",
    b"404 E\xff",
    b"409 Conflict",
    b"422 x",
    b"500 Oops",
    b"999 x",
)


class Racer(scenarios.LastItemRace):
    """Carries out its rounds without other racers."""

    tasks: list[Any]

    def take_part(self) -> None:
        prize = self.prepare()
        if prize is not None:
            self.get_ready(prize)
            self.race(prize)


@pytest.fixture(scope="module")
def api() -> Iterator[hostile.HostileApi]:
    with hostile.serving() as served:
        yield served


def user_of(kind: type[ShopUser], api: hostile.HostileApi) -> tuple[ShopUser, list[dict[str, Any]]]:
    """A user that is about to stop, so that it repeats no order; and a list of its requests."""
    environment = Environment(user_classes=[kind])
    environment.runner = SimpleNamespace(worker_index=0, client_id="host_0123abcdef")
    environment.parsed_options = SimpleNamespace(stampede_run_id="run-1")
    ledger = Ledger()
    ledger.begin("run-1", "0-abcdef")
    environment.stampede_ledger = ledger
    counted: list[dict[str, Any]] = []
    environment.events.request.add_listener(lambda **request: counted.append(request))
    kind.host = api.url
    user = kind(environment)
    user._state = LOCUST_STATE_STOPPING
    return user, counted


def tasks_of(user: ShopUser) -> list[Any]:
    if isinstance(user, Racer):
        return [Racer.take_part]
    return list(dict.fromkeys(type(user).tasks))


@pytest.mark.parametrize("body", BODIES)
def test_no_body_raises_an_exception_in_a_task(api: hostile.HostileApi, body: str) -> None:
    """With any status; what is written into the ledger can be read."""
    content = BODIES[body] if isinstance(BODIES[body], bytes) else json.dumps(BODIES[body]).encode()
    for status in STATUSES:
        sent = b"" if status.startswith(b"204") else content
        api.answers["ok"] = hostile.answer(
            sent, hostile.JSON, status=status, length=not status.startswith(b"204")
        )
        for kind in (*CLASSES, Racer):
            user, counted = user_of(kind, api)
            for chosen in tasks_of(user):
                for _ in range(3):
                    chosen(user)
            assert counted, "each task sends requests"
            user.client.close()
            report: dict[str, Any] = {}
            user.ledger.hand_over(report)
            json.dumps(report, allow_nan=False)


def test_an_answer_without_what_users_read_of_it_is_a_failed_request(api: hostile.HostileApi) -> None:
    api.answers["ok"] = hostile.answer(b"{}", hostile.JSON, status=b"201 Created")
    user, counted = user_of(locustfile.InventoryManagementUser, api)
    user.shop.create_product(user.new_product())
    user.client.close()
    (request,) = counted
    assert str(request["exception"]) == "POST /products/: 201, but the body is not as documented"
