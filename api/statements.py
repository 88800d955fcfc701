"""The SQL statements that call a function of the database.

Most statements are prepared: PostgreSQL plans them once for each connection, not on each call. One plan
serves all values, so a call whose best plan depends on its values has a plain statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import count, repeat
from typing import NamedTuple


class Statement(NamedTuple):
    """A call of a function, with `%s` for each argument that is not None."""

    execute: str
    prepare: str | None = None
    """What a connection executes once before; None where there is nothing to prepare."""


@cache
def plain_statement(function: str, arguments: int, missing: tuple[int, ...]) -> Statement:
    """Return a statement that PostgreSQL plans on each call, for the values of that call."""
    values = placeholders(arguments, missing, repeat("%s"))
    return Statement(f"SELECT * FROM {function}({values})")  # noqa: S608 - callers pass constants


@cache
def prepared_statement(function: str, arguments: int, missing: tuple[int, ...]) -> Statement:
    """Return a statement that PostgreSQL plans once for each connection."""
    name = "_without_".join([function, *map(str, missing)])
    values = placeholders(arguments, missing, (f"${number}" for number in count(1)))
    given = ", ".join(["%s"] * (arguments - len(missing)))
    return Statement(
        f"EXECUTE {name}({given})" if given else f"EXECUTE {name}",
        f"PREPARE {name} AS SELECT * FROM {function}({values})",  # noqa: S608 - callers pass constants
    )


def without_missing(arguments: Sequence[object]) -> tuple[tuple[int, ...], Sequence[object]]:
    """Return the positions of the arguments that are None, and the other arguments."""
    missing = tuple(index for index, argument in enumerate(arguments) if argument is None)
    return missing, [argument for argument in arguments if argument is not None]


def placeholders(arguments: int, missing: tuple[int, ...], values: Iterator[str]) -> str:
    """Return the arguments of a function: NULL for those at the missing positions, the next value for others.

    So the planner knows which filters of a list are missing, and leaves them out.
    """
    return ", ".join("NULL" if index in missing else next(values) for index in range(arguments))
