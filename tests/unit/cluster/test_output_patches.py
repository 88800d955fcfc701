"""What the target has written does nothing in Locust's logs and CSV files."""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator

import pytest
from locust.env import Environment
from locust.stats import StatsCSV, StatsCSVFileWriter

from stampede.cluster import output_patches
from tests.hostile import WILD


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What a logger has written, whose handler had a formatter of its own."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    logger = logging.getLogger("answers")
    logger.addHandler(handler)
    formatters = {each: each.formatter for each in (handler, *logging.getLogger().handlers)}
    output_patches.log_harmless_text()
    yield written
    logger.removeHandler(handler)
    for each, formatter in formatters.items():
        each.setFormatter(formatter)


def test_a_log_has_no_commands(logged: io.StringIO) -> None:
    """An exception's message may have lines; its traceback stays readable."""
    try:
        raise ValueError(WILD)
    except ValueError:
        logging.getLogger("answers").exception("failed: %s", WILD)
    lines = logged.getvalue().splitlines()
    assert lines[0].startswith("ERROR: failed: =cmd|")
    assert any(line.startswith("  File ") for line in lines)
    for line in lines:
        assert line.isprintable()
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


def test_an_entry_of_a_log_is_cut(logged: io.StringIO) -> None:
    logging.getLogger("answers").error("x" * 1_000_000)
    assert len(logged.getvalue()) < 30_000


@pytest.mark.usefixtures("logged")
def test_a_handler_is_changed_once() -> None:
    output_patches.log_harmless_text()
    (handler,) = logging.getLogger("answers").handlers
    assert isinstance(handler.formatter, output_patches.HarmlessFormatter)
    assert not isinstance(handler.formatter._formatter, output_patches.HarmlessFormatter)


def test_no_csv_file_has_a_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spreadsheet would run it: in the files of a run, and in those of the UI."""
    for kind, name in (
        (StatsCSV, "_requests_data_rows"),
        (StatsCSV, "_failures_data_rows"),
        (StatsCSV, "_exceptions_data_rows"),
        (StatsCSVFileWriter, "_stats_history_data_rows"),
    ):
        monkeypatch.setattr(kind, name, getattr(kind, name))  # restored after the test
    output_patches.write_harmless_cells()
    environment = Environment()
    environment.create_local_runner()
    environment.stats.log_request("=GET", "=1+1", 5, 5)
    environment.stats.log_error("=GET", "=1+1", "@SUM(A1)")
    environment.runner.log_exception("local", "-1+cmd|' /C calc'!A0", "+traceback")
    written = io.StringIO()
    statistics = StatsCSV(environment, [0.5])
    for write in (statistics.requests_csv, statistics.failures_csv, statistics.exceptions_csv):
        write(csv.writer(written))
    cells = [cell for row in csv.reader(io.StringIO(written.getvalue())) for cell in row]
    assert {"'=GET", "'=1+1", "'@SUM(A1)", "'+traceback"} <= {*cells}
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
