"""What static/locust.css and static/locust.js change in Locust's page; checked with the Locust of uv.lock."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser import ui
from tests.browser.pages import watch
from tests.checkout import Checkout, wait_until

NAMES = (
    *("Statistics", "Charts", "Failures", "Exceptions", "Current Ratio", "Download Data", "Logs", "Workers"),
    *("Verdict", "Outcomes", "System", "Events"),
)
SIGNS = {"✓": "pass", "✗": "fail", "?": "unknown", "–": "not-asked"}
COLOURS = {
    "pass": "rgb(21, 128, 61)",
    "near": "rgb(202, 138, 4)",
    "fail": "rgb(220, 38, 38)",
    **dict.fromkeys(("unknown", "not-asked"), "rgb(107, 114, 128)"),
}
CONTRAST = """element => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    context.canvas.width = context.canvas.height = 1;
    const paint = (colour) => { context.fillStyle = colour; context.fillRect(0, 0, 1, 1); };
    const luminance = () => {
        const linear = [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)]
            .map(value => value / 255)
            .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const around = [];
    for (let each = element; each; each = each.parentElement) around.unshift(each);
    for (const each of around) paint(getComputedStyle(each).backgroundColor);
    const paper = luminance();
    paint(getComputedStyle(element).color);
    const [dark, light] = [paper, luminance()].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
}"""
"""The contrast of a text with all that is painted behind it, as WCAG 2 defines it."""
READABLE = 4.5
"""The least contrast that WCAG 2 asks for."""


EXPLANATIONS = {
    ".MuiAutocomplete-root:has(input[name=profile])": "The form's values for them are ignored.",
    ".MuiTextField-root:has(input[name=Rate])": "All users together send at this rate.",
}
"""What is shown below fields of the form: it would not fit into their labels."""


@pytest.fixture
def themed(browser: Browser, cluster: Checkout, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The UI in the theme and width of the test's parameters."""
    theme, width = request.param
    context = browser.new_context(color_scheme=theme, viewport={"width": width, "height": 800})
    page = context.new_page()
    wrong = watch(page, cluster.ui_url)
    page.goto(cluster.ui_url)
    yield page
    context.close()
    assert wrong == []


BOTH = pytest.mark.parametrize("themed", [("light", 1280), ("dark", 400)], indirect=True, ids=str)


def visible_links(page: Page) -> list[str]:
    links: list[str] = page.locator("a:visible").evaluate_all("links => links.map(link => link.href)")
    return links


def open_form(page: Page) -> None:
    """The form to start a run; after an earlier run it is behind New."""
    new = page.get_by_role("button", name="New", exact=True)
    expect(new.or_(page.get_by_role("button", name="Start", exact=True)).first).to_be_visible()
    if new.is_visible():
        new.click()


def run_by_numbers(cluster: Checkout, run_time: str, targets: str) -> str:
    """Start a run as the form does; returns its id when its verdict is there."""
    api = f"http%3A%2F%2F127.0.0.1%3A{cluster.api_port}"
    body = f"user_count=5&spawn_rate=5&run_time={run_time}&host={api}&profile=&Targets={targets}"
    answer = cluster.post("/swarm", body)
    assert answer["success"], answer
    wait_until(lambda: cluster.get("/stampede/run")["phase"] == "done", "the results", 120)
    return str(cluster.get("/stampede/run")["id"])


def test_the_form_shows_each_field_once(page: Page) -> None:
    """At once: nothing has to be opened. Also in the dialog of New."""
    open_form(page)
    for name in ("host", "runTime", "profile", "Rate", "Targets"):
        expect(page.locator(f"form input[name={name}]")).to_have_count(1)
        expect(page.locator(f"form input[name={name}]")).to_be_visible()
    expect(page.locator("form label", has_text="Profile")).to_have_count(1)
    expect(page.locator("form label", has_text="Targets")).to_have_count(1)
    for field, explanation in EXPLANATIONS.items():
        note = page.locator(f"form {field}").evaluate("field => getComputedStyle(field, '::after').content")
        assert explanation in note


