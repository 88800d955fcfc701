"""The OpenAPI document against the contract's routes."""

from __future__ import annotations

from typing import Any

import pytest

from api.app import routes
from api.db import Database
from api.openapi import openapi_document

#: Every request of the contract.
ROUTES = {
    "/": {"get", "head"},
    "/health": {"get", "head"},
    "/summary": {"get", "head"},
    "/metrics": {"get", "head"},
    "/docs": {"get", "head"},
    "/redoc": {"get", "head"},
    "/openapi.json": {"get", "head"},
    "/products/": {"get", "head", "post"},
    "/products/bulk": {"post"},
    "/products/sku/{sku}": {"get", "head"},
    "/products/{id}": {"get", "head", "put", "delete"},
    "/products/{id}/stock/adjust": {"post"},
    "/orders/": {"get", "head", "post"},
    "/orders/bulk": {"post"},
    "/orders/recent": {"get", "head"},
    "/orders/{id}": {"get", "head", "put", "delete"},
    "/orders/{id}/pay": {"post"},
    "/orders/{id}/ship": {"post"},
    "/orders/{id}/cancel": {"post"},
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    resources = routes(Database("postgresql://nowhere", size=1))  # never started
    documented = {path: resource for path, resource in resources.items() if path in ROUTES}
    return openapi_document(documented)


def test_it_has_every_route_of_the_contract_and_no_other(document: dict[str, Any]) -> None:
    """As the contract writes them, HEAD wherever GET is."""
    assert {path: set(methods) for path, methods in document["paths"].items()} == ROUTES


def test_statuses_are_those_of_the_contract(document: dict[str, Any]) -> None:
    """A few rows of it."""
    paths = document["paths"]
    assert set(paths["/orders/"]["post"]["responses"]) == {
        "201",
        "400",
        "404",
        "408",
        "409",
        "413",
        "415",
        "422",
        "503",
    }
    assert set(paths["/orders/{id}/pay"]["post"]["responses"]) == {"200", "404", "422", "503"}
    assert set(paths["/products/{id}"]["delete"]["responses"]) == {"204", "404", "409", "503"}
    assert set(paths["/docs"]["get"]["responses"]) == {"200", "503"}
    assert set(paths["/metrics"]["get"]["responses"]) == {"200"}


def test_overload_is_documented_for_all_but_probes(document: dict[str, Any]) -> None:
    """With the header that says when to come again."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            is_probe = method == "head" or path in ("/health", "/metrics")
            refusal = operation["responses"].get("503", {"description": ""})
            assert ("`overloaded`" in refusal["description"]) != is_probe
            assert is_probe or "Retry-After" in refusal["headers"]


def test_acts_on_an_order_are_described_each_for_itself(document: dict[str, Any]) -> None:
    """One class serves them; what they do and how they refuse is theirs."""
    described = {}
    for act in ("pay", "ship", "cancel"):
        operation = document["paths"][f"/orders/{{id}}/{act}"]["post"]
        described[act] = (operation["summary"], operation["responses"]["422"]["description"])
    assert described == {
        "pay": ("PENDING → PAID.", "`not_payable`"),
        "ship": ("PAID → SHIPPED.", "`not_shippable`"),
        "cancel": (
            "PENDING or PAID → CANCELED; the units return to the stock once, even if this is repeated.",
            "`not_cancelable`",
        ),
    }


def test_a_missing_content_type_is_documented(document: dict[str, Any]) -> None:
    """Wherever there is a body."""
    bodies = [
        operation["requestBody"]
        for methods in document["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    ]
    assert len(bodies) == 7
    assert all("or none, is refused with 415" in body["description"] for body in bodies)


def test_the_idempotency_key_is_documented(document: dict[str, Any]) -> None:
    """For both calls that take it."""
    for path in ("/orders/", "/orders/bulk"):
        parameters = document["paths"][path]["post"]["parameters"]
        assert [(one["name"], one["in"], one["required"]) for one in parameters] == [
            ("Idempotency-Key", "header", False)
        ]


def test_a_price_is_a_number(document: dict[str, Any]) -> None:
    """In what is sent and in what is answered."""
    schemas = document["components"]["schemas"]
    assert schemas["Product"]["properties"]["price"]["type"] == "number"
    assert schemas["NewProduct"]["properties"]["price"]["type"] == "number"
    assert schemas["NewProduct"]["additionalProperties"] is False
