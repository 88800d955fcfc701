"""Judges whether the roles of a cluster have grown. Pure.

The first quarter of the samples is a warm-up: pools, caches and tables fill. A role is flat where the median
of the last quarter is not above the median of the second quarter by more than the allowed growth. Medians,
because a single sample may meet a checkpoint, an autovacuum or a poll in progress.

A process fills the memory that it has freed before it grows: a worker some 40 MB, which it needed to load its
modules. So a short run finds large leaks only.

A process that was replaced begins with little memory, and would hide a leak. So none may be replaced. Those
of PostgreSQL may: it has one for each connection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from tests.soak.usage import Usage

LEAST_SAMPLES = 8

MEMORY_SHARE, LEAST_MEMORY = 0.05, 8.0
"""The allowed growth of a role's memory: the larger one of this share and of these MB."""
COUNT_PER_PROCESS = 3
"""Open files and threads that each process may have more: tables it opens, threads that a pool starts."""


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of a role in the second and in the last quarter."""

    role: str
    figure: str
    before: float
    after: float
    growth: float
    """The allowed one."""

    @property
    def has_grown(self) -> bool:
        return self.after > self.before + self.growth


def judge(samples: Sequence[Mapping[str, Usage]]) -> list[Row]:
    """Return the rows of all roles. There must be LEAST_SAMPLES at least."""
    quarter = len(samples) // 4
    return [
        row
        for role in samples[0]
        for row in rows(
            role,
            [each[role] for each in samples[quarter : 2 * quarter]],
            [each[role] for each in samples[-quarter:]],
        )
    ]


def rows(role: str, second: Sequence[Usage], last: Sequence[Usage]) -> list[Row]:
    """Return the rows of a role, from its samples of two quarters."""
    count = COUNT_PER_PROCESS * max(len(each.pids) for each in second)
    new = len(last[-1].pids - second[0].pids) if role != "postgres" else 0
    memory = median(each.memory_mb for each in second)
    return [
        Row(
            role,
            figure="memory (MB)",
            before=memory,
            after=median(each.memory_mb for each in last),
            growth=max(MEMORY_SHARE * memory, LEAST_MEMORY),
        ),
        Row(role, "files", *medians([each.files for each in second], [each.files for each in last]), count),
        Row(
            role,
            "threads",
            *medians([each.threads for each in second], [each.threads for each in last]),
            count,
        ),
        Row(role, "new processes", 0, new, 0),
    ]


def medians(second: Sequence[int], last: Sequence[int]) -> tuple[float, float]:
    return median(second), median(last)


def table(judged: Sequence[Row]) -> str:
    """Return the rows as a table for a console."""
    lines = [f"{'role':10}{'figure':16}{'2nd quarter':>12}{'last quarter':>14}{'at most':>10}"]
    lines += [
        f"{row.role:10}{row.figure:16}{row.before:12.1f}{row.after:14.1f}{row.before + row.growth:10.1f}"
        f"{'  GROWN' if row.has_grown else ''}"
        for row in judged
    ]
    return "\n".join(lines)
