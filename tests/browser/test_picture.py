"""The pictures of the README. Made again with `UPDATE_SCREENSHOTS=1 make browser`; else not collected."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser import ui
from tests.checkout import Checkout, wait_until

DOCS = Path(__file__).resolve().parents[2] / "docs"
LOAD = {"profile": "ci", "run_time": "1m"}
SIZE: ViewportSize = {"width": 1280, "height": 860}


@pytest.fixture(scope="module")
def checkout(checkout: Checkout) -> Checkout:
    """With the API where users have it: the pictures show its address."""
    checkout.api_port = 8000
    return checkout


def test_the_pictures_in_the_readme_are_of_a_run(page: Page, cluster: Checkout) -> None:
    """The Verdict tab and the report, after a run of 50 users."""
    page.set_viewport_size(SIZE)
    cluster.post("/stampede/run", json.dumps(LOAD), "application/json")
    wait_until(lambda: bool(cluster.get("/stats/requests")["user_count"]), "a first user")
    page.reload()
    wait_until(lambda: cluster.get("/stampede/run")["phase"] == "done", "the verdict", 150)
    ui.open_tab(page, "Verdict")
    expect(ui.headline(page)).to_contain_text("Correct, fast and valid")
    expect(ui.figure(page, "Status")).to_have_text("stopped")
    page.screenshot(path=DOCS / "verdict.png")
    page.goto(f"{cluster.ui_url}/stampede/reports/{cluster.get('/stampede/run')['id']}/report.html")
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    page.screenshot(path=DOCS / "report.png")
