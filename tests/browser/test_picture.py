"""The README's picture. Made anew with `UPDATE_SCREENSHOTS=1 make browser`; else not collected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import ui
from tests.checkout import Checkout, wait_until

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "ui.png"
HEAVY = {"profile": "heavy", "run_time": "2m"}
LOOKS_ALIVE = 20_000
"""POST /orders/ of the profile heavy: the ramp of 20 s, and 50 s of its window."""


@pytest.fixture(scope="module")
def checkout(checkout: Checkout) -> Checkout:
    """With the API where users have it: the picture shows its address."""
    checkout.api_port = 8000
    return checkout


def test_the_picture_in_the_readme_is_a_heavy_run(page: Page, cluster: Checkout) -> None:
    """A run of 200 users, started as `make headless PROFILE=heavy` does, is watched in the browser."""
    cluster.post("/stampede/run", json.dumps(HEAVY), "application/json")
    wait_until(lambda: bool(cluster.get("/stats/requests")["user_count"]), "a first user")
    page.reload()
    wait_until(lambda: ui.requests(page, "POST", "/orders/") > LOOKS_ALIVE, "a picture worth taking", 110)
    expect(ui.figure(page, "Failures")).to_have_text("0%")
    ui.open_tab(page, "Charts")
    ui.charts(page)
    page.screenshot(path=PICTURE)
    ui.stop(page)
