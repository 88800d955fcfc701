"""The messages of the HTTP API: one Struct for each body or query. Decoding a message validates it.

The schemas of the OpenAPI document are made from these types, with the docstrings as descriptions.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

encode = msgspec.json.Encoder(decimal_format="number").encode

LARGEST_ID = 2**63 - 1
#: The longest Idempotency-Key, in characters.
LONGEST_KEY = 200
#: More than any catalogue needs; multiplied by per_page it still fits into a bigint of PostgreSQL.
LAST_PAGE = 1_000_000_000_000

Id = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
Sku = Annotated[
    str,
    Meta(
        min_length=1, max_length=50, pattern="^[A-Za-z0-9_-]+$", description="Unique; stored in upper case."
    ),
]
Name = Annotated[str, Meta(min_length=2, max_length=200)]
#: Decoded as float: for a Decimal, msgspec would also accept a string. `fault_of` checks the decimals.
Price = Annotated[
    float,
    Meta(
        gt=0, le=9_999_999_999.99, description="At most two decimals.", extra_json_schema={"multipleOf": 0.01}
    ),
]
PriceLimit = Annotated[
    float,
    Meta(
        ge=0, le=9_999_999_999.99, description="At most two decimals.", extra_json_schema={"multipleOf": 0.01}
    ),
]
Stock = Annotated[int, Meta(ge=0, le=1_000_000)]
Quantity = Annotated[int, Meta(ge=1, le=10_000)]
Status = Literal["PENDING", "PAID", "SHIPPED", "CANCELED"]
Page = Annotated[int, Meta(ge=1, le=LAST_PAGE)]
PerPage = Annotated[int, Meta(ge=1, le=100)]
#: Exact in the database, and encoded as a JSON number.
Money = Decimal
Timestamp = Annotated[
    str, Meta(description="UTC, to the microsecond.", extra_json_schema={"format": "date-time"})
]


class Input(Struct, forbid_unknown_fields=True):
    """The base of all messages from clients."""


class CheckedInput(Input):
    """The base of messages with texts or prices; `fault_of` checks what the fields' types cannot express."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if fault := fault_of(name, getattr(self, name)):
                raise ValueError(fault)


def fault_of(name: str, value: object) -> str | None:
    """Return the fault of a field that its type cannot express, or None."""
    match value:
        case str() if "\0" in value:
            return "Must not contain a NUL character"
        # In Python's regular expressions `$` matches before a last line break too.
        case str() if name == "sku" and value.endswith("\n"):
            return "Must consist of letters, digits, - and _"
        # Not `% 0.01`: 19.99 is no multiple of 0.01 in binary. NaN is rejected too: it is unequal to itself.
        case float() if round(value, 2) != value:
            return "Must have at most two decimals"
        case _:
            return None


class NewProduct(CheckedInput):
    """A product to create."""

    sku: Sku
    name: Name
    price: Price
    stock: Stock


class ProductChange(CheckedInput):
    """The fields to change; a field that is not sent keeps its value."""

    sku: Sku | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    stock: Stock | UnsetType = UNSET


class NewProducts(Input):
    """Products to create in one call."""

    products: Annotated[list[NewProduct], Meta(min_length=1, max_length=1000)]


class Adjustment(CheckedInput):
    """A change of the stock: negative for a withdrawal, which takes at most the units in stock."""

    adjustment: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
    reason: Annotated[str, Meta(max_length=500)] | UnsetType = UNSET


class NewOrder(Input):
    """An order to place."""

    product_id: Id
    quantity: Quantity


class OrderChange(Input):
    """A new quantity, a new status, or both; the stock follows the quantity."""

    quantity: Quantity | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class NewOrders(Input):
    """Orders to place in one call."""

    orders: Annotated[list[NewOrder], Meta(min_length=1, max_length=1000)]


