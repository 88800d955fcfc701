"""GET /products/{id} and POST /orders/ in FastAPI, with uvicorn and asyncpg.

The same SQL functions as the API's, its limits of the input, and its two metrics.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Any

import asyncpg
from fastapi import FastAPI, Header, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bench.peers.metrics import Metrics


class Product(BaseModel):
    id: int
    sku: str
    name: str
    price: float
    stock: int


class NewOrder(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    product_id: Annotated[int, Field(ge=1, lt=2**63)]
    quantity: Annotated[int, Field(ge=1, le=10_000)]


class Order(BaseModel):
    id: int
    product_id: int
    quantity: int
    status: str
    created_at: datetime


class CountingMiddleware:
    """Pure ASGI: BaseHTTPMiddleware would cost more."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._metrics = Metrics()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = self._metrics.now()
        status = 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        await self._app(scope, receive, send_and_note)
        route = scope.get("route")
        self._metrics.count(scope["method"], route.path if route else "other", status, began)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=8, max_size=8) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=lifespan)
app.add_middleware(CountingMiddleware)


@app.get("/products/{product_id}")
async def read_product(product_id: int, request: Request) -> Product:
    row = await request.app.state.pool.fetchrow("SELECT * FROM read_product($1)", product_id)
    if row is None:
        raise HTTPException(404, f"Product with ID {product_id} not found")
    return Product(**row)


@app.post("/orders/", status_code=201)
async def place_order(
    order: NewOrder,
    request: Request,
    idempotency_key: Annotated[str | None, Header(min_length=1, max_length=200)] = None,
) -> Order:
    row: Any = await request.app.state.pool.fetchrow(
        "SELECT * FROM place_order($1, $2, $3)", order.product_id, order.quantity, idempotency_key
    )
    match row["outcome"]:
        case "done":
            return Order(**row)
        case "product_not_found":
            raise HTTPException(404, f"Product with ID {order.product_id} not found")
        case outcome:
            raise HTTPException(409, f"{outcome}: {row['about']}")
