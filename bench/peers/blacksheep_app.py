"""GET /products/{id} and POST /orders/ in BlackSheep, with Granian and asyncpg.

The same SQL functions as the API's, its limits of the input, and its two metrics. JSON is read and written by
msgspec, as in the API: it is faster than BlackSheep's own.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import msgspec
from blacksheep import Application, Content, Request, Response

from bench.peers.metrics import Metrics


class Product(msgspec.Struct):
    id: int
    sku: str
    name: str
    price: float
    stock: int


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    product_id: Annotated[int, msgspec.Meta(ge=1)]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10_000)]


class Order(msgspec.Struct):
    id: int
    product_id: int
    quantity: int
    status: str
    created_at: datetime


app = Application(show_error_details=False)
metrics = Metrics()
encode = msgspec.json.Encoder().encode
read_order = msgspec.json.Decoder(NewOrder).decode
pools: list[Any] = []


@app.lifespan
async def database() -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8) as pool:
        pools.append(pool)
        yield


async def count(request: Request, handler: Callable[[Request], Awaitable[Response]]) -> Response:
    began = metrics.now()
    response = await handler(request)
    route = "/orders/" if request.method == "POST" else "/products/{id}"
    metrics.count(request.method, route, response.status, began)
    return response


app.middlewares.append(count)


@app.router.get("/products/{product_id}")
async def read_product(product_id: int) -> Response:
    row = await pools[0].fetchrow("SELECT * FROM read_product($1)", product_id)
    if row is None:
        return answer(404, {"detail": f"Product with ID {product_id} not found"})
    return answer(200, Product(row[0], row[1], row[2], float(row[3]), row[4]))


@app.router.post("/orders/")
async def place_order(request: Request) -> Response:
    try:
        order = read_order(await request.read() or b"")
    except msgspec.ValidationError as error:
        return answer(422, {"detail": str(error)})
    key = request.get_first_header(b"idempotency-key")
    if key is not None and not 1 <= len(key) <= 200:
        return answer(422, {"detail": "Idempotency-Key"})
    row = await pools[0].fetchrow(
        "SELECT * FROM place_order($1, $2, $3)",
        order.product_id,
        order.quantity,
        key and key.decode("latin-1"),
    )
    match row["outcome"]:
        case "done":
            return answer(201, Order(row[2], row[3], row[4], row[5], row[6]))
        case "product_not_found":
            return answer(404, {"detail": f"Product with ID {order.product_id} not found"})
        case outcome:
            return answer(409, {"detail": f"{outcome}: {row['about']}"})


def answer(status: int, content: object) -> Response:
    return Response(status, content=Content(b"application/json", encode(content)))
