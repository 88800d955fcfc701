"""The pages of the API's documentation, in a browser. They need no database."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from playwright.sync_api import Browser, expect

from api.app import create_app
from api.db import Database


class Quiet(WSGIRequestHandler):
    """Prints no line for each request."""

    def log_message(self, *_arguments: object) -> None: ...


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """The API, whose database is never asked."""
    app = create_app(Database("postgresql://nobody@127.0.0.1:1/none", size=1))
    with make_server("127.0.0.1", 0, app, handler_class=Quiet) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
def test_the_page_shows_the_api(browser: Browser, address: str, path: str) -> None:
    """With the scripts of other projects, and with nothing of another server."""
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
    page.on("response", lambda answer: wrong.append(answer.url) if answer.status >= 400 else None)
    page.on("requestfinished", lambda asked: wrong.append(asked.url) if outside(asked.url, address) else None)
    page.goto(f"{address}{path}")
    expect(page.get_by_text("/orders/bulk").first).to_be_attached()
    page.close()
    assert wrong == []


def outside(url: str, address: str) -> bool:
    return not url.startswith((f"{address}/", "data:", "blob:"))