@BOTH
def test_no_label_of_the_form_is_cut_off(themed: Page) -> None:
    """A label that does not fit ends in three dots."""
    size = themed.viewport_size
    assert size
    themed.set_viewport_size({"width": 1280, "height": 800})  # below, New is in a menu
    open_form(themed)
    expect(themed.locator("form input[name=Targets]")).to_be_visible()
    themed.set_viewport_size(size)
    labels = themed.locator("form label:visible")
    expect(labels).to_have_count(7)
    for label in labels.all():
        assert label.evaluate("label => label.scrollWidth <= label.clientWidth"), label.inner_text()


def test_no_advertisement_is_shown(page: Page, cluster: Checkout) -> None:
    """Every link of the form leads to this cluster. The one of Locust's is there, and hidden."""
    open_form(page)
    expect(page.locator("form input[name=host]")).to_be_visible()
    assert [link for link in visible_links(page) if not link.startswith(cluster.ui_url)] == []
    expect(page.get_by_text("seamlessly scale")).to_be_hidden()
    expect(page.get_by_text("seamlessly scale")).to_have_count(1)  # else the rule can go


def test_wrong_targets_are_refused_in_the_form(page: Page) -> None:
    """With the parser's message, which points to the mistake."""
    open_form(page)
    page.get_by_label("Targets").fill("p95 << 3")
    page.get_by_role("button", name="Start", exact=True).click()
    message = page.get_by_role("alert").filter(has_text="TARGETS, column 5: '<<': a comparison was expected")
    expect(message).to_be_visible()
    expect(message.locator(".MuiAlert-message")).to_have_css("white-space", "pre-wrap")


def test_targets_of_the_form_are_judged(page: Page, cluster: Checkout) -> None:
    """In a run of the form's own numbers, which has no profile."""
    open_form(page)
    page.get_by_label("Targets").fill("p95 < 1ms, errors < 1%")
    page.get_by_label("Run time").fill("8s")
    ui.start(page, users=5, spawn_rate=5)
    ui.open_tab(page, "Verdict")
    wait_until(lambda: cluster.get("/stampede/run")["phase"] == "done", "the results", 120)
    expect(page.get_by_role("cell", name="p95", exact=True)).to_be_visible()
    run = cluster.run_left_behind()
    assert run["profile"] is None
    assert [(each["target"]["name"], each["target"]["limit"]) for each in run["targets"]] == [
        ("p95", 1.0),
        ("errors", 1.0),
    ]


def test_a_rate_of_the_form_is_sent_and_reported(page: Page, cluster: Checkout) -> None:
    """By users that would send at another rate by their own waits."""
    open_form(page)
    page.get_by_label("Rate").fill("20")
    page.get_by_label("Run time").fill("8s")
    ui.start(page, users=5, spawn_rate=5)
    wait_until(lambda: cluster.get("/stampede/run")["phase"] == "done", "the results", 120)
    pace = cluster.run_left_behind()["pace"]
    assert pace["wanted_rps"] == 20
    assert pace["sent_rps"] == pytest.approx(20, rel=0.3)
    ui.open_tab(page, "Verdict")
    ui.headline(page).get_by_role("link", name="Report").click()
    expect(page.locator("div:has(> dt:text-is('Planned rate')) dd")).to_contain_text("20 requests/s; ")


@BOTH
def test_the_verdict_is_coloured_and_readable(themed: Page, cluster: Checkout) -> None:
    """Each verdict has its sign, its word and its colour; the headline has those of the run."""
    run_by_numbers(cluster, "8s", "p95%20%3C%201ms%2C%20errors%20%3C%2090%25")
    themed.reload()
    ui.open_tab(themed, "Verdict")
    expect(ui.headline(themed)).to_be_visible()
    cells = themed.locator("tbody td[data-verdict]:visible")
    shown = [(cell.inner_text(), cell) for cell in cells.all()]
    assert {"fail", "pass"} <= {mark(cell) for _, cell in shown}
    for text, cell in shown:
        assert mark(cell) in (SIGNS[text[0]], "near")
        assert cell.evaluate("cell => getComputedStyle(cell).borderLeftColor") == COLOURS[mark(cell)]
        assert cell.evaluate(CONTRAST) >= READABLE
    assert ui.headline(themed).evaluate(CONTRAST) >= READABLE
    words = ui.headline(themed).locator("strong").inner_text()
    assert mark(ui.headline(themed)) == SIGNS[words[0]]


