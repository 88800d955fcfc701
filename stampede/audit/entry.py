"""A line of the ledger, and the readable part of a wrong line.

An API may answer with anything: an id of 1.5, a NaN, a number of a hundred digits. Such an answer makes one
line wrong; the audit must still check all other lines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from stampede.facts.verdict_json import Check, Verdict

BigInt = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Moment = Annotated[float, Meta(ge=0, le=2**33)]
"""Seconds since the epoch that PostgreSQL has a time for."""
Integer = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]


class Entry(Struct, gc=False):
    """A line of the ledger, for any of the shop's acts. A field that the act does not have is None."""

    act: str
    worker: str = ""
    n: BigInt | None = None
    outcome: str | None = None
    sent: Moment | None = None
    answered: Moment | None = None
    status: Integer | None = None
    tries: Integer | None = None
    key: str | None = None
    product_id: BigInt | None = None
    quantity: BigInt | None = None
    order_id: BigInt | None = None
    available: BigInt | None = None
    bulk: bool | None = None
    race: bool | None = None
    sku: str | None = None
    price: float | None = None
    stock: BigInt | None = None
    applied: BigInt | None = None
    to: str | None = None
    total_value: float | None = None

    @property
    def missing(self) -> str | None:
        """Return what this act of the shop does not have and must have; None where it has all."""
        if self.outcome is None or self.sent is None:
            return "an act without outcome or time"
        if self.act != "order":
            return None
        if None in (self.key, self.product_id, self.quantity):
            return "an order without key or product"
        return (
            "an order without the time of its answer"
            if self.outcome == "ok" and self.answered is None
            else None
        )


TYPES = {each.name: each.type for each in msgspec.structs.fields(Entry)}


@dataclass(slots=True)
class WrongLines:
    """The lines of a ledger that have invalid values."""

    count: int = 0
    first: str = ""
    """The place of the first wrong line, and what is wrong with it."""

    def add(self, place: str, reason: object) -> None:
        """Add a line by its place in the ledger."""
        self.count += 1
        self.first = self.first or f"{place}: {reason}"

    def checks(self) -> list[Check]:
        """Return a check that is UNKNOWN if there are wrong lines, else an empty list."""
        if not self.count:
            return []
        what = "line" if self.count == 1 else "lines"
        detail = f"{self.count:,} {what} with an invalid value: these acts cannot be checked"
        return [
            Check(
                name="ledger_readable",
                verdict=Verdict.UNKNOWN,
                count=self.count,
                detail=detail,
                first={"what": self.first},
            )
        ]


@dataclass(frozen=True, slots=True)
class Salvage:
    """Reads the valid values of wrong lines, and counts the lines."""

    wrong: WrongLines = field(default_factory=WrongLines)

    def entry(self, number: int, line: bytes, reason: object) -> Entry | None:
        """Return the entry of a wrong line without its wrong fields; None without an act or a time.

        Its outcome is unknown: users sent the request, but its answer cannot be read.
        """
        self.wrong.add(f"line {number}", reason)
        try:
            values = json.loads(line)
        except ValueError:
            return None
        if not isinstance(values, Mapping):
            return None
        known = {name: value for name, value in values.items() if _is_valid(name, value)}
        if known.get("act") is None or known.get("sent") is None:
            return None
        return msgspec.convert({**known, "outcome": "unknown"}, Entry)


def _is_valid(name: str, value: Any) -> bool:
    """Return whether a value is valid for this field of Entry, and for PostgreSQL."""
    if name not in TYPES or (isinstance(value, float) and not isfinite(value)):
        return False
    try:
        msgspec.convert(value, TYPES[name])
    except msgspec.ValidationError:
        return False
    return True
