"""Products and their stock: each handler decodes the request, makes one call and encodes the answer."""

from __future__ import annotations

import msgspec
from falcon import HTTP_201, HTTP_204, Request, Response
from msgspec import UNSET

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
from api.reading import none_if_unset, read_body, read_id, read_query
from api.resource import DatabaseResource


class Products(DatabaseResource):
    """The resource at /products/."""

    @operation(query=ProductQuery, answer=ProductPage)
    def on_get(self, request: Request, response: Response) -> None:
        """List products by id; the filters combine."""
        query = read_query(request, ProductQuery)
        rows = self._database.call(
            "list_products",
            query.page,
            query.per_page,
            none_if_unset(query.search),
            none_if_unset(query.min_price),
            none_if_unset(query.max_price),
            query.in_stock_only,
            none_if_unset(query.low_stock_threshold),
            # The index serves a search text of three characters or more only.
            is_prepared=query.search is UNSET,
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
    """The resource at /products/bulk."""

    @operation(body=NewProducts, answer=BulkResult)
    def on_post(self, request: Request, response: Response) -> None:
        """Create up to 1,000 products in one transaction; refused ones are skipped and listed."""
        products = read_body(request, NewProducts).products
        lines = msgspec.json.encode(products).decode()
        rows = self._database.call("create_products", lines, seconds=LONG_REQUEST_SECONDS)
        response.data = encode(bulk_result(rows, products))


class ProductBySku(DatabaseResource):
    """The resource at /products/sku/{sku}."""

    @operation(answer=Product, refusals=("sku_not_found",))
    def on_get(self, _request: Request, response: Response, sku: str) -> None:
        """Return a product by its SKU, ignoring case."""
        # PostgreSQL rejects a NUL in text; no SKU contains one.
        rows = [] if "\0" in sku else self._database.call("read_product_by_sku", sku)
        if not rows:
            raise Problem.of("sku_not_found", sku=sku)
        response.data = encode(Product(*rows[0]))


class ProductById(DatabaseResource):
    """The resource at /products/{id}."""

    @operation(answer=Product, refusals=("product_not_found",))
    def on_get(self, _request: Request, response: Response, id_: str) -> None:
        """Return a product."""
        product_id = read_id(id_, "product_not_found")
        rows = self._database.call("read_product", product_id)
        if not rows:
            raise Problem.of("product_not_found", id=product_id)
        response.data = encode(Product(*rows[0]))

    @operation(body=ProductChange, answer=Product, refusals=("product_not_found", "duplicate_sku"))
    def on_put(self, request: Request, response: Response, id_: str) -> None:
        """Change some fields of a product; fields that are not sent keep their values."""
        product_id = read_id(id_, "product_not_found")
        change = read_body(request, ProductChange)
        row = self._database.call(
            "change_product",
            product_id,
            none_if_unset(change.sku),
            none_if_unset(change.name),
            none_if_unset(change.price),
            none_if_unset(change.stock),
        )[0]
        response.data = encode(Product(*accepted(row, id=product_id)))

    @operation(status=204, refusals=("product_not_found", "product_in_use"))
    def on_delete(self, _request: Request, response: Response, id_: str) -> None:
        """Delete a product without orders."""
        product_id = read_id(id_, "product_not_found")
        accepted(self._database.call("delete_product", product_id)[0], id=product_id)
        response.status = HTTP_204


class StockAdjustment(DatabaseResource):
    """The resource at /products/{id}/stock/adjust."""

    @operation(
        body=Adjustment, answer=AdjustedProduct, refusals=("product_not_found", "stock_limit_exceeded")
    )
    def on_post(self, request: Request, response: Response, id_: str) -> None:
        """Add units or withdraw them; a withdrawal takes at most the units in stock."""
        product_id = read_id(id_, "product_not_found")
        body = read_body(request, Adjustment)
        row = self._database.call("adjust_stock", product_id, body.adjustment, none_if_unset(body.reason))[0]
        adjusted = accepted(row, id=product_id, adjustment=body.adjustment)
        response.data = encode(AdjustedProduct(*adjusted))
