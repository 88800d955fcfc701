"""A target: a limit that a run has to meet, stated before it starts. Pure.

parser.py reads a target, measuring.py measures it, stampede/verdict/fast.py judges it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from operator import eq, ge, gt, le, lt

COMPARISONS: dict[str, Callable[[float, float], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge, "=": eq}

PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d{1,2})?)", re.ASCII)


class Kind(Enum):
    """What a figure is of."""

    TIME = auto()
    RPS = auto()
    GOODPUT = auto()
    ERRORS = auto()
    STATUS = auto()
    STABLE = auto()
    CPU = auto()
    MEMORY = auto()
    CONNECTIONS = auto()


@dataclass(frozen=True, slots=True)
class Routes:
    """Some of the routes of Locust's statistics; without anything all of them."""

    methods: tuple[str, ...] = ()
    name: str | None = None
    group: str | None = None
    """``complex``: summaries, bulk calls and filtered lists. ``orders``: the placing of one. ``every``: all,
    each by itself."""

    def include(self, method: str, name: str) -> bool:
        """Whether a route is one of them."""
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
    from_start: bool = False
    """Times from when a request was due, not from when it was sent."""

    @property
    def percent(self) -> float | None:
        """Of a percentile: 95.0."""
        found = PERCENTILE.fullmatch(self.statistic)
        return float(found[1]) if found else None

    @property
    def fewest(self) -> int:
        """Requests without which the figure says nothing: the 99th percentile of fewer than 100."""
        return round(100 / (100 - self.percent)) if self.percent else 1


@dataclass(frozen=True, slots=True)
class Target:
    """A figure and its limit, in ms, 1/s, %, MB, or a count."""

    text: str
    name: str
    column: int
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

    def is_met_by(self, actual: float) -> bool:
        """Whether so much is within the limit."""
        return COMPARISONS[self.operator](actual, self.limit)

    def scaled(self, factor: float) -> Target:
        """The same for a load that is so many times as large: of a rate there is to be so much more."""
        if self.unit != "/s":
            return self
        limit = float(f"{self.limit * factor:g}")  # as the text says it: of little something is left
        during = f" for {self.seconds}s" if self.seconds else ""
        ending = ", abort" * self.abort + " (optional)" * self.optional
        text = f"{self.name} {self.operator} {limit:g}/s{during}{ending}"
        return replace(self, text=text, limit=limit)
