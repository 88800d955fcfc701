"""Every refusal: what SQL or bad input ended with, as problem+json (RFC 9457). One table."""

from __future__ import annotations

from typing import Any, NamedTuple

from api.db import Row
from api.messages import FieldError, ProblemBody, encode


class Kind(NamedTuple):
    """A kind of refusal. Its detail is filled with words of the request and with `about`, what the
    database had to say; `field` is the field to blame, if one is."""

    status: int
    title: str
    detail: str
    field: str | None = None


#: By their stable code.
KINDS = {
    # Outcomes of the database: see postgres/schema.sql.
    "product_not_found": Kind(404, "Product not found", "Product with ID {id} not found", "product_id"),
    "order_not_found": Kind(404, "Order not found", "Order with ID {id} not found"),
    "duplicate_sku": Kind(409, "Duplicate SKU", "Product with SKU '{about}' already exists", "sku"),
    "product_in_use": Kind(409, "Product in use", "Product {id} cannot be deleted while orders refer to it"),
    "insufficient_stock": Kind(
        409, "Insufficient stock", "Insufficient stock. Available: {about}, Requested: {quantity}", "quantity"
    ),
    "stock_limit_exceeded": Kind(
        422,
        "Stock limit exceeded",
        "Stock cannot be raised over 1000000. Available: {about}, Adjustment: {adjustment}",
        "adjustment",
    ),
    "idempotency_key_reused": Kind(
        422,
        "Idempotency key reused",
        "This Idempotency-Key was used with another product or quantity",
        "Idempotency-Key",
    ),
    "quantity_locked": Kind(
        422, "Quantity locked", "Cannot change quantity for {about} orders, only for PENDING ones", "quantity"
    ),
    "invalid_transition": Kind(
        422, "Invalid transition", "Invalid status transition from {about} to {status}", "status"
    ),
    "not_payable": Kind(422, "Not payable", "Cannot mark order as paid: it is {about}, not PENDING"),
    "not_shippable": Kind(422, "Not shippable", "Cannot ship order: it is {about}, not PAID"),
    "not_cancelable": Kind(422, "Not cancelable", "Cannot cancel a shipped order"),
    # Refused before the database is asked, or for what it did not find.
    "sku_not_found": Kind(404, "Product not found", "Product with SKU '{sku}' not found"),
    "path_not_found": Kind(404, "Not found", "There is nothing at {about}"),
    "bad_request": Kind(400, "Bad request", "{about}"),
    "malformed_json": Kind(400, "Malformed JSON", "The body is no valid JSON: {about}"),
    "method_not_allowed": Kind(405, "Method not allowed", "{about} is not allowed here"),
    "body_too_large": Kind(413, "Body too large", "The body is larger than 1 MiB"),
    "unsupported_media_type": Kind(
        415, "Unsupported media type", "The body must be application/json; the request says {about}"
    ),
    "invalid_input": Kind(422, "Invalid input", "{about}"),
    # No fault of the request.
    "internal_error": Kind(
        500, "Internal error", "A fault of ours; it was logged with the id of this request"
    ),
    "overloaded": Kind(
        503, "Overloaded", "More is asked for than can be served; try again in {seconds} seconds"
    ),
    "database_unavailable": Kind(
        503, "Database unavailable", "The database does not answer; try again in a second"
    ),
}


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """Raised anywhere, rendered in one place."""

    def __init__(self, code: str, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        #: Seconds, of a 503.
        self.retry_after = 1

    @classmethod
    def of(cls, code: str, **words: object) -> Problem:
        kind = KINDS[code]
        detail = kind.detail.format(**words)
        errors = [FieldError(kind.field, detail)] if kind.status == 422 and kind.field else None
        return cls(code, detail, errors)

    @property
    def status(self) -> int:
        return KINDS[self.code].status

    def body(self) -> bytes:
        kind = KINDS[self.code]
        return encode(
            ProblemBody("about:blank", kind.title, kind.status, self.detail, self.code, self.errors)
        )


def invalid_input(errors: list[FieldError]) -> Problem:
    """A 422 that names every wrong field."""
    return Problem("invalid_input", "; ".join(f"{error.field}: {error.message}" for error in errors), errors)


def accepted(row: Row, **words: object) -> tuple[Any, ...]:
    """What follows the outcome in an answer of the database; raises Problem unless it is `done`."""
    outcome, about, *answer = row
    if outcome != "done":
        raise Problem.of(outcome, about=about, **words)
    return tuple(answer)
