"""A figure: what was measured in each round, its median and its range. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from statistics import median

import msgspec

SIGNS: dict[str, Callable[[float, float], bool]] = {"<=": operator.le, ">=": operator.ge}


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A measured figure. `values` has one value for each round, in `unit`."""

    name: str
    unit: str
    values: tuple[float, ...]
    required: str = ""
    """The limit, such as `<= 0.55`; empty where there is none."""
    median: float = 0.0
    low: float = 0.0
    high: float = 0.0

    @property
    def is_kept(self) -> bool:
        """Return whether the median keeps the limit. A figure without one keeps it."""
        if not self.required:
            return True
        sign, bound = self.required.split()
        return SIGNS[sign](self.median, float(bound))


def figure(name: str, unit: str, values: Iterable[float], required: str = "") -> Figure:
    """Return the figure of these values. Raises ValueError if there are none."""
    values = tuple(values)
    if not values:
        raise ValueError(f"{name}: there is no value")
    return Figure(
        name=name,
        unit=unit,
        values=values,
        required=required,
        median=median(values),
        low=min(values),
        high=max(values),
    )


def ratio(
    name: str, over: Iterable[float], under: Iterable[float], required: str = "", unit: str = ""
) -> Figure:
    """Return the figure of the quotients of each round: both sides had the same phase of the machine."""
    return figure(name, unit, (above / below for above, below in zip(over, under, strict=True)), required)


def columns(rounds: Iterable[Mapping[str, float]]) -> dict[str, list[float]]:
    """Return the values of each name, in the order of the rounds. All rounds must have the same names."""
    rows = list(rounds)
    if any(row.keys() != rows[0].keys() for row in rows):
        raise ValueError("a round has not measured what the others have")
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
