"""A browser of this machine, and pages in it that tell what went wrong in them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Response, expect, sync_playwright

from tests.browser import chromium
from tests.checkout import PATIENCE, Checkout, wait_until

WORKERS = 2

expect.set_options(timeout=PATIENCE * 1000)  # as everywhere here; 5 s else, and the page lags by 4


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the system; without one the test is skipped."""
    path = chromium.find()
    if not path:
        pytest.skip(chromium.MISSING)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def cluster(browser: Browser, checkout: Checkout) -> Checkout:  # noqa: ARG001  # first the cheap reason to skip
    """A cluster that is up."""
    up = checkout.make("up", f"WORKERS={WORKERS}", "RUNTIME=local")
    assert up.returncode == 0, up.stdout
    return checkout


@pytest.fixture
def page(browser: Browser, cluster: Checkout) -> Iterator[Page]:
    """The UI, opened when the workers are ready; at the end nothing on the page may have gone wrong."""
    # Between a stop and the next start they are away for a moment; a page told so leaves Start disabled.
    wait_until(lambda: cluster.get("/worker-count")["worker_count"] == WORKERS, "all workers are ready")
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE * 1000)
    wrong = watch(page, cluster.ui_url)
    page.goto(cluster.ui_url)
    yield page
    page.close()
    assert wrong == []


def watch(page: Page, url: str) -> list[str]:
    """What goes wrong on a page from now on; to ask anybody but the master is wrong too."""
    wrong: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((f"{url}/", "data:")):
            wrong.append(f"asked a stranger: {request.url}")

    def answered(response: Response) -> None:
        if response.status >= 400:
            wrong.append(f"{response.status}: {response.url}")

    def said(message: ConsoleMessage) -> None:
        if message.type == "error":
            wrong.append(f"console: {message.text}")

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # by who went to another page
            wrong.append(f"{request.failure}: {request.url}")

    page.on("request", asked)
    page.on("response", answered)
    page.on("console", said)
    page.on("requestfailed", failed)
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
    return wrong
