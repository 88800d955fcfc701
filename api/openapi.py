"""The OpenAPI document, made from the routes, the Structs and the `operation` over each handler."""

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
REQUEST_ID = {
    HEADER: {"description": "The id of this request in the API's log.", "schema": {"type": "string"}}
}
RETRY_AFTER = {
    "Retry-After": {"description": "Seconds until the client may retry.", "schema": {"type": "integer"}}
}
#: Paths that never call the database.
WITHOUT_DATABASE = {"/", "/docs", "/redoc", "/openapi.json", "/metrics"}


@dataclass(frozen=True, slots=True)
class Operation:
    """The input and the answers of a handler.

    `status` and `answer` describe success; `also` maps further statuses to answers that are no ProblemBody.
    `refusals` are codes of KINDS that only this operation has.
    """

    body: type[Input] | None = None
    query: type[Input] | None = None
    takes_key: bool = False
    status: int = 200
    answer: Any = None
    also: Mapping[int, Any] | None = None
    media_type: str = JSON
    refusals: tuple[str, ...] = ()


def operation(**fields: Any) -> Callable[[Handler], Handler]:
    """Return a decorator that describes a handler; the handler's docstring becomes the summary."""

    def describe(handler: Handler) -> Handler:
        handler.operation = Operation(**fields)  # type: ignore[attr-defined]
        return handler

    return describe


def openapi_document(routes: Mapping[str, Resource]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of the routes, resources by path.

    Handlers without an `operation` are left out.
    """
    operations = list(all_operations(routes))
    schemas = Schemas(operations)
    paths: dict[str, Any] = {}
    for path, method, handler in operations:
        paths.setdefault(path, {})[method] = describe_operation(path, method, handler, schemas)
    add_links(paths)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Orders & Inventory API",
            "version": __version__,
            "description": "Every refusal is application/problem+json (RFC 9457): `detail` is for people, "
            "`code` is for programs. Paths are the same with and without a slash at the end.",
        },
        "paths": paths,
        "components": {"schemas": schemas.components},
    }


def all_operations(routes: Mapping[str, Resource]) -> Iterator[tuple[str, str, Any]]:
    """Yield the path, the method in lower case and the handler of each operation."""
    for path, resource in routes.items():
        for method in allowed_methods(resource):
            handler = getattr(resource, f"on_{method.lower()}")
            if hasattr(handler, "operation"):
                yield path, method.lower(), handler


class Schemas:
    """The JSON Schemas of all bodies; a named schema appears once, among the components."""

    def __init__(self, operations: list[tuple[str, str, Any]]) -> None:
        types = {repr(type_): type_ for *_, handler in operations for type_ in bodies(handler.operation)}
        schemas, components = schemas_of(list(types.values()))
        self._schemas = dict(zip(types, schemas, strict=True))
        self.components = components

    def of(self, type_: Any) -> Schema:
        """Return the schema of a type, a reference where the schema has a name."""
        return self._schemas[repr(type_)]


def bodies(described: Operation) -> list[Any]:
    """Return the types of all bodies of an operation, ProblemBody included."""
    types = [described.body, described.answer, *(described.also or {}).values(), ProblemBody]
    return [type_ for type_ in types if type_ is not None]


def schemas_of(types: list[Any]) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the schema of each type, and the components that the schemas refer to.

    msgspec describes Decimal as a string; the API encodes it as a number (`encode` in messages.py).
    """
    generated = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    schemas, components = json.loads(
        json.dumps(generated).replace('"type": "string", "format": "decimal"', '"type": "number"')
    )
    return schemas, components


def describe_operation(path: str, method: str, handler: Any, schemas: Schemas) -> Schema:
    """Return the OpenAPI operation object of a handler."""
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
            "description": f"Send it as {JSON}: another Content-Type, or none, is refused with 415.",
            "content": {JSON: {"schema": schemas.of(described.body)}},
        }
    return without_bodies(document) if method == "head" else document


def add_links(paths: Schema) -> None:
    """Link the answer to a POST that creates something to the operations that take its id or SKU."""
    for collection, methods in paths.items():
        created = methods.get("post", {}).get("responses", {}).get("201")
        if created is None:
            continue
        created["links"] = {
            described["operationId"]: link(path, described["operationId"])
            for path, operations in paths.items()
            for described in operations.values()
            if path.startswith(collection) and "{" in path
        }


def link(path: str, to_operation: str) -> Schema:
    """Return the link object from a product or order to an operation of its own."""
    names = re.findall(r"{(\w+)}", path)
    return {"operationId": to_operation, "parameters": {name: f"$response.body#/{name}" for name in names}}


def operation_id(path: str, method: str) -> str:
    """Return the method and the words of the path, such as `post_orders_id_pay`."""
    return "_".join([method, *re.findall(r"\w+", path)])


def path_parameters(path: str) -> list[Schema]:
    """Return the parameter objects of the names in braces."""
    schemas = {"id": {"type": "integer", "minimum": 1, "maximum": LARGEST_ID}, "sku": {"type": "string"}}
    names = re.findall(r"{(\w+)}", path)
    return [{"name": name, "in": "path", "required": True, "schema": schemas[name]} for name in names]


def query_parameters(described: Operation) -> list[Schema]:
    """Return the parameter objects of the fields of the query's Struct."""
    if described.query is None:
        return []
    _, components = schemas_of([described.query])
    fields = components[described.query.__name__]["properties"]
    return [
        {"name": name, "in": "query", "required": False, "schema": schema} for name, schema in fields.items()
    ]


def key_parameter(described: Operation) -> list[Schema]:
    """Return the parameter object of Idempotency-Key if the operation takes one, else an empty list."""
    if not described.takes_key:
        return []
    description = "A repeated request with the same key and body gets the first answer and changes nothing."
    schema = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]*$"}
    name = "Idempotency-Key"
    return [{"name": name, "in": "header", "required": False, "description": description, "schema": schema}]


def success(status: int, type_: Any, described: Operation, schemas: Schemas) -> Schema:
    """Return the response object of a successful answer."""
    answer: Schema = {"description": HTTPStatus(status).phrase, "headers": REQUEST_ID}
    if type_ is not None:
        answer["content"] = {JSON: {"schema": schemas.of(type_)}}
    elif described.media_type != JSON:
        answer["content"] = {described.media_type: {"schema": {"type": "string"}}}
    return answer


def refusals(path: str, method: str, described: Operation, schemas: Schemas) -> Schema:
    """Return the response objects of the refusals by status; each description lists the possible codes."""
    codes = [*described.refusals]
    if described.body:
        codes += ["malformed_json", "unsupported_media_type", "body_late", "body_too_large"]
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
    """Return the response object of a refusal, with an empty description."""
    content = {"application/problem+json": {"schema": schemas.of(ProblemBody)}}
    return {"description": "", "headers": REQUEST_ID, "content": content}


def without_bodies(document: Schema) -> Schema:
    """Return the operation for HEAD: neither answers nor refusals have a body."""
    responses = {
        status: {name: part for name, part in answer.items() if name != "content"}
        for status, answer in document["responses"].items()
    }
    return document | {"responses": responses}
