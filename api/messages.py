"""What goes over the wire: one Struct per body or query. Decoding is validation, and the schemas of the
OpenAPI document are made from here."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

encode = msgspec.json.Encoder(decimal_format="number").encode

LARGEST_ID = 2**63 - 1
#: Of an Idempotency-Key, in characters.
LONGEST_KEY = 200
#: Enough for any catalogue, and far from what overflows when it is multiplied by per_page.
LAST_PAGE = 1_000_000_000_000

Id = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
Sku = Annotated[
    str,
    Meta(min_length=1, max_length=50, pattern="^[A-Za-z0-9_-]+$", description="Stored upper-case, unique."),
]
Name = Annotated[str, Meta(min_length=2, max_length=200)]
#: Decoded as float, since msgspec would take a string for a Decimal too; see `fault_of` for the decimals.
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
#: Exact in the database and in JSON, which knows no Decimal.
Money = Decimal
Timestamp = Annotated[
    str, Meta(description="UTC, to the microsecond.", extra_json_schema={"format": "date-time"})
]


class Input(Struct, forbid_unknown_fields=True):
    """What a client sends. Beyond its types, each field is looked at by `fault_of`."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if fault := fault_of(name, getattr(self, name)):
                raise ValueError(fault)


def fault_of(name: str, value: object) -> str | None:
    """What a type cannot say."""
    match value:
        case str() if "\0" in value:
            return "Must not contain a NUL character"
        # In Python's regular expressions `$` matches before a last line break too.
        case str() if name == "sku" and value.endswith("\n"):
            return "Must consist of letters, digits, - and _"
        # 19.99 is no multiple of 0.01 in binary; also false for NaN.
        case float() if round(value, 2) != value:
            return "Must have at most two decimals"
        case _:
            return None


class NewProduct(Input):
    sku: Sku
    name: Name
    price: Price
    stock: Stock


class ProductChange(Input):
    """Any of the fields; those not sent stay as they are."""

    sku: Sku | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    price: Price | UnsetType = UNSET
    stock: Stock | UnsetType = UNSET


class NewProducts(Input):
    products: Annotated[list[NewProduct], Meta(min_length=1, max_length=1000)]


class Adjustment(Input):
    """A withdrawal is negative; one larger than the stock takes what is there."""

    adjustment: Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
    reason: Annotated[str, Meta(max_length=500)] | UnsetType = UNSET


class NewOrder(Input):
    product_id: Id
    quantity: Quantity


class OrderChange(Input):
    """Either or both; stock follows the quantity."""

    quantity: Quantity | UnsetType = UNSET
    status: Status | UnsetType = UNSET


class NewOrders(Input):
    orders: Annotated[list[NewOrder], Meta(min_length=1, max_length=1000)]


class ProductQuery(Input):
    """The filters combine; `search` is a part of the name, whatever its case."""

    page: Page = 1
    per_page: PerPage = 20
    search: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    min_price: PriceLimit | UnsetType = UNSET
    max_price: PriceLimit | UnsetType = UNSET
    in_stock_only: bool = False
    low_stock_threshold: Annotated[int, Meta(ge=0, le=LARGEST_ID)] | UnsetType = UNSET


class OrderQuery(Input):
    page: Page = 1
    per_page: PerPage = 20
    status: Status | UnsetType = UNSET
    product_id: Id | UnsetType = UNSET


class RecentQuery(Input):
    limit: Annotated[int, Meta(ge=1, le=50)] = 10


class DeletionQuery(Input):
    """Without `force` a deletion is a cancel."""

    force: bool = False


class Product(Struct):
    id: int
    sku: str
    name: str
    price: Money
    stock: int


class AdjustedProduct(Product):
    applied: Annotated[int, Meta(description="What was really added or, negative, taken.")]


class ProductPage(Struct):
    products: list[Product]
    total: int
    page: int
    per_page: int
    total_pages: int


class Order(Struct):
    id: int
    product_id: int
    quantity: int
    status: Status
    created_at: Timestamp


class OrderDetails(Order):
    product: Product
    total_value: Annotated[Money, Meta(description="Unit price when it was placed × quantity.")]


class OrderPage(Struct):
    orders: list[Order]
    total: int
    page: int
    per_page: int
    total_pages: int


class Created(Struct):
    index: int
    id: int


class Failure(Struct):
    """A line of a bulk call that was refused; `index` counts from 0."""

    index: int
    code: str
    message: str
    field: str | None


class BulkResult(Struct):
    success_count: int
    failure_count: int
    created: list[Created]
    failures: list[Failure]


class Confirmation(Struct):
    message: str
    timestamp: Timestamp


class Welcome(Struct):
    message: str
    status: str
    docs: str


class DatabaseHealth(Struct):
    connected: bool
    schema_version: int | None = None


class Health(Struct):
    status: Literal["healthy", "unhealthy"]
    database: DatabaseHealth
    api_version: str


class ProductTotals(Struct):
    total: int
    in_stock: int
    out_of_stock: int
    low_stock_count: Annotated[int, Meta(description="Products with a stock of 10 or less.")]
    total_stock_quantity: Annotated[int, Meta(description="Units of all products.")]
    total_stock_value: Money


class OrderTotals(Struct):
    total: int
    pending: int
    paid: int
    shipped: int
    canceled: int
    total_quantity_ordered: Annotated[int, Meta(description="Units of all orders, canceled ones too.")]


class InventorySummary(Struct):
    products: ProductTotals
    orders: OrderTotals


class OrderSummary(Struct):
    total_orders: int
    status_breakdown: dict[Status, int]
    total_quantity_ordered: int
    total_order_value: Annotated[
        Money, Meta(description="At the prices when they were placed; canceled ones too.")
    ]
    recent_orders: list[Order]


class Summary(Struct):
    inventory: InventorySummary
    orders: OrderSummary


class FieldError(Struct):
    field: str
    message: str


class ProblemBody(Struct, omit_defaults=True):
    """RFC 9457. `detail` is for people, `code` for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldError] | None = None
