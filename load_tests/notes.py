"""The ledger entries that Shop writes for the audit: each act on the shop, and its answer.

Needs nothing but Python.
"""

import re
from typing import Any

from load_tests.answer import Answer, Json

_STATUS_OF = {"insufficient_stock": 409, "duplicate_sku": 409, "product_not_found": 404}
"""The status of a refused line, by its code: the status that a single request would have had."""

_AVAILABLE = re.compile(rb"Available: (\d+)")


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
            body = _object(answer)
            facts = {name: _number(body.get(field)) for name, field in told.items()}
        elif answer.status == 409 and (stock := _AVAILABLE.search(answer.content)):
            facts = {"available": int(stock[1])}
        self._ledger.settle(entry, answer.outcome, status=answer.status, **facts)
        return answer

    def settle_lines(self, entries: list[Json], answer: Answer, id_name: str) -> Answer:
        """Record the outcome of each line of a bulk call."""
        body = _object(answer) if answer.outcome == "ok" else {}
        made = {line.get("index"): _number(line.get("id")) for line in _lines(body, "created")}
        refused = {line.get("index"): line.get("code") for line in _lines(body, "failures")}
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


def _number(value: Any) -> int | float | None:
    """Return the value if it is a number, as the contract requires, else None: the audit reports that."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _lines(body: Json, name: str) -> list[Json]:
    """Return the lines of a bulk call's answer that are JSON objects."""
    lines = body.get(name)
    return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []


def _object(answer: Answer) -> Json:
    """Return the JSON object in the body, else an empty one: the audit reports the missing id."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
