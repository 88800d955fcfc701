"""The ledger entries that Shop writes for the audit: each act on the shop, and its answer.

Needs nothing but Python.
"""

import re
from typing import Any

from load_tests.answer import Answer, Json, number, whole_number

_STATUS_OF = {"insufficient_stock": 409, "duplicate_sku": 409, "product_not_found": 404}
"""The status of a refused line, by its code: the status that a single request would have had."""

_AVAILABLE = re.compile(rb"Available: (\d{1,18})\b")


class NoLedger:
    """Replaces the ledger where no engine is loaded; the real one is in stampede/counting/ledger.py."""

    def attempt(self, _act: str, **_facts: Any) -> Json:
        return {}

    def settle(self, _entry: Json, _outcome: str, **_facts: Any) -> None:
        pass

    def event(self, _name: str, **_facts: Any) -> None:
        pass


class Notes:
    """Writes the ledger: an entry before each act is sent, and its outcome afterwards."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger

    def attempt(self, act: str, **facts: Any) -> Json:
        """Record an act that is about to be sent; return the entry, which the caller must settle."""
        entry: Json = self._ledger.attempt(act, **facts)
        return entry

    def settle(self, entry: Json, answer: Answer, **told: str) -> Answer:
        """Record the outcome. `told` maps names in the ledger to fields of a successful answer."""
        facts: Json = {}
        if told and answer.outcome == "ok":
            body = answer.object
            facts = {name: number(body.get(field)) for name, field in told.items()}
        elif answer.status == 409 and (stock := _AVAILABLE.search(answer.content)):
            facts = {"available": int(stock[1])}
        self._ledger.settle(entry, answer.outcome, status=answer.status, **facts)
        return answer

    def settle_lines(self, entries: list[Json], answer: Answer, id_name: str) -> Answer:
        """Record the outcome of each line of a bulk call."""
        is_ok = answer.outcome == "ok"
        created, failures = (answer.lines(name) if is_ok else [] for name in ("created", "failures"))
        made = {whole_number(line.get("index")): number(line.get("id")) for line in created}
        refused = {whole_number(line.get("index")): line.get("code") for line in failures}
        for index, entry in enumerate(entries):
            if index in made:
                self._ledger.settle(entry, "ok", status=201, **{id_name: made[index]})
            elif index in refused:
                self._ledger.settle(entry, "refused", status=_STATUS_OF.get(str(refused[index]), 422))
            else:  # a line that a successful answer does not mention is unknown too
                outcome = "unknown" if answer.outcome == "ok" else answer.outcome
                self._ledger.settle(entry, outcome, status=answer.status)
        return answer


def product_facts(product: Json) -> Json:
    """Return the fields of a new product that the ledger keeps."""
    return {name: product[name] for name in ("sku", "price", "stock") if name in product}
