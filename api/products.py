"""Products and their stock: decode, one call, encode."""

from __future__ import annotations

import msgspec
from falcon import HTTP_201, HTTP_204, Request, Response

from api.bulk import bulk_result
from api.db import LONG_REQUEST_SECONDS
from api.messages import (
    AdjustedProduct,
    Adjustment,
    BulkResult,
    NewProduct,
    NewProducts,
    Product,
    ProductChange,
    ProductPage,
    ProductQuery,
    encode,
)
from api.openapi import operation
from api.problems import Problem, accepted
from api.reading import optional, read_body, read_id, read_query
from api.resource import DatabaseResource


class Products(DatabaseResource):
    """/products/"""

    @operation(query=ProductQuery, answer=ProductPage)
    def on_get(self, request: Request, response: Response) -> None:
        """List products by id; the filters combine."""
        query = read_query(request, ProductQuery)
        rows = self._database.call(
            "list_products",
            query.page,
            query.per_page,
            optional(query.search),
            optional(query.min_price),
            optional(query.max_price),
            query.in_stock_only,
            optional(query.low_stock_threshold),
        )
        total = rows[0][0]
        products = [Product(*row[1:]) for row in rows if row[1] is not None]
        response.data = encode(
            ProductPage(products, total, query.page, query.per_page, -(-total // query.per_page))
        )

    @operation(body=NewProduct, status=201, answer=Product, refusals=("duplicate_sku",))
    def on_post(self, request: Request, response: Response) -> None:
        """Create a product."""
        product = read_body(request, NewProduct)
        row = self._database.call("create_product", product.sku, product.name, product.price, product.stock)[
            0
        ]
        created = Product(*accepted(row))
        response.status = HTTP_201
        response.location = f"/products/{created.id}"
        response.data = encode(created)


class BulkProducts(DatabaseResource):
    """/products/bulk"""

    @operation(body=NewProducts, answer=BulkResult)
    def on_post(self, request: Request, response: Response) -> None:
        """Create up to 1,000 products in one transaction; those refused are skipped and named."""
        products = read_body(request, NewProducts).products
        lines = msgspec.json.encode(products).decode()
        rows = self._database.call("create_products", lines, seconds=LONG_REQUEST_SECONDS)
        response.data = encode(bulk_result(rows, products))


class ProductBySku(DatabaseResource):
    """/products/sku/{sku}"""

    @operation(answer=Product, refusals=("sku_not_found",))
    def on_get(self, _request: Request, response: Response, sku: str) -> None:
        """A product by its SKU, whatever the case."""
        # PostgreSQL knows no NUL; no SKU holds one.
        rows = [] if "\0" in sku else self._database.call("read_product_by_sku", sku)
        if not rows:
            raise Problem.of("sku_not_found", sku=sku)
        response.data = encode(Product(*rows[0]))


class ProductById(DatabaseResource):
    """/products/{id}"""

    @operation(answer=Product, refusals=("product_not_found",))
    def on_get(self, _request: Request, response: Response, id_: str) -> None:
        """A product."""
        product_id = read_id(id_, "product_not_found")
        rows = self._database.call("read_product", product_id)
        if not rows:
            raise Problem.of("product_not_found", id=product_id)
        response.data = encode(Product(*rows[0]))

    @operation(body=ProductChange, answer=Product, refusals=("product_not_found", "duplicate_sku"))
    def on_put(self, request: Request, response: Response, id_: str) -> None:
        """Change any of the fields; those not sent stay."""
        product_id = read_id(id_, "product_not_found")
        change = read_body(request, ProductChange)
        row = self._database.call(
            "change_product",
            product_id,
            optional(change.sku),
            optional(change.name),
            optional(change.price),
            optional(change.stock),
        )[0]
        response.data = encode(Product(*accepted(row, id=product_id)))

    @operation(status=204, refusals=("product_not_found", "product_in_use"))
    def on_delete(self, _request: Request, response: Response, id_: str) -> None:
        """Delete a product nobody ordered."""
        product_id = read_id(id_, "product_not_found")
        accepted(self._database.call("delete_product", product_id)[0], id=product_id)
        response.status = HTTP_204


class StockAdjustment(DatabaseResource):
    """/products/{id}/stock/adjust"""

    @operation(
        body=Adjustment, answer=AdjustedProduct, refusals=("product_not_found", "stock_limit_exceeded")
    )
    def on_post(self, request: Request, response: Response, id_: str) -> None:
        """Add units or withdraw them; a withdrawal takes no more than there is."""
        product_id = read_id(id_, "product_not_found")
        body = read_body(request, Adjustment)
        row = self._database.call("adjust_stock", product_id, body.adjustment, optional(body.reason))[0]
        adjusted = accepted(row, id=product_id, adjustment=body.adjustment)
        response.data = encode(AdjustedProduct(*adjusted))
