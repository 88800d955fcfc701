"""Makes the text from the target harmless in what Locust writes: its logs and its CSV files.

Stock Locust writes an exception's message as it is: it may clear a terminal, command a CI, or be a formula.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from locust.stats import StatsCSV, StatsCSVFileWriter

from stampede import harmless


class HarmlessFormatter(logging.Formatter):
    """A formatter whose entries have no commands for terminals and CI. A long entry is cut."""

    def __init__(self, formatter: logging.Formatter | None) -> None:
        super().__init__()
        self._formatter = formatter or logging.Formatter()

    def format(self, record: logging.LogRecord) -> str:
        """Return the entry of a record."""
        return harmless.lines(self._formatter.format(record), harmless.MOST_LOGGED)


def log_harmless_text() -> None:
    """Let all handlers of this process write harmless text."""
    loggers = (logging.getLogger(), *map(logging.getLogger, tuple(logging.root.manager.loggerDict)))
    for handler in {handler for logger in loggers for handler in logger.handlers}:
        if not isinstance(handler.formatter, HarmlessFormatter):
            handler.setFormatter(HarmlessFormatter(handler.formatter))


class HarmlessRows:
    """A writer of CSV rows in which no cell is a formula."""

    def __init__(self, writer: Any) -> None:
        self._writer = writer

    def writerow(self, row: Iterable[object]) -> None:
        """Write a row."""
        self._writer.writerow([harmless.cell(value) for value in row])


def write_harmless_cells() -> None:
    """Let Locust's CSV files, and those that its UI offers, have no formulas."""
    for kind, name in (
        (StatsCSV, "_requests_data_rows"),
        (StatsCSV, "_failures_data_rows"),
        (StatsCSV, "_exceptions_data_rows"),
        (StatsCSVFileWriter, "_stats_history_data_rows"),
    ):
        setattr(kind, name, _with_harmless_rows(getattr(kind, name)))


def _with_harmless_rows(write: Callable[..., None]) -> Callable[..., None]:
    def write_harmless(statistics: StatsCSV, writer: Any, *arguments: Any) -> None:
        write(statistics, HarmlessRows(writer), *arguments)

    return write_harmless
