"""A search finds every name with that part, by an index where the part is long enough for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from falcon.testing import TestClient

NAME = "Größe ¾: „Ösen“ & Ringe\\_%"


def found(shop: TestClient, search: str) -> list[str]:
    page = shop.simulate_get("/products/", params={"search": search}).json
    assert page["total"] >= len(page["products"])
    return [product["name"] for product in page["products"]]


def test_every_part_of_a_name_finds_it(shop: TestClient) -> None:
    """Of whatever length and case; the whole of it too, and nothing but what has it."""
    shop.simulate_post("/products/", json={"sku": "OSEN", "name": NAME, "price": 1, "stock": 1})
    for length in (3, 4, len(NAME) - 1, len(NAME)):
        for place in range(len(NAME) - length + 1):
            part = NAME[place : place + length]
            assert NAME in found(shop, part)
            assert NAME in found(shop, part.lower())
    assert found(shop, "„ÖSEN“") == [NAME]
    assert found(shop, NAME + "x") == []


@pytest.mark.parametrize(
    "search", ["o", "ga", "oak", "OAK", "k Lamp 9", "el L", "9", "99", "999", "zzz", "***"]
)
def test_a_search_finds_what_reading_every_name_would(
    shop: TestClient, query: Callable[..., list[Any]], search: str
) -> None:
    """The same, and as many."""
    ((expected,),) = query("SELECT count(*) FROM products WHERE strpos(lower(name), lower(%s)) > 0", search)
    page = shop.simulate_get("/products/", params={"search": search}).json
    assert page["total"] == expected
    assert len(page["products"]) == min(expected, page["per_page"])
    assert all(search.lower() in product["name"].lower() for product in page["products"])


def test_a_product_that_was_renamed_is_found_by_its_new_name(shop: TestClient) -> None:
    """And by its old one no more; nor is one that was deleted."""
    shop.simulate_put("/products/5", json={"name": "Umbrella"})
    assert found(shop, "umbrella") == ["Umbrella"]
    shop.simulate_put("/products/5", json={"name": "Parasol"})
    assert (found(shop, "umbrella"), found(shop, "parasol")) == ([], ["Parasol"])
    shop.simulate_delete("/products/5")
    assert found(shop, "parasol") == []


def test_a_search_does_not_read_every_name(query: Callable[..., list[Any]]) -> None:
    """It would take longer the longer the shop is open."""
    plan = query("EXPLAIN SELECT * FROM list_products(1, 20, 'Laptop 10')")
    assert "Bitmap Index Scan on products_by_name_part" in str(plan)
    assert "Seq Scan on products" not in str(plan)
