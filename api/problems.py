"""The refusals of the API, in one table, and their form as problem+json (RFC 9457)."""

from __future__ import annotations

from typing import Any, NamedTuple

from api.connection import Row
from api.messages import FieldError, ProblemBody, encode


class Kind(NamedTuple):
    """A kind of refusal.

    `detail` is a template for values of the request, and for `about`, which the database returns (the stock,
    the status, the SKU). `field` is the wrong field, if there is one.
    """

    status: int
    title: str
    detail: str
    field: str | None = None


#: The kinds by code; codes do not change.
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
    # Refused by the API itself, most of them before it calls the database.
    "sku_not_found": Kind(404, "Product not found", "Product with SKU '{sku}' not found"),
    "path_not_found": Kind(404, "Not found", "There is no resource at {about}"),
    "bad_request": Kind(400, "Bad request", "{about}"),
    "malformed_json": Kind(400, "Malformed JSON", "The body is not valid JSON: {about}"),
    "method_not_allowed": Kind(405, "Method not allowed", "{about} is not allowed for this path"),
    "body_late": Kind(408, "Body late", "The body did not come in time: send it within {seconds} seconds"),
    "body_too_large": Kind(413, "Body too large", "The body is larger than 1 MiB"),
    "unsupported_media_type": Kind(
        415, "Unsupported media type", "The Content-Type must be application/json, got {about}"
    ),
    "invalid_input": Kind(422, "Invalid input", "{about}"),
    # Not the fault of the request.
    "internal_error": Kind(
        500, "Internal error", "The API failed; the error is in its log with the X-Request-ID of this answer"
    ),
    "overloaded": Kind(
        503, "Overloaded", "The API receives more than it can serve; try again in {seconds} seconds"
    ),
    "database_unavailable": Kind(
        503, "Database unavailable", "The database does not answer; try again in a second"
    ),
}


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """A refusal: any code may raise it, `app.answer_problem` answers with it."""

    def __init__(self, code: str, detail: str, errors: list[FieldError] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.errors = errors
        #: Seconds until the client may retry; only a 503 sends them.
        self.retry_after = 1

    @classmethod
    def of(cls, code: str, **words: object) -> Problem:
        """Return the problem with the detail of its kind, filled with the words."""
        kind = KINDS[code]
        detail = kind.detail.format(**words)
        errors = [FieldError(kind.field, detail)] if kind.status == 422 and kind.field else None
        return cls(code, detail, errors)

    @property
    def status(self) -> int:
        """The HTTP status."""
        return KINDS[self.code].status

    def body(self) -> bytes:
        """Return the body as JSON."""
        kind = KINDS[self.code]
        return encode(
            ProblemBody("about:blank", kind.title, kind.status, self.detail, self.code, self.errors)
        )


def invalid_input(errors: list[FieldError]) -> Problem:
    """Return a 422 that lists every wrong field."""
    return Problem("invalid_input", "; ".join(f"{error.field}: {error.message}" for error in errors), errors)


def accepted(row: Row, **words: object) -> tuple[Any, ...]:
    """Return the columns of the answer; raise Problem unless the row's outcome is `done`.

    `words` fill the detail of the problem.
    """
    outcome, about, *answer = row
    if outcome != "done":
        raise Problem.of(outcome, about=about, **words)
    return tuple(answer)
