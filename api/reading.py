"""Functions that read a request: they return its id, key, body or query, or raise a refusal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from itertools import islice
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from falcon import Request
from msgspec import UNSET, Raw

from api.messages import LARGEST_ID, LONGEST_KEY, FieldError, Input, fault_of
from api.problems import Problem, invalid_input

LARGEST_BODY = 1024 * 1024
#: Errors of one request that are listed: more than 1,000 lines with four fields can have.
MOST_ERRORS = 5_000

Message = TypeVar("Message", bound=Input)
#: Converts a value of the request to a type; raises msgspec.ValidationError.
Convert = Callable[[Any, Any], Any]


def read_id(text: str, code: str) -> int:
    """Return an id from a path; raise Problem `code`, a 404, where the text is not a 63-bit number."""
    if text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= LARGEST_ID:
        return int(text)
    raise Problem.of(code, id=text)


def read_key(request: Request) -> str | None:
    """Return the Idempotency-Key or None; raise Problem where it is too long or not printable ASCII."""
    key: str | None = request.get_header("Idempotency-Key")
    if key is None or (1 <= len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
        return key
    raise invalid_input([FieldError("Idempotency-Key", "Must be 1 to 200 printable ASCII characters")])


def read_body(request: Request, message: type[Message]) -> Message:
    """Return the body as `message`, or raise Problem.

    415: the Content-Type is not JSON. 413: the body is too large. 400: it is not JSON. 422: a field is wrong.
    """
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
    """Return the decoder of a message type."""
    return msgspec.json.Decoder(message)


def refusal_of(body: bytes, message: type[Input], error: Exception) -> Problem:
    """Return the problem of a body that was not decoded: 400 if it is not JSON, else 422."""
    try:
        check_json(body)
        fields = msgspec.json.decode(body, type=dict[str, Raw])
    except msgspec.ValidationError as not_an_object:
        return invalid_input([FieldError("body", str(not_an_object))])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as no_json:
        return Problem.of("malformed_json", about=no_json)
    # No field is at fault where a name appears twice and its last value is right: report the first error.
    return invalid_input(listed(faults(message, fields, decode_field)) or [FieldError("body", str(error))])


def listed(errors: Iterator[FieldError]) -> list[FieldError]:
    """Return the errors; of more than MOST_ERRORS, the first ones and how many there are more."""
    first = [*islice(errors, MOST_ERRORS)]
    more = sum(1 for _ in errors)
    return [*first, FieldError("body", f"{more:,} more errors are not listed")] if more else first


def check_json(body: bytes) -> None:
    """Raise msgspec.DecodeError where the body is not JSON.

    It also checks the strings, which decoding to Raw skips.
    """
    # A number too large for msgspec is well-formed JSON; it is reported as the fault of its field.
    with suppress(msgspec.ValidationError):
        msgspec.json.decode(body)


def decode_field(raw: Any, type_: Any) -> Any:
    """Return a value of the body as the type; raise msgspec.ValidationError."""
    return msgspec.json.decode(raw, type=type_)


def read_query(request: Request, message: type[Message]) -> Message:
    """Return the query as `message`; raise a 422 for an unknown name and for a wrong or repeated value."""
    try:
        decoded: Message = msgspec.convert(request.params, message, strict=False)
        return decoded
    except msgspec.ValidationError:
        raise invalid_input(listed(faults(message, request.params, convert_parameter))) from None


def convert_parameter(value: Any, type_: Any) -> Any:
    """Return a value of the query as the type; raise msgspec.ValidationError."""
    return msgspec.convert(value, type_, strict=False)


def faults(
    message: type[Input], given: Mapping[str, Any], convert: Convert, path: str = ""
) -> Iterator[FieldError]:
    """Yield every wrong field. msgspec stops at the first, so the fields are converted one by one."""
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
    """Yield what is wrong with one field or, for the lines of a bulk call, inside it."""
    try:
        fault = fault_of(name, convert(value, type_))
    except msgspec.ValidationError as error:
        of_lines = line_faults(name, value, type_, convert)
        yield next(of_lines, FieldError(path + name, str(error)))
        yield from of_lines
    else:
        if fault:
            yield FieldError(path + name, fault)


def line_faults(name: str, value: Any, type_: Any, convert: Convert) -> Iterator[FieldError]:
    """Yield what is wrong inside the lines of a bulk call; nothing for another field.

    A list that is too long has one fault: the work must not grow beyond that of the longest allowed list.
    """
    line_type = next(iter(get_args(next(iter(get_args(type_)), None))), None)
    if not (isinstance(line_type, type) and issubclass(line_type, Input)):
        return
    try:
        lines = convert(value, Annotated[list[Raw], *type_.__metadata__])
    except msgspec.ValidationError as error:
        yield FieldError(name, str(error))
        return
    for index, line in enumerate(lines):
        path = f"{name}[{index}]"
        try:
            fields = convert(line, dict[str, Raw])
        except msgspec.ValidationError as error:
            yield FieldError(path, str(error))
        else:
            yield from faults(line_type, fields, convert, f"{path}.")


def none_if_unset(value: Any) -> Any:
    """Return None for a field that was not sent, which is NULL in SQL, else the value."""
    return None if value is UNSET else value
