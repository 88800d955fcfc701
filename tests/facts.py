"""Facts of a run for tests that look at a part of it: what a test leaves out is nothing, zero or empty."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import Struct

from stampede.facts.run_json import Facts

Made = TypeVar("Made", bound=Struct)


def facts(**changes: Any) -> Facts:
    """The facts of a run of which no more is known than this. Its requests are in one second."""
    return make(Facts, **{**_agreeing(**changes), **changes})


def _agreeing(requests: int = 0, failures: int = 0, **_: Any) -> dict[str, Any]:
    """Figures that agree with the totals."""
    if not requests + failures:
        return {}
    second = {"second": 0, "requests": requests, "failures": failures}
    return {"outcomes": {"GET /": {"200": requests}}, "seconds": [second]}


def make(kind: type[Made], **changes: Any) -> Made:
    """A Struct of which no more is known than this; what is inside may be dicts."""
    return msgspec.convert(_filled(kind, changes), kind)


def _filled(kind: Any, value: Any) -> Any:
    """The value, with all that its type wants. A name that the type does not have is refused."""
    if value is None or isinstance(value, Struct):
        return value
    if get_origin(kind) in (Union, UnionType):
        (inner,) = {*get_args(kind)} - {type(None)}
        return _filled(inner, value)
    if isinstance(kind, type) and issubclass(kind, Struct) and isinstance(value, Mapping):
        fields = msgspec.structs.fields(kind)
        unknown = value.keys() - {field.name for field in fields}
        assert not unknown, f"{kind.__name__} has no {', '.join(sorted(unknown))}"
        return {
            field.encode_name: _filled(field.type, value[field.name])
            if field.name in value
            else _nothing(field.type)
            for field in fields
            if field.name in value or field.required
        }
    if get_origin(kind) is list:
        return [_filled(get_args(kind)[0], each) for each in value]
    if get_origin(kind) is dict:
        return {name: _filled(get_args(kind)[1], each) for name, each in value.items()}
    return value


def _nothing(kind: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return None
    if origin is Literal:
        return get_args(kind)[0]
    if origin in (list, dict, tuple):
        return origin()
    if kind is datetime:
        return datetime.fromtimestamp(0, UTC)
    if issubclass(kind, Enum):
        return next(iter(kind))
    if issubclass(kind, Struct):
        return _filled(kind, {})
    return kind()
