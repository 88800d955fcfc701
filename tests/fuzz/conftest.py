"""Fuzz tests: databases and APIs as in tests/integration, and a summary of the cases that were tried."""

from __future__ import annotations

import pytest

from tests.fuzz.cases import tried
from tests.integration.conftest import api, database, postgres_server, start_api  # noqa: F401


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many cases were tried."""
    if tried:
        terminalreporter.section("cases that were tried")
    for reader, count in sorted(tried.items()):
        terminalreporter.write_line(f"{count:8,}  {reader}")
