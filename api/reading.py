"""From a request to what a resource works with, or to the refusal that names every wrong field."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from typing import Any, TypeVar, get_args

import msgspec
from falcon import Request
from msgspec import UNSET, Raw

from api.messages import LARGEST_ID, LONGEST_KEY, FieldError, Input, fault_of
from api.problems import Problem, invalid_input

LARGEST_BODY = 1024 * 1024

Message = TypeVar("Message", bound=Input)
#: Makes a value of a type out of what came under a name; raises msgspec.ValidationError.
Convert = Callable[[Any, Any], Any]


def read_id(text: str, code: str) -> int:
    """An id from a path. What is no 63-bit number is the id of nothing: 404."""
    if text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= LARGEST_ID:
        return int(text)
    raise Problem.of(code, id=text)


def read_key(request: Request) -> str | None:
    """The Idempotency-Key, if there is one."""
    key: str | None = request.get_header("Idempotency-Key")
    if key is None or (1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        return key
    raise invalid_input([FieldError("Idempotency-Key", "Must be 1 to 200 printable ASCII characters")])


def read_body(request: Request, message: type[Message]) -> Message:
    """The body as `message`. Refused: 400 no JSON, 413 too large, 415 by its own word no JSON, 422 wrong."""
    media_type = (request.content_type or "nothing").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem.of("unsupported_media_type", about=media_type)
    body = request.stream.read(LARGEST_BODY + 1)
    if len(body) > LARGEST_BODY:
        raise Problem.of("body_too_large")
    try:
        decoded: Message = decoder_of(message).decode(body)
        return decoded
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise refusal_of(body, message, error) from None


@cache
def decoder_of(message: type[Message]) -> msgspec.json.Decoder[Message]:
    return msgspec.json.Decoder(message)


def refusal_of(body: bytes, message: type[Input], why: Exception) -> Problem:
    """Why a body was not decoded: 400 if it is no JSON at all, whatever else is wrong with it."""
    try:
        check_json(body)
        fields = msgspec.json.decode(body, type=dict[str, Raw])
    except msgspec.ValidationError as error:
        return invalid_input([FieldError("body", str(error))])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Problem.of("malformed_json", about=error)
    # None is found where a name stands twice and only its last value is right.
    return invalid_input([*faults(message, fields, decode_field)] or [FieldError("body", str(why))])


def check_json(body: bytes) -> None:
    """Into the strings too, which decoding to Raw skips."""
    # A number that msgspec cannot hold is well-formed, and a fault of its field.
    with suppress(msgspec.ValidationError):
        msgspec.json.decode(body)


def decode_field(raw: Any, type_: Any) -> Any:
    return msgspec.json.decode(raw, type=type_)


def read_query(request: Request, message: type[Message]) -> Message:
    """The query as `message`; 422 for an unknown name and for a value that is wrong or given twice."""
    try:
        decoded: Message = msgspec.convert(request.params, message, strict=False)
        return decoded
    except msgspec.ValidationError:
        raise invalid_input(list(faults(message, request.params, convert_parameter))) from None


def convert_parameter(value: Any, type_: Any) -> Any:
    return msgspec.convert(value, type_, strict=False)


def faults(
    message: type[Input], given: Mapping[str, Any], convert: Convert, path: str = ""
) -> Iterator[FieldError]:
    """Every wrong field. msgspec stops at the first, so here they are converted one by one."""
    fields = {field.name: field for field in msgspec.structs.fields(message)}
    for name in given:
        if name not in fields:
            yield FieldError(path + name, "Unknown field")
    for name, field in fields.items():
        if name in given:
            yield from field_faults(name, given[name], field.type, convert, path)
        elif field.required:
            yield FieldError(path + name, "Missing")


def field_faults(name: str, value: Any, type_: Any, convert: Convert, path: str) -> Iterator[FieldError]:
    try:
        fault = fault_of(name, convert(value, type_))
    except msgspec.ValidationError as error:
        lines = line_faults(name, value, type_, convert)
        fault = None if lines else str(error)
        yield from lines
    if fault:
        yield FieldError(path + name, fault)


def line_faults(name: str, value: Any, type_: Any, convert: Convert) -> list[FieldError]:
    """What is wrong inside the lines of a bulk call; empty if it is the list itself."""
    line_type = next(iter(get_args(next(iter(get_args(type_)), None))), None)
    if not (isinstance(line_type, type) and issubclass(line_type, Input)):
        return []
    try:
        lines = convert(value, list[Raw])
    except msgspec.ValidationError:
        return []
    found = []
    for index, line in enumerate(lines):
        place = f"{name}[{index}]"
        try:
            fields = convert(line, dict[str, Raw])
        except msgspec.ValidationError as error:
            found.append(FieldError(place, str(error)))
        else:
            found += faults(line_type, fields, convert, f"{place}.")
    return found


def optional(value: Any) -> Any:
    """What was not sent is NULL in SQL."""
    return None if value is UNSET else value
