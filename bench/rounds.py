"""Rounds: every side is measured once in each, and each round begins with another side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

ROUNDS = 5

Measured = TypeVar("Measured")


def interleaved(
    sides: Mapping[str, Callable[[], Measured]], rounds: int, what: str = ""
) -> dict[str, list[Measured]]:
    """Measure each side once a round, and print how it goes. Return the values of each side by round."""
    names = list(sides)
    measured: dict[str, list[Measured]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            begun = time.monotonic()
            measured[name].append(sides[name]())
            took = time.monotonic() - begun
            print(f"  {what}round {number + 1} of {rounds}: {name} ({took:.1f} s)", flush=True)
    return measured
