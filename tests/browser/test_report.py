"""The report as somebody opens it who was sent it: from a file, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from stampede.facts.run_json import write
from stampede.report import compare, files
from tests import runs
from tests.browser.pages import watch
from tests.checkout import PATIENCE, wait_until


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Of a run with a worker whose name would be a script."""
    folder = tmp_path_factory.mktemp("run")
    run = runs.run(errors=[runs.error(error=runs.HOSTILE, sample={"status": 500, "body": runs.HOSTILE})])
    first, second = run.samples.workers.values()
    samples = replace(run.samples, workers={runs.HOSTILE: first, "2-d4e5f6": second})
    write(folder, "run.json", replace(run, samples=samples))
    (folder / "locust.html").touch()
    return files.write(folder, *files.judge(folder)).as_uri()


@pytest.fixture(scope="module", params=[(1280, "light"), (400, "dark")], ids=["wide", "narrow"])
def sent(request: pytest.FixtureRequest, browser: Browser, opened: str) -> Iterator[Page]:
    """The report, offline; nothing may go wrong on it, and nobody be asked."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, offline=True)
    page = context.new_page()
    page.set_default_timeout(PATIENCE * 1000)
    wrong = watch(page, opened.rpartition("/")[0])
    page.goto(opened)
    expect(page.locator(".plot .main-svg").first).to_be_visible()
    yield page
    context.close()
    assert wrong == []


def test_the_header_says_what_was_run(sent: Page) -> None:
    header = sent.locator("header")
    for text in (
        "Correct and valid; no targets were set",
        "http://api:8000",
        "2.3.1",
        "load_tests/locustfile.py (commit 1a2b3c4 + changes)",
        "20261122-210700-beef",
    ):
        expect(header).to_contain_text(text)


def test_it_says_the_verdict_in_words_and_draws_every_chart(sent: Page) -> None:
    expect(sent.get_by_role("heading", level=1)).to_contain_text("PASS")
    plots = sent.locator(".plot")
    assert plots.count() == 14
    assert sent.locator(".plot:has(.main-svg)").count() == plots.count()


def test_it_fits_every_width(sent: Page) -> None:
    """What is wider scrolls by itself."""
    assert sent.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_zoomed_in_one_chart_is_in_all(sent: Page) -> None:
    """One time axis."""
    ranges = "[...document.querySelectorAll('.plot')].map(plot => plot.layout.xaxis.range.join())"
    sent.evaluate(
        "Plotly.relayout('latency', {'xaxis.range': ['2026-11-22 21:07:20', '2026-11-22 21:07:40']})"
    )
    zoomed = f"{ranges}.filter(range => range.includes('21:07:20')).length"
    wait_until(lambda: sent.evaluate(zoomed) == 12, "all charts are zoomed")


def test_a_route_can_be_chosen(sent: Page) -> None:
    """The charts of requests and times then have its lines; all others stay."""
    drawn = "id => document.getElementById(id).data[0].y.filter(Boolean).length"
    first = "id => document.getElementById(id).data[0].y[20]"
    of_all, users = sent.evaluate(first, "throughput"), sent.evaluate(first, "users")
    sent.get_by_label("Route", exact=True).select_option("POST /orders/")
    wait_until(lambda: sent.evaluate(first, "throughput") == of_all // 3, "the requests of the route")
    assert sent.evaluate(drawn, "distribution") == 4
    assert sent.evaluate(first, "users") == users
    expect(sent.locator("figure:has(#latency) .of-route")).to_have_text("of POST /orders/")
    sent.get_by_label("Route", exact=True).select_option("all routes")
    wait_until(lambda: sent.evaluate(first, "throughput") == of_all, "the requests of all routes")


def test_no_table_is_wider_than_a_phone(sent: Page) -> None:
    """There, a row is a block: each cell has the name of its column."""
    sent.set_viewport_size({"width": 400, "height": 800})
    tables = sent.locator(".scroll")
    assert tables.count() > 5
    for table in tables.all():
        assert table.evaluate("table => table.scrollWidth <= table.clientWidth"), table.inner_text()
    label = "cell => getComputedStyle(cell, '::before').content"
    assert sent.locator(".scroll td.number").first.evaluate(label) == '"requests"'


def test_a_comparison_fits_a_phone(browser: Browser, tmp_path: Path) -> None:
    """Nothing of a cell is cut off or stands over another one."""
    for name, users in (("a", 200), ("b", 10)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, "run.json", runs.run(users=users))
    html = tmp_path / "compared.html"
    assert compare.main(str(tmp_path / "a"), str(tmp_path / "b"), force=True, html=html) == 0
    page = browser.new_page(viewport={"width": 400, "height": 800})
    page.goto(html.as_uri())
    cells = page.locator("td:visible")
    assert cells.count() > 100
    assert cells.evaluate_all("cells => cells.every(cell => cell.scrollWidth <= cell.clientWidth)")
    page.close()


def test_no_text_of_the_run_is_run(sent: Page) -> None:
    assert sent.title().startswith("PASS")


def test_it_follows_the_colours_of_the_system(sent: Page) -> None:
    """Charts too."""
    ink = "getComputedStyle(document.querySelector('.xtick text')).fill"
    before = sent.evaluate(ink)
    is_dark = sent.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    sent.emulate_media(color_scheme="light" if is_dark else "dark")
    wait_until(lambda: sent.evaluate(ink) != before, "another ink")
