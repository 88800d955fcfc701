"""The messages of clients."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from api.messages import CheckedInput, Input


def messages(base: type[Input] = Input) -> Iterator[type[Input]]:
    for message in base.__subclasses__():
        yield message
        yield from messages(message)


def types(type_: Any) -> Iterator[type]:
    """The type, and those that it may be instead."""
    for part in type_.types if isinstance(type_, inspect.UnionType) else (type_,):
        yield type(part)


@pytest.mark.parametrize("message", [*messages()], ids=lambda message: message.__name__)
def test_a_message_with_texts_or_prices_is_checked(message: type[Input]) -> None:
    """Their types cannot express everything. All other messages are decoded without a step of Python."""
    fields = msgspec.structs.fields(message)
    found = {type_ for field in fields for type_ in types(inspect.type_info(field.type))}
    needs_check = bool(found & {inspect.StrType, inspect.FloatType})
    assert issubclass(message, CheckedInput) == (needs_check or message is CheckedInput)
