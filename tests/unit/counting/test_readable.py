"""Any value can be shown and sent to the master."""

from __future__ import annotations

import json
from decimal import Decimal
from types import MappingProxyType

import msgpack
import pytest

from stampede.counting.readable import MAX_LENGTH, sendable, text


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("/items/ü", "/items/ü"),
        (None, "None"),
        (17, "17"),
        (["a"], "['a']"),
        ("half \ud83d", "half ?"),
        (Mute(), "<Mute>"),
        ("x" * 2 * MAX_LENGTH, "x" * MAX_LENGTH),
    ],
)
def test_any_value_is_a_text_that_can_be_encoded(value: object, shown: str) -> None:
    assert text(value) == shown
    text(value).encode()


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"n": 2**70, "price": Decimal("1.10")}, {"n": str(2**70), "price": "1.10"}),
        ({("a", 1): "\ud83d"}, {"('a', 1)": "?"}),
        (MappingProxyType({"a": {1}}), {"a": [1]}),
        ([True, None, 1.5, b"x", -(2**63)], [True, None, 1.5, b"x", -(2**63)]),
        ({"m": Mute()}, {"m": "<Mute>"}),
        ("y" * 2 * MAX_LENGTH, "y" * 2 * MAX_LENGTH),
    ],
)
def test_what_cannot_be_sent_becomes_text(value: object, sent: object) -> None:
    assert sendable(value) == sent
    msgpack.loads(msgpack.dumps(sendable(value)))


def test_a_list_that_holds_itself_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    json.dumps(sendable(endless))
