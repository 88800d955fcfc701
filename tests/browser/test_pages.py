"""Our tabs in Locust's page, our own pages, and a profile chosen in the form. Pictures of each are kept.

At 400 px Locust's page lets its tables scroll, and folds its header: that is Locust's. Our own pages fit.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.browser import ui
from tests.checkout import Checkout, wait_until

PICTURES = Path(__file__).resolve().parents[2] / "results" / "screenshots"
WIDE: ViewportSize = {"width": 1280, "height": 800}
NARROW: ViewportSize = {"width": 400, "height": 800}
BRIEF = """
[brief]
users = 10
spawn_rate = 10
run_time = "20s"
pace = 150
"""
"""Long enough to be seen running by a page that is 4 s behind, where the machine is slow too."""


@pytest.fixture(scope="module")
def checkout(checkout: Checkout) -> Checkout:
    """With a profile that is over soon."""
    with (checkout.folder / "load_tests" / "profiles.toml").open("a") as profiles:
        profiles.write(BRIEF)
    return checkout


@pytest.fixture
def run_id(cluster: Checkout) -> str:
    """A run that is over: the newest, whoever started it."""
    if cluster.get("/stampede/run")["id"] is None:
        begin(cluster, "8s")
    wait_until(lambda: cluster.get("/stampede/run")["phase"] == "done", "the results")
    return str(cluster.get("/stampede/run")["id"])


def begin(cluster: Checkout, run_time: str) -> str:
    """Start a run, as the console does; returns its id when its first user is there."""
    wanted = {"profile": "brief", "run_time": run_time}
    cluster.post("/stampede/run", json.dumps(wanted), "application/json")
    wait_until(lambda: bool(cluster.get("/stampede/run")["users"]), "a first user")
    return str(cluster.get("/stampede/run")["id"])


def picture(page: Page, name: str) -> None:
    """Keep one of each width."""
    for width, size in (("", WIDE), ("-400", NARROW)):
        page.set_viewport_size(size)
        page.wait_for_timeout(300)  # a picture taken while it moves shows nothing; no test hangs on it
        page.screenshot(path=PICTURES / f"{name}{width}.png")
    page.set_viewport_size(WIDE)


def fits(page: Page) -> bool:
    """Whether nothing of the page is wider than the window."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.long
def test_a_profile_chosen_in_the_form_is_carried_out_to_its_verdict(page: Page, cluster: Checkout) -> None:
    """Whatever the numbers of the form are; the page gets the verdict without being loaded again."""
    page.get_by_label("Number of users").fill("3")
    page.get_by_role("combobox", name="Profile").fill("brief")
    page.get_by_role("option", name="brief", exact=True).click()
    picture(page, "form")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(ui.figure(page, "Users")).to_have_text("10")
    ui.open_tab(page, "Verdict")
    expect(page.get_by_role("cell", name="… running").first).to_be_visible()
    assert cluster.get("/stampede/run")["verdicts"]["correct"] == "running"
    picture(page, "verdict-running")

    expect(ui.headline(page)).to_contain_text("brief, done, exit code")
    expect(ui.figure(page, "Status")).to_have_text("stopped")
    picture(page, "verdict")
    run, verdicts = cluster.run_left_behind(), cluster.get("/stampede/run")["verdicts"]
    assert (run["profile"], run["users"], run["as_planned"]) == ("brief", 10, True)
    words = [" ".join(row[0].split()) for row in ui.table(page)[1:4]]
    shown = [each.replace("not asked", "NOT_ASKED").split()[-1] for each in words]
    assert shown == [verdicts[part] for part in ("correct", "fast", "valid")]


def test_a_profile_that_cannot_begin_is_refused_in_the_form(page: Page, cluster: Checkout) -> None:
    """With the reason, where Locust says its own."""
    answer = page.request.post(
        f"{cluster.ui_url}/swarm", form={"user_count": "1", "spawn_rate": "1", "profile": "heavier"}
    ).json()
    assert answer["success"] is False
    assert "there is no profile 'heavier': choose one of smoke," in answer["message"]


@pytest.mark.parametrize("tab", ["Verdict", "Outcomes", "System", "Events"])
def test_a_tab_shows_the_newest_run(run_id: str, page: Page, cluster: Checkout, tab: str) -> None:
    """Also when the page is loaded after its end."""
    ui.open_tab(page, tab)
    if tab == "Verdict":
        expect(ui.headline(page)).to_contain_text(run_id)
    if tab == "Outcomes":
        expect(page.get_by_role("cell", name="GET /summary", exact=True)).to_have_count(1)
    if tab == "System":
        expect(page.get_by_role("cell", name="PostgreSQL", exact=True)).to_be_visible()
    if tab == "Events":
        rows = {each["key"]: each["data"] for each in cluster.get("/stats/requests")["extended_stats"]}
        newest = rows["events"][0]["event"]  # "none" where nothing has happened
        expect(page.get_by_role("cell", name=newest, exact=True).first).to_be_visible()
    picture(page, f"tab-{tab.lower()}")


def test_the_charts_go_on_while_a_run_does(page: Page, cluster: Checkout) -> None:
    """In either theme, on a small screen too, and drawn by what comes from the master."""
    run_id = begin(cluster, "60s")
    page.goto(f"{cluster.ui_url}/stampede/charts")
    expect(page.get_by_role("status")).to_contain_text(f"{run_id}, brief: ")
    points = "document.querySelector('#throughput .js-plotly-plot').data[0].y.length"
    expect(page.locator("#throughput .js-plotly-plot")).to_be_visible()
    before = page.evaluate(points)
    wait_until(lambda: page.evaluate(points) > before, "more of the chart")
    for theme, size in (("light", WIDE), ("dark", NARROW)):
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size(size)
        wait_until(lambda: fits(page), "the charts in their new size")
        page.screenshot(path=PICTURES / f"live-{theme}.png", full_page=True)
    cluster.post("/stop")


def test_every_run_is_listed_with_its_report(cluster: Checkout, run_id: str, page: Page) -> None:
    """From Locust's page, in two clicks."""
    ui.open_tab(page, "Download Data")
    page.get_by_role("link", name="Reports of all runs").click()
    row = page.locator(f"[id='{run_id}']")
    expect(row).to_contain_text("brief")
    page.set_viewport_size(NARROW)
    assert fits(page)
    picture(page, "reports")
    links = row.get_by_role("link").all()
    assert len(links) == 5
    for link in links:
        assert page.request.get(f"{cluster.ui_url}{link.get_attribute('href')}").ok
