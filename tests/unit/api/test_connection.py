"""How the database's times are written on the wire."""

from __future__ import annotations

import pytest

from api.connection import to_timestamp


@pytest.mark.parametrize(
    ("database", "wire"),
    [
        ("2026-01-01 12:00:00.123456+00", "2026-01-01T12:00:00.123456+00:00"),
        ("2026-01-01 12:00:00.1+00", "2026-01-01T12:00:00.100000+00:00"),  # it leaves zeros out
        ("2026-01-01 12:00:00+00", "2026-01-01T12:00:00.000000+00:00"),
        (None, None),
    ],
)
def test_a_time_has_six_digits(database: str | None, wire: str | None) -> None:
    """Always, so that they can be compared as text."""
    assert to_timestamp(database, None) == wire
