"""A target: a limit that a run has to meet, stated before the run starts; and its measured figure.

stampede/targets/ parses and measures a target, stampede/verdict/fast.py judges it. These are dataclasses,
not Structs: targets can be checked before msgspec is installed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from functools import cache
from operator import eq, ge, gt, le, lt

COMPARISONS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq}

PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,2})?)", re.ASCII)


class Kind(StrEnum):
    """The kinds of figure."""

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
    """A selection from the routes of Locust's statistics; without arguments, all of them."""

    methods: tuple[str, ...] = ()
    name: str | None = None
    group: str | None = None
    """``complex``: summaries, bulk calls and filtered lists. ``orders``: placing an order. ``every``: all
    routes, each measured by itself."""

    def include(self, method: str, name: str) -> bool:
        """Return whether a route is in the selection."""
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
    """A figure that can be measured."""

    kind: Kind
    statistic: str = ""
    """For times: ``avg``, ``min``, ``max`` or a percentile. For statuses: ``5xx``, or one such as ``503``."""
    routes: Routes = Routes()
    role: str = ""
    """``api``, ``postgres``, ``master`` or ``workers``; empty for a figure of requests."""
    from_start: bool = False
    """Whether times start when a request was due, not when it was sent."""

    @property
    def percent(self) -> float | None:
        """Return the number of a percentile, such as 95.0; None for any other statistic."""
        return _percent(self.statistic)

    @property
    def fewest(self) -> int:
        """Return how many requests the figure needs: a 99th percentile needs 100 of them."""
        return round(100 / (100 - self.percent)) if self.percent else 1


@cache
def _percent(statistic: str) -> float | None:
    percentile = PERCENTILE.fullmatch(statistic)
    return float(percentile[1]) if percentile else None


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its limit. The limit is in ms, /s, % or MB, or it is a count."""

    name: str
    """The figure as the user wrote it, such as ``p95 of POST /orders/``."""
    figure: Figure
    operator: str
    limit: float
    unit: str
    seconds: int | None = None
    """Where set, the target must hold over any that many seconds in a row, not over the whole window."""
    abort: bool = False
    """Whether the run ends as soon as the limit is exceeded."""
    optional: bool = False
    """Whether the target is only shown, and does not affect the verdict."""

    @property
    def text(self) -> str:
        """Return the target as text, which the parser reads as the same target."""
        is_stable = self.figure.kind is Kind.STABLE
        limit = "" if is_stable else f" {self.operator} {Decimal(repr(self.limit)).normalize():f}{self.unit}"
        during = f" for {self.seconds}s" if self.seconds else ""
        return f"{self.name}{limit}{during}{', abort' * self.abort}{' (optional)' * self.optional}"

    def is_met_by(self, actual: float) -> bool:
        """Return whether a measured figure is within the limit."""
        return COMPARISONS[self.operator](actual, self.limit)

    def scaled(self, factor: float) -> Target:
        """Return the target for a load `factor` times as large: only limits on rates change."""
        if self.unit != "/s":
            return self
        return replace(
            self, limit=float(f"{self.limit * factor:.6g}")
        )  # six digits: a low rate stays above 0


@dataclass(frozen=True, slots=True)
class Reading:
    """The measured figure of a target."""

    actual: float | None
    """In the unit of the target; None where it could not be measured: `detail` has the reason."""
    count: int
    """Number of requests, or samples, that it was measured from; of failures where none was answered."""
    detail: str


@dataclass(frozen=True, slots=True)
class MeasuredTarget:
    """A target of a run, and its measured figure."""

    target: Target
    reading: Reading | None
    """None where it was not measured."""
    aborted: bool = False
    """Whether the target ended the run."""