def mark(element: Locator) -> str:
    return str(element.get_attribute("data-verdict"))


@BOTH
def test_the_headline_leads_to_the_report(themed: Page, cluster: Checkout) -> None:
    """When the run is over. The headline is that of the report."""
    run_id = run_by_numbers(cluster, "6s", "")
    themed.reload()
    ui.open_tab(themed, "Verdict")
    line = ui.headline(themed).get_by_role("status").inner_text()
    ui.headline(themed).get_by_role("link", name="Report").click()
    expect(themed).to_have_url(f"{cluster.ui_url}/stampede/reports/{run_id}/report.html")
    expect(themed.get_by_text(line).first).to_be_visible()


def test_the_report_is_not_linked_during_the_run(page: Page, cluster: Checkout) -> None:
    """It is written after it."""
    cluster.post("/stampede/run", json.dumps({"profile": "smoke"}), "application/json")
    wait_until(lambda: bool(cluster.get("/stampede/run")["users"]), "a first user")
    page.reload()
    ui.open_tab(page, "Verdict")
    expect(ui.headline(page)).to_contain_text("smoke, ")
    expect(ui.headline(page).get_by_role("link")).to_be_hidden()
    cluster.post("/stop")
    wait_until(lambda: not cluster.get("/stampede/run")["in_progress"], "the results", 120)


@BOTH
def test_all_tabs_fit_into_the_window(themed: Page, cluster: Checkout) -> None:
    """None is cut off or has to be scrolled to, and the chosen one is readable."""
    if cluster.get("/stampede/run")["id"] is None:
        run_by_numbers(cluster, "6s", "")
        themed.reload()
    tabs = themed.get_by_role("tab")
    expect(tabs).to_have_text(NAMES)
    width = themed.evaluate("innerWidth")
    for tab in tabs.all():
        box = tab.bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        assert tab.evaluate("tab => tab.scrollWidth <= tab.clientWidth")
    for name in NAMES:
        ui.open_tab(themed, name)
        chosen = themed.get_by_role("tab", name=name, exact=True)
        expect(chosen).to_have_css("border-bottom-color", "rgb(22, 163, 74)")
        assert chosen.evaluate(CONTRAST) >= READABLE
        assert themed.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("tab", "label"),
    [("Verdict", "Measured"), ("Outcomes", "# Requests"), ("System", "Memory"), ("Events", None)],
)
def test_on_a_phone_each_row_is_a_card(page: Page, cluster: Checkout, tab: str, label: str | None) -> None:
    """Nothing of it has to be scrolled to, and each number has the title of its column."""
    if cluster.get("/stampede/run")["id"] is None:
        run_by_numbers(cluster, "6s", "errors%20%3C%2090%25")
        page.reload()
    ui.open_tab(page, tab)
    expect(page.locator("main table[data-tab] tbody tr:visible").first).to_be_visible()
    page.set_viewport_size({"width": 400, "height": 800})
    expect(page.locator("main thead")).to_be_hidden()
    cells = page.locator("main tbody td:visible")
    assert cells.evaluate_all(
        "cells => cells.every(cell => cell.getBoundingClientRect().right <= innerWidth)"
    )
    assert cells.evaluate_all("cells => cells.every(cell => cell.scrollWidth <= cell.clientWidth)")
    if label:
        labelled = page.locator(f"main tbody td[data-title='{label}']:visible").first
        before = labelled.evaluate("cell => getComputedStyle(cell, '::before').content")
        assert label in before
