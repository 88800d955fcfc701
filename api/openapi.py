"""The OpenAPI document, made from the routes, the Structs and what stands over each handler."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import msgspec

from api import __version__
from api.admission import PROBES
from api.messages import LARGEST_ID, LONGEST_KEY, Input, ProblemBody
from api.problems import KINDS
from api.request_id import HEADER
from api.resource import Resource, allowed_methods

Handler = TypeVar("Handler", bound=Callable[..., None])
Schema = dict[str, Any]

JSON = "application/json"
REQUEST_ID = {HEADER: {"description": "Logged with what goes wrong.", "schema": {"type": "string"}}}
RETRY_AFTER = {"Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}}
WITHOUT_DATABASE = {"/", "/docs", "/redoc", "/openapi.json", "/metrics"}


@dataclass(frozen=True, slots=True)
class Operation:
    """What a handler takes and answers. `also` are answers beside the success that are no problems."""

    body: type[Input] | None = None
    query: type[Input] | None = None
    takes_key: bool = False
    status: int = 200
    answer: Any = None
    also: Mapping[int, Any] | None = None
    media_type: str = JSON
    refusals: tuple[str, ...] = ()


def operation(**described: Any) -> Callable[[Handler], Handler]:
    """Put over a handler what the document says about it; its docstring is the summary."""

    def describe(handler: Handler) -> Handler:
        handler.operation = Operation(**described)  # type: ignore[attr-defined]
        return handler

    return describe


def openapi_document(routes: Mapping[str, Resource]) -> dict[str, Any]:
    """OpenAPI 3.1. `routes` are resources by path; handlers without an operation are not documented."""
    operations = list(all_operations(routes))
    schemas = Schemas(operations)
    paths: dict[str, Any] = {}
    for path, method, handler in operations:
        paths.setdefault(path, {})[method] = describe_operation(path, method, handler, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Orders & Inventory API",
            "version": __version__,
            "description": "Every refusal is application/problem+json (RFC 9457): `detail` for people, "
            "`code` for programs. Paths are the same with and without a slash at their end.",
        },
        "paths": paths,
        "components": {"schemas": schemas.components},
    }


def all_operations(routes: Mapping[str, Resource]) -> Iterator[tuple[str, str, Any]]:
    for path, resource in routes.items():
        for method in allowed_methods(resource):
            handler = getattr(resource, f"on_{method.lower()}")
            if hasattr(handler, "operation"):
                yield path, method.lower(), handler


class Schemas:
    """JSON Schemas of all bodies; those with a name stand once, among the components."""

    def __init__(self, operations: list[tuple[str, str, Any]]) -> None:
        types = {repr(type_): type_ for *_, handler in operations for type_ in bodies(handler.operation)}
        found, components = schemas_of(list(types.values()))
        self._schemas = dict(zip(types, found, strict=True))
        self.components = components

    def of(self, type_: Any) -> Schema:
        return self._schemas[repr(type_)]


def bodies(described: Operation) -> list[Any]:
    all_of_them = [described.body, described.answer, *(described.also or {}).values(), ProblemBody]
    return [type_ for type_ in all_of_them if type_ is not None]


def schemas_of(types: list[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Of each type, and the components they refer to. msgspec does not know that we encode Decimal as a
    number."""
    generated = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    found, components = json.loads(
        json.dumps(generated).replace('"type": "string", "format": "decimal"', '"type": "number"')
    )
    return found, components


def describe_operation(path: str, method: str, handler: Any, schemas: Schemas) -> Schema:
    described: Operation = handler.operation
    answers = {described.status: described.answer, **(described.also or {})}
    document: Schema = {
        "operationId": operation_id(path, method),
        "summary": handler.__doc__,
        "tags": [path.split("/")[1] if path.startswith(("/products", "/orders")) else "monitoring"],
        "parameters": [*path_parameters(path), *query_parameters(described), *key_parameter(described)],
        "responses": {
            **{str(status): success(status, type_, described, schemas) for status, type_ in answers.items()},
            **refusals(path, method, described, schemas),
        },
    }
    if described.body:
        document["requestBody"] = {
            "required": True,
            "description": f"To be sent as {JSON}: another Content-Type, or none, is refused with 415.",
            "content": {JSON: {"schema": schemas.of(described.body)}},
        }
    return without_bodies(document) if method == "head" else document


def operation_id(path: str, method: str) -> str:
    return "_".join([method, *re.findall(r"\w+", path)])


def path_parameters(path: str) -> list[Schema]:
    schemas = {"id": {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}, "sku": {"type": "string"}}
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": schemas[name]} for name in names]


def query_parameters(described: Operation) -> list[Schema]:
    if described.query is None:
        return []
    _, components = schemas_of([described.query])
    fields = components[described.query.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema} for name, schema in fields.items()
    ]


def key_parameter(described: Operation) -> list[Schema]:
    if not described.takes_key:
        return []
    description = "The same key and body again is answered as the first time and has no second effect."
    schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]*$"}
    name = "Idempotency-Key"
    return [{"name": name, "in": "header", "required": False, "description": description, "schema": schema}]


def success(status: int, type_: Any, described: Operation, schemas: Schemas) -> Schema:
    answer: Schema = {"description": HTTPStatus(status).phrase, "headers": REQUEST_ID}
    if type_ is not None:
        answer["content"] = {JSON: {"schema": schemas.of(type_)}}
    elif described.media_type != JSON:
        answer["content"] = {described.media_type: {"schema": {"type": "string"}}}
    return answer


def refusals(path: str, method: str, described: Operation, schemas: Schemas) -> Schema:
    """By status; its description lists the codes it may come with."""
    codes = [*described.refusals]
    if described.body:
        codes += ["malformed_json", "unsupported_media_type", "body_too_large"]
    if described.body or described.query or described.takes_key:
        codes += ["invalid_input"]
    if path not in WITHOUT_DATABASE and not described.also:
        codes += ["database_unavailable"]
    if path not in PROBES and method != "head":
        codes += ["overloaded"]
    by_status: Schema = {}
    for code in sorted(codes, key=lambda code: KINDS[code].status):
        answer = by_status.setdefault(str(KINDS[code].status), problem(schemas))
        if KINDS[code].status == HTTPStatus.SERVICE_UNAVAILABLE:
            answer["headers"] = REQUEST_ID | RETRY_AFTER
        answer["description"] += f"{', ' if answer['description'] else ''}`{code}`"
    return by_status


def problem(schemas: Schemas) -> Schema:
    content = {"application/problem+json": {"schema": schemas.of(ProblemBody)}}
    return {"description": "", "headers": REQUEST_ID, "content": content}


def without_bodies(document: Schema) -> Schema:
    """HEAD is GET without the body, a refusal's too."""
    responses = {
        status: {name: part for name, part in answer.items() if name != "content"}
        for status, answer in document["responses"].items()
    }
    return document | {"responses": responses}
