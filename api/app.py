"""The WSGI application: its routes, and how errors are answered. It reads no environment and no globals."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import falcon
from falcon import App, Request, Response

from api import documentation, monitoring, orders, products
from api.admission import RefusalMiddleware
from api.db import Database, DatabaseUnavailableError
from api.metrics import CountingMiddleware, Metrics
from api.openapi import openapi_document
from api.problems import Problem
from api.request_id import RequestIdMiddleware
from api.resource import Resource, allowed_methods

logger = logging.getLogger("api")

ErrorHandler = Callable[[Request, Response, Any, dict[str, Any]], None]


def create_app(database: Database) -> App[Request, Response]:
    """Return the WSGI application; the database must be started."""
    paths = routes(database)
    app = App()
    app.add_middleware(CountingMiddleware({template_of(path): path for path in paths}))
    app.add_middleware(RequestIdMiddleware())
    app.add_middleware(RefusalMiddleware(database))
    app.req_options.strip_url_path_trailing_slash = True
    for path, resource in paths.items():
        app.add_route(template_of(path), resource)
    app.add_error_handler(Exception, report_fault)
    app.add_error_handler(falcon.HTTPError, http_error_handler(paths))
    app.add_error_handler(DatabaseUnavailableError, report_unavailable)
    app.add_error_handler(Problem, answer_problem)
    return app


def routes(database: Database) -> dict[str, Resource]:
    """Return the resources by path, as the contract writes the paths.

    A path also works with the slash at its end added or left out.
    """
    paths: dict[str, Resource] = {
        "/products/": products.Products(database),
        "/products/bulk": products.BulkProducts(database),
        "/products/sku/{sku}": products.ProductBySku(database),
        "/products/{id}": products.ProductById(database),
        "/products/{id}/stock/adjust": products.StockAdjustment(database),
        "/orders/": orders.Orders(database),
        "/orders/bulk": orders.BulkOrders(database),
        "/orders/recent": orders.RecentOrders(database),
        "/orders/{id}": orders.OrderById(database),
        "/orders/{id}/pay": orders.OrderAct(database, "pay_order"),
        "/orders/{id}/ship": orders.OrderAct(database, "ship_order"),
        "/orders/{id}/cancel": orders.OrderAct(database, "cancel_order"),
        "/": monitoring.Root(),
        "/health": monitoring.HealthCheck(database),
        "/summary": monitoring.ShopSummary(database),
        "/metrics": Metrics(),
        "/docs": documentation.Page("swagger.html"),
        "/docs/{name}": documentation.Asset(),
        "/redoc": documentation.Page("redoc.html"),
    }
    paths["/openapi.json"] = documentation.OpenApi(openapi_document(paths))
    return paths


def template_of(path: str) -> str:
    """Return a path of the contract as Falcon's router needs it.

    Falcon removes the slash at a path's end before it matches the path. It passes the path's parts as keyword
    arguments, and `id` would shadow a builtin.
    """
    return path.replace("{id}", "{id_}").rstrip("/") or "/"


def answer_problem(_request: Request, response: Response, problem: Problem, _path: dict[str, Any]) -> None:
    """Answer with the problem as application/problem+json."""
    response.status = falcon.code_to_http_status(problem.status)
    response.content_type = "application/problem+json"
    response.data = problem.body()
    if problem.status == 503:
        response.retry_after = problem.retry_after


def report_unavailable(
    request: Request, response: Response, error: DatabaseUnavailableError, path: dict[str, Any]
) -> None:
    """Answer that the database is unavailable, and log the cause."""
    # An error without a cause was raised at once, because the database was away: db.py has logged that.
    if error.__cause__ is not None:
        logger.warning("%s", error, extra={"request_id": request.context.id, "request": describe(request)})
    answer_problem(request, response, Problem.of("database_unavailable"), path)


def http_error_handler(paths: dict[str, Resource]) -> ErrorHandler:
    """Return the handler for Falcon's own errors, such as an unknown path or a wrong method.

    Falcon answers an unknown method with 400; the handler answers 405, as for any other wrong method.
    """
    allowed = {template_of(path): ", ".join(allowed_methods(resource)) for path, resource in paths.items()}

    def answer(request: Request, response: Response, error: falcon.HTTPError, path: dict[str, Any]) -> None:
        if isinstance(error, falcon.HTTPNotFound):
            problem = Problem.of("path_not_found", about=request.path)
        elif isinstance(error, falcon.HTTPMethodNotAllowed) or request.method not in falcon.HTTP_METHODS:
            problem = Problem.of("method_not_allowed", about=request.method)
            response.set_header("Allow", allowed.get(request.uri_template or "", ""))
        else:
            problem = Problem.of("bad_request", about=error.description or error.title)
        answer_problem(request, response, problem, path)

    return answer


def report_fault(request: Request, response: Response, error: Exception, path: dict[str, Any]) -> None:
    """Log an error that no other handler covers, with its traceback, and answer with 500."""
    logger.error(
        "%s", error, exc_info=error, extra={"request_id": request.context.id, "request": describe(request)}
    )
    answer_problem(request, response, Problem.of("internal_error"), path)


def describe(request: Request) -> str:
    """Return the method and the path, for the log."""
    return f"{request.method} {request.path}"
