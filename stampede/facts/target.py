"""A target: a limit that a run has to meet, stated before it starts; and what was measured of it.

stampede/targets/ reads a target and measures it, stampede/verdict/fast.py judges it. These are dataclasses,
not Structs: a target is checked before anything is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from operator import eq, ge, gt, le, lt

COMPARISONS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq}

PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,2})?)", re.ASCII)


class Kind(StrEnum):
    """What a figure is of."""

    TIME = "time"
    RPS = "rps"
    GOODPUT = "goodput"
    ERRORS = "errors"
    STATUS = "status"
    STABLE = "stable"
    CPU = "cpu"
    MEMORY = "memory"
    CONNECTIONS = "connections"


@dataclass(frozen=True, slots=True)
class Routes:
    """Some of the routes of Locust's statistics; without anything all of them."""

    methods: tuple[str, ...] = ()
    name: str | None = None
    group: str | None = None
    """``complex``: summaries, bulk calls and filtered lists. ``orders``: the placing of one. ``every``: all,
    each by itself."""

    def include(self, method: str, name: str) -> bool:
        """Return whether a route is one of them."""
        match self.group:
            case "complex":
                path = name.partition("?")[0].rstrip("/")
                return "?" in name or path.endswith(("/summary", "/bulk"))
            case "orders":
                return method == "POST" and name.rstrip("/").endswith("/orders")
        if self.methods and method not in self.methods:
            return False
        return self.name is None or self.name.rstrip("/") == name.rstrip("/")

    def __str__(self) -> str:
        return self.group or " ".join(filter(None, ("/".join(self.methods), self.name))) or "any route"


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured."""

    kind: Kind
    statistic: str = ""
    """Of times: ``avg``, ``min``, ``max`` or a percentile. Of statuses: ``5xx``, or one such as ``503``."""
    routes: Routes = Routes()
    role: str = ""
    """``api``, ``postgres``, ``master`` or ``workers``; empty for a figure of requests."""
    from_start: bool = False
    """Times from when a request was due, not from when it was sent."""

    @property
    def percent(self) -> float | None:
        """Return the number of a percentile: 95.0."""
        found = PERCENTILE.fullmatch(self.statistic)
        return float(found[1]) if found else None

    @property
    def fewest(self) -> int:
        """Return how many requests the figure needs: the 99th percentile of fewer than 100 says nothing."""
        return round(100 / (100 - self.percent)) if self.percent else 1


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its limit, in ms, /s, %, MB, or as a number."""

    name: str
    """The figure as it was stated, such as ``p95 of POST /orders/``."""
    figure: Figure
    operator: str
    limit: float
    unit: str
    seconds: int | None = None
    """Not over the window, but over any so many seconds in it."""
    abort: bool = False
    """Ends the run as soon as the limit is passed."""
    optional: bool = False
    """Shown, and decides nothing."""

    @property
    def text(self) -> str:
        """Return the target as it can be stated: the parser reads it as the same target."""
        is_stable = self.figure.kind is Kind.STABLE
        limit = "" if is_stable else f" {self.operator} {Decimal(repr(self.limit)).normalize():f}{self.unit}"
        during = f" for {self.seconds}s" if self.seconds else ""
        return f"{self.name}{limit}{during}{', abort' * self.abort}{' (optional)' * self.optional}"

    def is_met_by(self, actual: float) -> bool:
        """Return whether so much is within the limit."""
        return COMPARISONS[self.operator](actual, self.limit)

    def scaled(self, factor: float) -> Target:
        """Return the target for a load so many times as large: of a rate there must be so much more."""
        if self.unit != "/s":
            return self
        return replace(self, limit=float(f"{self.limit * factor:.6g}"))  # of little something is left


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured."""

    actual: float | None
    """In the unit of the target; None where it could not be measured, and `detail` says why."""
    count: int
    """Of how many requests, or samples."""
    detail: str


@dataclass(frozen=True, slots=True)
class MeasuredTarget:
    """A target of a run, and what became of it."""

    target: Target
    reading: Reading | None
    """None where it was not measured."""
    aborted: bool = False
    """It ended the run."""
