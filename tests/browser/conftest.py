"""A browser of this machine, and pages in it that tell what went wrong in them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Request, sync_playwright

from tests.checkout import Checkout

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 30_000
"""For whatever must appear on a page: it asks the master every 2 s, which answers from a cache of 2 s."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A Chromium of the system; without one the test is skipped."""
    chromium = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not chromium:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def cluster(browser: Browser, checkout: Checkout) -> Checkout:  # noqa: ARG001  # first the cheap reason to skip
    """A cluster of two workers that is up."""
    up = checkout.make("up", "WORKERS=2", "RUNTIME=local")
    assert up.returncode == 0, up.stdout
    return checkout


@pytest.fixture
def page(browser: Browser, cluster: Checkout) -> Iterator[Page]:
    """The UI's page, opened; at the end nothing in it may have gone wrong."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE_MS)
    wrong = _watch(page, cluster.ui_url)
    page.goto(cluster.ui_url)
    yield page
    page.close()
    assert wrong == []


def _watch(page: Page, url: str) -> list[str]:
    """What goes wrong in a page from now on; it also may ask nobody but the master."""
    wrong: list[str] = []

    def asked(request: Request) -> None:
        if not request.url.startswith((url, "data:")):
            wrong.append(f"asked a stranger: {request.url}")

    page.on("request", asked)
    page.on("requestfailed", lambda request: wrong.append(f"{request.failure}: {request.url}"))
    page.on("response", lambda answer: answer.ok or wrong.append(f"{answer.status}: {answer.url}"))
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
    page.on("console", lambda said: said.type == "error" and wrong.append(f"console: {said.text}"))
    return wrong
