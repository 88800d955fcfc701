"""What is noted of each act on the shop, for the audit: what was asked for, and what was told.

Needs nothing but Python.
"""

import re
from typing import Any

from load_tests.answer import Answer, Json

_STATUS_OF = {"insufficient_stock": 409, "duplicate_sku": 409, "product_not_found": 404}
"""The status a line of a bulk call would have been refused with alone, by its code."""

_AVAILABLE = re.compile(rb"Available: (\d+)")


class NoLedger:
    """Takes the ledger's place where no engine is loaded: stampede/counting/ledger.py has the real one."""

    def attempt(self, _act: str, **_facts: Any) -> Json:
        return {}

    def settle(self, _entry: Json, _outcome: str, **_facts: Any) -> None:
        pass

    def event(self, _name: str, **_facts: Any) -> None:
        pass


class Notes:
    """The ledger as the shop writes it: a line before an act is sent, and what came of it."""

    def __init__(self, ledger: Any) -> None:
        self._ledger = ledger

    def attempt(self, act: str, **facts: Any) -> Json:
        """Note what is about to be sent; returns the entry, to be settled."""
        entry: Json = self._ledger.attempt(act, **facts)
        return entry

    def settle(self, entry: Json, answer: Answer, **told: str) -> Answer:
        """Note what came of it; `told` says what of a good answer is noted, and under which name."""
        facts: Json = {}
        if told and answer.outcome == "ok":
            body = _object(answer)
            facts = {name: _number(body.get(field)) for name, field in told.items()}
        elif answer.status == 409 and (stock := _AVAILABLE.search(answer.content)):
            facts = {"available": int(stock[1])}
        self._ledger.settle(entry, answer.outcome, status=answer.status, **facts)
        return answer

    def settle_lines(self, entries: list[Json], answer: Answer, id_name: str) -> Answer:
        """Note what came of each line of a bulk call."""
        body = _object(answer) if answer.outcome == "ok" else {}
        made = {line.get("index"): _number(line.get("id")) for line in _lines(body, "created")}
        refused = {line.get("index"): line.get("code") for line in _lines(body, "failures")}
        for index, entry in enumerate(entries):
            if index in made:
                self._ledger.settle(entry, "ok", status=201, **{id_name: made[index]})
            elif index in refused:
                self._ledger.settle(entry, "refused", status=_STATUS_OF.get(str(refused[index]), 422))
            else:  # one that a good answer does not speak of is as unknown as any
                outcome = "unknown" if answer.outcome == "ok" else answer.outcome
                self._ledger.settle(entry, outcome, status=answer.status)
        return answer


def product_facts(product: Json) -> Json:
    """What the ledger keeps of a new product."""
    return {name: product[name] for name in ("sku", "price", "stock") if name in product}


def _number(value: Any) -> int | float | None:
    """What the contract says is a number; anything else is as good as nothing, and the audit says so."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _lines(body: Json, name: str) -> list[Json]:
    """The lines of a bulk call's answer that are what they should be."""
    lines = body.get(name)
    return [line for line in lines if isinstance(line, dict)] if isinstance(lines, list) else []


def _object(answer: Answer) -> Json:
    """The JSON object that came; nothing where something else did: the audit sees that an id is missing."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
