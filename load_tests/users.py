"""The base class of the shop's users, and the names and keys that make each user unique.

Needs only `locust`, with its dependencies, and `faker`.
"""

import itertools
import random
import re
import time
from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar

import gevent
from faker import Faker
from locust import events
from locust.env import Environment
from locust.user.task import LOCUST_STATE_STOPPING

from load_tests.answer import Json, whole_number
from load_tests.base_user import BaseUser
from load_tests.notes import NoLedger
from load_tests.shop import TIMEOUT, Shop

SEED = 2026
"""The seed of each user's names, prices, choices and waits: they repeat in every run. SKUs do not repeat."""


@cache
def product_names() -> tuple[str, ...]:
    """Return a pool of names, filled once: making each name when it is needed would slow the load down."""
    fake = Faker()
    fake.seed_instance(SEED)
    return tuple(fake.catch_phrase() for _ in range(1000))


class Run:
    """The names that make the users of a run unique among all users, runs and workers.

    SKUs have the form `RUN-WORKER-USER-NUMBER`, with at most 49 characters of `A-Z 0-9 - _`. The index of a
    worker would not be unique: each master counts from 0, and a Locust without a master has index 0.
    """

    current: ClassVar["Run | None"] = None

    def __init__(self, environment: Environment) -> None:
        run_id = getattr(
            environment.parsed_options, "stampede_run_id", None
        )  # set where an engine starts the run
        run_id = run_id or time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        runner: Any = environment.runner
        self.worker_index: int = getattr(runner, "worker_index", 0)
        # With an engine: the worker's name in the ledger. Without one: the end of its id.
        named = getattr(environment, "stampede_worker", None)
        worker = named() if named else getattr(runner, "client_id", "0")[-8:]
        self.id = re.sub(r"[^A-Z0-9_-]", "-", run_id[:24].upper())
        self.sku_prefix = re.sub(r"[^A-Z0-9_-]", "-", f"{self.id}-{worker}".upper())
        self.user_numbers = itertools.count(1)
        self._key_prefix = re.sub(r"[^\x21-\x7e]", "-", f"{run_id[:24]}/{worker}")
        self._key_numbers = itertools.count(1)

    def new_key(self) -> str:
        """Return a unique key, by which an act can be found later: `RUN/WORKER/NUMBER`."""
        return f"{self._key_prefix}/{next(self._key_numbers)}"

    @classmethod
    def begin(cls, environment: Environment, **_: Any) -> "Run":
        run = cls.current = cls(environment)
        random.seed(f"{SEED}/{run.worker_index}")  # Locust draws tasks and waits from this generator
        return run


events.test_start.add_listener(Run.begin)


class ShopUser(BaseUser):
    """The base class of users. `self.shop` sends requests; `self.random` draws numbers that repeat."""

    abstract = True
    connection_timeout = TIMEOUT
    network_timeout = TIMEOUT
    max_body_size = 4_000_000  # bytes; the largest answer of the API has a tenth of it
    max_redirects = 0  # the contract has none; a followed redirect would be a request that is not counted

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        run = Run.current or Run.begin(environment)
        number = next(run.user_numbers)
        self.ledger: Any = getattr(environment, "stampede_ledger", None) or NoLedger()
        self.run_id = run.id
        self.new_key = run.new_key
        is_overload = bool(getattr(environment.parsed_options, "stampede_overload", None))
        self.shop = Shop(self.client, self.ledger, run.new_key, self._is_stopping, is_overload)
        self.random = random.Random(f"{SEED}/{run.worker_index}/{number}")
        self.products: deque[int] = deque(maxlen=100)
        """Ids from the pages that it listed last."""
        self._pages = 1
        self._sku_prefix = f"{run.sku_prefix}-{number}"
        self._sku_numbers = itertools.count(1)

    def _is_stopping(self) -> bool:
        return bool(self._state == LOCUST_STATE_STOPPING)

    def at_once(self, *acts: Callable[[], Any]) -> None:
        """Run all acts at the same time and wait until all have ended."""
        under_way = [gevent.spawn(act) for act in acts]
        try:
            gevent.joinall(under_way, raise_error=True)
        finally:
            gevent.killall(under_way)  # no act may continue after its user has stopped

    def browse(self) -> None:
        """List a random page of the catalogue and remember its products."""
        answer = self.shop.list_products(page=self.random.randint(1, self._pages))
        if answer.status == 200:
            self._pages = max(1, whole_number(answer.object.get("total_pages")) or 1)
            self.products.extend(answer.ids("products"))

    def new_product(self) -> Json:
        """Return a new product with a SKU that no other user makes."""
        return {
            "sku": f"{self._sku_prefix}-{next(self._sku_numbers)}",
            "name": self.random.choice(product_names()),
            "price": self.price(),
            "stock": self.random.randint(50, 500),
        }

    def price(self) -> float:
        return self.random.randint(100, 99_999) / 100