class ProductQuery(CheckedInput):
    """A page of products; filters combine, and `search` matches a part of the name, ignoring case."""

    page: Page = 1
    per_page: PerPage = 20
    search: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    min_price: PriceLimit | UnsetType = UNSET
    max_price: PriceLimit | UnsetType = UNSET
    in_stock_only: bool = False
    low_stock_threshold: Annotated[int, Meta(ge=0, le=LARGEST_ID)] | UnsetType = UNSET


class OrderQuery(Input):
    """A page of orders; filters combine."""

    page: Page = 1
    per_page: PerPage = 20
    status: Status | UnsetType = UNSET
    product_id: Id | UnsetType = UNSET


class RecentQuery(Input):
    """How many of the newest orders to list."""

    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class DeletionQuery(Input):
    """The way an order is deleted: without `force` it is canceled, and its row stays."""

    force: bool = False


class Product(Struct):
    """A product and its stock, in units."""

    id: int
    sku: str
    name: str
    price: Money
    stock: int


class AdjustedProduct(Product):
    """A product after its stock was adjusted."""

    applied: Annotated[int, Meta(description="Units added; negative for units taken.")]


class ProductPage(Struct):
    """One page of a list of products; `total` counts the products on all pages."""

    products: list[Product]
    total: int
    page: int
    per_page: int
    total_pages: int


class Order(Struct):
    """An order of one product."""

    id: int
    product_id: int
    quantity: int
    status: Status
    created_at: Timestamp


class OrderDetails(Order):
    """An order with its product."""

    product: Product
    total_value: Annotated[Money, Meta(description="Quantity × unit price at the time of the order.")]


class OrderPage(Struct):
    """One page of a list of orders; `total` counts the orders on all pages."""

    orders: list[Order]
    total: int
    page: int
    per_page: int
    total_pages: int


class Created(Struct):
    """A line of a bulk call that was accepted; `index` counts from 0, `id` is the new id."""

    index: int
    id: int


class Failure(Struct):
    """A line of a bulk call that was refused; `index` counts from 0."""

    index: int
    code: str
    message: str
    field: str | None


class BulkResult(Struct):
    """The result of a bulk call, line by line."""

    success_count: int
    failure_count: int
    created: list[Created]
    failures: list[Failure]


class Confirmation(Struct):
    """The confirmation that an order was canceled or deleted."""

    message: str
    timestamp: Timestamp


class Welcome(Struct):
    """The name of the API, its status and the path of its documentation."""

    message: str
    status: str
    docs: str


class DatabaseHealth(Struct):
    """Whether the database answers, and the version of its schema."""

    connected: bool
    schema_version: int | None = None


class Health(Struct):
    """Whether the API can serve requests."""

    status: Literal["healthy", "unhealthy"]
    database: DatabaseHealth
    api_version: str


class ProductTotals(Struct):
    """Totals of all products."""

    total: int
    in_stock: int
    out_of_stock: int
    low_stock_count: Annotated[int, Meta(description="Products with a stock of 10 or less.")]
    total_stock_quantity: Annotated[int, Meta(description="Units of all products.")]
    total_stock_value: Money


class OrderTotals(Struct):
    """Totals of all orders."""

    total: int
    pending: int
    paid: int
    shipped: int
    canceled: int
    total_quantity_ordered: Annotated[int, Meta(description="Units of all orders, including canceled ones.")]


class InventorySummary(Struct):
    """The totals of the shop."""

    products: ProductTotals
    orders: OrderTotals


class OrderSummary(Struct):
    """The orders by status, their value, and the newest ones."""

    total_orders: int
    status_breakdown: dict[Status, int]
    total_quantity_ordered: int
    total_order_value: Annotated[
        Money, Meta(description="At the prices at the time of each order, including canceled ones.")
    ]
    recent_orders: list[Order]


class Summary(Struct):
    """A summary of the shop, from one snapshot of the database."""

    inventory: InventorySummary
    orders: OrderSummary


class FieldError(Struct):
    """A field of the request and what is wrong with it."""

    field: str
    message: str


class ProblemBody(Struct, omit_defaults=True):
    """A refusal (RFC 9457): `detail` is text for people, `code` is for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError] | None = None
