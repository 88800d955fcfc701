"""The page to log in at: who knows the password is in, who does not reads why. Pictures of it are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import ui
from tests.browser.ui import figure
from tests.checkout import Checkout, wait_until

PICTURES = Path(__file__).resolve().parents[2] / "results" / "screenshots"
ADA = ("UI_USER=ada", "UI_PASSWORD=lovelace")


@pytest.fixture(scope="module")
def cluster(browser: Browser, checkout: Checkout) -> Checkout:  # noqa: ARG001  # first the cheap reason to skip
    """A cluster that asks who one is."""
    up = checkout.make("up", "WORKERS=1", "RUNTIME=local", *ADA)
    assert up.returncode == 0, up.stdout
    return checkout


def log_in(page: Page, password: str) -> None:
    page.get_by_label("Username").fill("ada")
    page.locator("input[type=password]").fill(password)
    page.get_by_role("button", name="Login", exact=True).click()


@pytest.mark.parametrize("width", [1280, 400])
def test_a_session_takes_the_password(browser: Browser, cluster: Checkout, width: int) -> None:
    """The page is all there is before; it fits a telephone."""
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()
    page.goto(cluster.ui_url)
    log_in(page, "byron")
    expect(page.get_by_text("Username or password is wrong.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.screenshot(path=PICTURES / f"login-{width}.png")
    log_in(page, "lovelace")
    expect(figure(page, "Workers")).to_have_text("1")
    context.close()


def test_the_owner_needs_no_password(browser: Browser, cluster: Checkout) -> None:
    """`make login` prints an address that opens the UI."""
    printed = cluster.make("login", "RUNTIME=local")
    assert printed.returncode == 0, printed.stdout
    context = browser.new_context()
    page = context.new_page()
    page.goto(printed.stdout.strip().splitlines()[-1])
    expect(figure(page, "Workers")).to_have_text("1")
    context.close()


def test_a_strange_host_is_refused_where_it_was_typed(browser: Browser, cluster: Checkout) -> None:
    """The form says what to do, and no run has begun."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(cluster.ui_url)
    log_in(page, "lovelace")
    page.get_by_label("Host").fill("http://stranger.test")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("http://stranger.test is not an allowed target")).to_be_visible()
    expect(figure(page, "Status")).to_have_text("ready")
    context.close()


@pytest.mark.long
def test_a_page_that_outlives_its_session_says_so(browser: Browser, cluster: Checkout) -> None:
    """A new master knows nothing of it. Whoever loads the page and logs in again sees the run."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(cluster.ui_url)
    log_in(page, "lovelace")
    ui.start(page, users=2, spawn_rate=2)
    context.clear_cookies()
    expect(figure(page, "Status")).to_have_text("logged out: reload this page")
    page.screenshot(path=PICTURES / "logged-out.png")
    page.reload()
    log_in(page, "lovelace")
    expect(figure(page, "Status")).to_have_text("running")
    ui.stop(page)
    context.close()


def test_pages_open_and_files_download_by_their_addresses(browser: Browser, cluster: Checkout) -> None:
    """Also after a reload, and in a new tab. The cookie, which each port of the host gets, opens nothing."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(cluster.ui_url)
    log_in(page, "lovelace")
    expect(figure(page, "Workers")).to_have_text("1")
    assert "key" not in page.url
    ui.start(page, users=1, spawn_rate=1)
    ui.stop(page)
    ui.open_tab(page, "Download Data")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download requests CSV").click()
    assert download.value.suggested_filename.endswith("_requests.csv")
    expect(figure(page, "Status")).to_have_text("stopped")

    wait_until(lambda: any(cluster.folder.glob("results/2*/verdict.json")), "the run is judged")
    other = context.new_page()
    for _ in range(2):
        other.goto(f"{cluster.ui_url}/stampede/reports")
        expect(other.get_by_role("link", name="report", exact=True).first).to_be_visible()
        assert other.url == f"{cluster.ui_url}/stampede/reports"
        other.reload()
    with other.expect_download() as download:
        other.get_by_role("link", name="all files").first.click()
    assert download.value.suggested_filename.endswith(".tar.gz")
    other.get_by_role("link", name="report", exact=True).first.click()
    expect(other.locator("h2").first).to_be_visible()
    other.reload()
    expect(other.locator("h2").first).to_be_visible()
    assert context.cookies()
    assert context.request.get(f"{cluster.ui_url}/stats/requests").status == 401
    context.close()
