"""Users of an API of your own, with an audit of your own: see docs/audit.md.

make headless LOCUSTFILE=docs/examples/tickets.py HOST=http://localhost:9000 USERS=20 RUN_TIME=30s
"""

import sys
from pathlib import Path

from locust import HttpUser, between, task

from stampede import register_audit

register_audit(sys.executable, str(Path(__file__).with_name("tickets_audit.py")))


class Buyer(HttpUser):
    """Buys a ticket, and notes what it was told."""

    wait_time = between(0.1, 0.5)

    @task
    def buy(self) -> None:
        ledger = self.environment.stampede_ledger
        entry = ledger.attempt("buy")
        with self.client.post("/tickets", catch_response=True) as answer:
            if answer.status_code == 201:
                ledger.settle(entry, "ok", ticket=answer.json()["ticket"])
            elif answer.status_code == 409:
                answer.success()  # sold out is an answer, not a failure
                ledger.settle(entry, "refused")
            else:
                ledger.settle(entry, "unknown")
