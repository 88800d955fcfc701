"""A run from the browser: started, watched and stopped by hand. Its pictures are kept.

`UPDATE_SCREENSHOTS=1` makes it a run of 200 users, and the README's picture of it.
"""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser import pictures, ui
from tests.browser.pictures import FOR_THE_README
from tests.checkout import Checkout, wait_until

USERS = 200 if FOR_THE_README else 20
SPAWN_RATE = 10
MANY_ORDERS = 3_000 if FOR_THE_README else 60
"""POST /orders/ until there is something to see: about 50 s of 200 users, or 8 s of 20."""


def test_a_run_is_started_watched_and_stopped_in_the_browser(page: Page, cluster: Checkout) -> None:
    """Start fills the table, the charts and the workers with users; Stop ends it, and it left results."""
    expect(page.get_by_role("heading", name="Start new load test")).to_be_visible()
    expect(ui.figure(page, "Workers")).to_have_text("2")
    ui.start(page, USERS, SPAWN_RATE)

    wait_until(lambda: ui.requests(page, "POST", "/orders/") > 0, "a first order in the table")
    first = ui.requests(page, "POST", "/orders/")
    wait_until(lambda: ui.requests(page, "POST", "/orders/") >= first + MANY_ORDERS, "more orders", 120)
    pictures.keep(page, "statistics")

    ui.open_tab(page, "Workers")
    expect(page.locator("main tbody tr")).to_have_count(2)
    assert [(state, users) for _, state, users, *_ in ui.table(page)] == [("running", str(USERS // 2))] * 2

    ui.open_tab(page, "Charts")
    charts = page.locator("main canvas")
    expect(charts).to_have_count(3)
    before = pixels(page)
    wait_until(lambda: all(now != old for now, old in zip(pixels(page), before, strict=True)), "charts go on")
    pictures.keep(page, "charts")

    ui.stop(page)
    wait_until(lambda: cluster.get("/stampede/run")["phase"] == "done", "the results")
    left = results(page, cluster)
    run = json.loads(left["run.json"])
    assert run["users"] == USERS
    assert run["requests"] > first + MANY_ORDERS
    assert run["failures"] == 0
    assert b"<html" in left["locust.html"]


def test_stop_in_the_browser_loses_no_request(page: Page, cluster: Checkout) -> None:
    """Where the page says stopped, its table has every order that the API has served in the run."""
    before = cluster.orders_served()
    ui.start(page, 40, 40)
    wait_until(lambda: ui.requests(page, "POST", "/orders/") > 100, "100 orders in the table")
    ui.stop(page)
    assert ui.requests(page, "POST", "/orders/") == cluster.orders_served() - before


def pixels(page: Page) -> list[str]:
    """What is drawn in each chart."""
    drawn: list[str] = page.locator("main canvas").evaluate_all("all => all.map(one => one.toDataURL())")
    return drawn


def results(page: Page, cluster: Checkout) -> dict[str, bytes]:
    """The files of the newest run's folder, fetched as a browser would."""
    run_id = cluster.get("/stampede/run")["id"]
    archive = page.request.get(f"{cluster.ui_url}/stampede/results/{run_id}.tar.gz")
    assert archive.ok
    with tarfile.open(fileobj=io.BytesIO(archive.body())) as tar:
        files = {Path(member.name).name: tar.extractfile(member) for member in tar}
        return {name: file.read() for name, file in files.items() if file}
