"""What user code reports of a request is read, whatever its type."""

from __future__ import annotations

import json
from decimal import Decimal
from types import MappingProxyType, SimpleNamespace
from typing import Any

import msgpack
import pytest

from stampede.counting.readable import (
    MOST_BYTES,
    MOST_CHARACTERS,
    MOST_MS,
    is_status,
    length,
    milliseconds,
    sendable,
    sent_at,
    status,
    text,
)


class Unreadable:
    """A value of a locustfile that cannot be hashed, compared, printed or read."""

    def __hash__(self) -> int:
        raise ValueError("no hash")

    def __eq__(self, _: object) -> bool:
        raise ValueError("no comparison")

    def __str__(self) -> str:
        raise ValueError("no text")

    @property
    def status_code(self) -> int:
        raise ValueError("no status")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/products/{id}", "/products/{id}"),
        ("/größe/😀", "/größe/😀"),
        ("", ""),
        (None, "None"),
        (5, "5"),
        (["a", 1], "['a', 1]"),
        ("/\ud83d/x", "/?/x"),
        (["\udc80"], "['\\udc80']"),
        (Unreadable(), "<Unreadable>"),
        ("a" * 2_000, "a" * MOST_CHARACTERS),
        ("é" * 2_000, "é" * MOST_CHARACTERS),
    ],
)
def test_any_value_is_text_that_can_be_sent(value: object, expected: str) -> None:
    """A half of a surrogate has no bytes in UTF-8."""
    assert text(value) == expected
    assert text(value).encode().decode() == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((time, float(time)) for time in (0, 0.0, 12, 12.5, MOST_MS)),
        *((time, MOST_MS) for time in (1e300, 10**400)),
        *((time, None) for time in (None, float("nan"), float("inf"), float("-inf"), -0.1, -5)),
        *((time, None) for time in ("12", "", Decimal(12), [12], Unreadable())),
    ],
)
def test_a_time_is_a_number_that_a_request_can_take(value: object, expected: float | None) -> None:
    assert milliseconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((12, 12), (12.5, 12.5), (0, 0), (10**23, MOST_BYTES), (1e300, MOST_BYTES)),
        *((other, 0) for other in (None, "12", float("nan"), float("inf"), -5, float("-inf"))),
    ],
)
def test_a_length_is_a_number_of_bytes(value: object, expected: float) -> None:
    assert length(value) == expected


@pytest.mark.parametrize(
    ("start_time", "expected"),
    [(90.0, 90.0), (90, 90.0), *((other, 99.5) for other in (None, 0, -1, float("nan"), float("inf"), "90"))],
)
def test_a_request_was_sent_when_it_says_so(start_time: Any, expected: float) -> None:
    """Else its time before its answer."""
    assert sent_at(start_time, 100.0, 500.0) == expected


def test_without_any_time_a_request_was_sent_when_it_was_counted() -> None:
    assert sent_at(None, 100.0, None) == 100.0


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (SimpleNamespace(status_code=200), True),
        (SimpleNamespace(status_code=503), True),
        (SimpleNamespace(status_code="OK"), True),
        (SimpleNamespace(status_code=[]), True),
        (SimpleNamespace(status_code=Unreadable()), True),
        (SimpleNamespace(status_code=0), False),
        (SimpleNamespace(status_code=None), False),
        (SimpleNamespace(), False),
        (None, False),
        (Unreadable(), False),
    ],
)
def test_a_response_without_a_status_is_no_answer(response: object, expected: bool) -> None:
    assert is_status(status(response)) is expected


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"n": 2**70, "price": Decimal("1.10")}, {"n": str(2**70), "price": "1.10"}),
        ({("a", 1): "\ud83d"}, {"('a', 1)": "?"}),
        (MappingProxyType({"a": {1}}), {"a": [1]}),
        ([True, None, 1.5, b"x", -(2**63)], [True, None, 1.5, b"x", -(2**63)]),
        ([2**64 - 1, 2**64, -(2**63) - 1], [2**64 - 1, str(2**64), str(-(2**63) - 1)]),
        ({"m": Unreadable()}, {"m": "<Unreadable>"}),
        ("y" * 2 * MOST_CHARACTERS, "y" * 2 * MOST_CHARACTERS),
    ],
)
def test_what_cannot_be_sent_becomes_text(value: object, sent: object) -> None:
    assert sendable(value) == sent
    msgpack.loads(msgpack.dumps(sendable(value)))


def test_a_list_that_holds_itself_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    json.dumps(sendable(endless))
    mapping: dict[str, object] = {}
    mapping["itself"] = mapping
    json.dumps(sendable(mapping))
