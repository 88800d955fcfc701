"""Locust's CSV files of a run, written while it is in progress."""

from __future__ import annotations

import os
import time

from locust import stats
from locust.env import Environment
from locust.stats import CSVWriter, StatsCSVFileWriter

MOST_SHARE = 0.05
"""Share of the master's time for writing the file of all names."""


class LocustCsv(StatsCSVFileWriter):
    """Writes Locust's CSV files each second; with many names, the file of all names less often.

    With 2,000 names, Locust's own class needs a fifth of the master's time.
    """

    def __init__(self, environment: Environment, path: str) -> None:
        super().__init__(environment, stats.PERCENTILES_TO_REPORT, path)
        self._write_again_at = 0.0

    def _requests_data_rows(self, csv_writer: CSVWriter) -> None:
        began = time.monotonic()
        if csv_writer is self.requests_csv_writer and began < self._write_again_at:
            self.requests_csv_filehandle.seek(0, os.SEEK_END)  # Locust cuts the file here: it stays as it is
            return
        super()._requests_data_rows(csv_writer)
        now = time.monotonic()
        self._write_again_at = now + (now - began) / MOST_SHARE
