"""Locust's UI as a person uses it: by what stands on the buttons and in the tables."""

from __future__ import annotations

from collections import deque

from playwright.sync_api import Locator, Page, expect

from tests.checkout import wait_until


def figure(page: Page, name: str) -> Locator:
    """A figure in the page's header: Status, Users, Workers, RPS, Failures."""
    return page.get_by_role("banner").get_by_text(name, exact=True).locator("xpath=following-sibling::*[1]")


def start(page: Page, users: int, spawn_rate: int) -> None:
    """Fill in the form and press Start; after an earlier run the form is behind New."""
    new = page.get_by_role("button", name="New", exact=True)
    begin = page.get_by_role("button", name="Start", exact=True)
    expect(new.or_(begin)).to_be_visible()
    if new.is_visible():
        new.click()
    page.get_by_label("Number of users").fill(str(users))
    page.get_by_label("Ramp up").fill(str(spawn_rate))
    begin.click()
    expect(figure(page, "Users")).to_have_text(str(users))


def stop(page: Page) -> None:
    """Press Stop and wait until the page says that the run is over."""
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(figure(page, "Status")).to_have_text("stopped")


def open_tab(page: Page, name: str) -> None:
    """Choose a tab by what stands on it."""
    page.get_by_role("tab", name=name, exact=True).click()


def headline(page: Page) -> Locator:
    """The headline above the table of the Verdict tab, which must be open."""
    return page.locator("caption .stampede-headline")


def requests(page: Page, method: str, name: str) -> int:
    """# Requests in a row of the Statistics tab, which must be open; 0 while there is no such row."""
    for cells in table(page):
        if cells[:2] == [method, name]:
            return int(cells[2])
    return 0


def table(page: Page) -> list[list[str]]:
    """The rows of the open tab's table, without its head: the texts of their cells."""
    # In one call: between two the page may draw the table anew.
    rows: list[list[str]] = page.locator("main tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    )
    return rows


def charts(page: Page) -> list[str]:
    """What each chart of the Charts tab shows, once it has stopped moving; comparable."""
    canvases = page.locator("main canvas")
    expect(canvases).to_have_count(3)
    looks: deque[list[str]] = deque(maxlen=3)

    def at_rest() -> bool:
        looks.append(canvases.evaluate_all("charts => charts.map(chart => chart.toDataURL())"))
        return len(looks) == 3 and looks[0] == looks[1] == looks[2]

    wait_until(at_rest, "charts at rest")
    return looks[-1]
