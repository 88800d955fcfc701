"""What a run leaves behind: ``results/<run-id>/``, and the link ``results/latest`` to the newest."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import gevent
from locust.env import Environment
from locust.html import get_html_report
from locust.stats import PERCENTILES_TO_REPORT, StatsCSVFileWriter


class RunFolder:
    """The folder of one run: Locust's own files while it goes on, ``run.json`` when it has ended."""

    def __init__(self, results: Path, run_id: str, environment: Environment) -> None:
        self.path = results / run_id
        self.path.mkdir(parents=True)
        self._environment = environment
        self._csv = StatsCSVFileWriter(environment, PERCENTILES_TO_REPORT, str(self.path / "locust"))
        self._csv_writing = gevent.spawn(self._csv.stats_writer)

    def close(self, run: dict[str, Any]) -> None:
        """Write what is known at the end, and let ``latest`` name this run."""
        self._finish_csv()
        (self.path / "locust.html").write_text(get_html_report(self._environment, show_download_link=False))
        (self.path / "run.json").write_text(json.dumps(run, indent=2) + "\n")
        self._link_latest()

    def _finish_csv(self) -> None:
        """Write the totals once more: Locust's writer looks once a second and misses the last one."""
        gevent.kill(self._csv_writing)
        self._csv.close_files()
        totals = {
            "stats": self._csv.requests_csv,
            "failures": self._csv.failures_csv,
            "exceptions": self._csv.exceptions_csv,
        }
        for name, write in totals.items():
            with (self.path / f"locust_{name}.csv").open("w", newline="") as file:
                write(csv.writer(file))

    def _link_latest(self) -> None:
        link = self.path.with_name("latest")
        link.unlink(missing_ok=True)
        link.symlink_to(self.path.name)
