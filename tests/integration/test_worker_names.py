"""Workers have the same short name in Locust's own tabs and downloads, and in the master's log."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from flask.testing import FlaskClient
from locust.argument_parser import parse_options
from locust.web import WebUI

from stampede.cluster.roster import label_workers_in_logs, with_labels
from stampede.webui import workers
from tests.integration.masters import Master

FIRST, SECOND = f"a.web-1_{'0123456789' * 3}ab", f"web_2_{'f' * 32}"
LABELS = ["0-6789ab", "1-ffffff"]


@pytest.fixture
def master(monkeypatch: pytest.MonkeyPatch) -> Iterator[Master]:
    """With two workers."""
    monkeypatch.setattr("sys.argv", ["locust"])  # Locust looks for its options there
    with closing(Master()) as made:
        made.environment.parsed_options = parse_options([])
        made.hears_ready(FIRST)
        made.hears_ready(SECOND)
        yield made


@pytest.fixture
def page(master: Master) -> FlaskClient:
    ui = WebUI(master.environment, "127.0.0.1", 0, delayed_start=True)
    workers.add(ui, master.runner)
    client: FlaskClient = ui.app.test_client()
    return client


def content(page: FlaskClient, path: str) -> Any:
    """The JSON at a path."""
    return page.get(path).json


def test_the_workers_tab_shows_labels(page: FlaskClient) -> None:
    """Locust itself keeps the ids, which its messages are sent to."""
    rows = content(page, "/stats/requests")["workers"]
    assert [row["id"] for row in rows] == LABELS


def test_the_logs_tab_shows_labels(master: Master, page: FlaskClient) -> None:
    master.environment.worker_logs = {FIRST: ["a line"]}
    assert content(page, "/logs")["workers"] == {LABELS[0]: ["a line"]}


def test_exceptions_are_of_labels(master: Master, page: FlaskClient) -> None:
    master.runner.log_exception(FIRST, "wrong", "line 1")
    assert content(page, "/exceptions")["exceptions"][0]["nodes"] == LABELS[0]
    _, row = csv.reader(io.StringIO(page.get("/exceptions/csv").text))
    assert row[-1] == LABELS[0]


def test_the_masters_log_shows_labels(master: Master, caplog: pytest.LogCaptureFixture) -> None:
    runners = logging.getLogger("locust.runners")
    before = list(runners.filters)
    label_workers_in_logs(master.runner)
    try:
        with caplog.at_level(logging.INFO):
            master.hears(SECOND, "quit")
            runners.info("Discarded report from unrecognized worker %s", SECOND)
    finally:
        runners.filters[:] = before
    assert f"Worker '{LABELS[1]}' (index 1) quit" in caplog.text
    assert f"Discarded report from unrecognized worker {LABELS[1]}" in caplog.text
    assert SECOND not in caplog.text


def test_a_worker_that_the_master_does_not_know_gets_no_index(master: Master) -> None:
    """Else the next worker that joins would get a higher one."""
    assert (
        with_labels(master.runner, f"from host_{'e' * 32}, and {FIRST}.") == f"from eeeeee, and {LABELS[0]}."
    )
    assert len(master.runner.worker_indexes) == 2
