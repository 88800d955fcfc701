"""A run from the browser: started, watched and stopped by hand. Pictures of it are kept."""

from __future__ import annotations

import io
import json
import re
import tarfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser import ui
from tests.checkout import Checkout, wait_until

PICTURES = Path(__file__).resolve().parents[2] / "results" / "screenshots"


def test_a_run_is_started_watched_and_stopped_in_the_browser(page: Page, cluster: Checkout) -> None:
    """Start fills the table, the charts and the workers; Stop ends the run, and it left results."""
    expect(page.get_by_role("heading", name="Start new load test")).to_be_visible()
    expect(ui.figure(page, "Workers")).to_have_text("2")
    ui.start(page, users=20, spawn_rate=10)

    wait_until(lambda: ui.requests(page, "POST", "/orders/") > 0, "a first order in the table")
    orders = ui.requests(page, "POST", "/orders/")
    wait_until(lambda: ui.requests(page, "POST", "/orders/") > orders, "more orders in the table")
    page.screenshot(path=PICTURES / "statistics.png")

    ui.open_tab(page, "Workers")
    expect(page.locator("main tbody tr")).to_have_count(2)
    assert [(state, users) for _, state, users, *_ in ui.table(page)] == [("running", "10")] * 2
    assert [re.sub("[0-9a-f]{6}$", "", worker) for worker, *_ in ui.table(page)] == ["0-", "1-"]
    page.screenshot(path=PICTURES / "workers.png")

    ui.open_tab(page, "Charts")
    before = ui.charts(page)
    wait_until(
        lambda: all(now != then for now, then in zip(ui.charts(page), before, strict=True)),
        "every chart goes on",
    )
    page.screenshot(path=PICTURES / "charts.png")

    ui.stop(page)
    wait_until(lambda: cluster.get("/stampede/run")["phase"] == "done", "the results")
    left = results(page, cluster)
    run = json.loads(left["run.json"])
    assert run["users"] == 20
    assert run["requests"] > orders
    assert run["failures"] == 0
    assert b"<html" in left["locust.html"]


@pytest.mark.long
def test_stop_in_the_browser_loses_no_request(page: Page, cluster: Checkout) -> None:
    """Where the page says stopped, it shows every order the API served, also in a run that New started."""
    for users in (40, 20):
        before = cluster.orders_served()
        ui.start(page, users, spawn_rate=users)
        wait_until(lambda: ui.requests(page, "POST", "/orders/") > 50, "50 orders in the table")
        ui.stop(page)
        assert ui.requests(page, "POST", "/orders/") == cluster.orders_served() - before
        wait_until(lambda: cluster.get("/stampede/run")["phase"] == "done", "the results")
        assert ui.requests(page, "", "Aggregated") == cluster.run_left_behind()["requests"]


def results(page: Page, cluster: Checkout) -> dict[str, bytes]:
    """The files of the newest run's folder, fetched as a browser would."""
    run_id = cluster.get("/stampede/run")["id"]
    archive = page.request.get(f"{cluster.ui_url}/stampede/results/{run_id}.tar.gz")
    assert archive.ok
    with tarfile.open(fileobj=io.BytesIO(archive.body())) as tar:
        files = {Path(member.name).name: tar.extractfile(member) for member in tar}
        return {name: file.read() for name, file in files.items() if file}
