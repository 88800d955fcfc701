"""Locust's file of all names is written less often where that takes long."""

from __future__ import annotations

from pathlib import Path

import pytest
from locust.env import Environment

from stampede.run import locust_csv
from stampede.run.locust_csv import LocustCsv


def write(files: LocustCsv) -> None:
    """As Locust does each second."""
    files.requests_csv_filehandle.seek(0)
    files._requests_data_rows(files.requests_csv_writer)
    files.requests_csv_filehandle.truncate()
    files.requests_csv_filehandle.flush()


@pytest.mark.parametrize(("share", "is_written_again"), [(1e-9, False), (1e9, True)])
def test_the_file_is_left_as_it_is_until_it_is_due(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, share: float, is_written_again: bool
) -> None:
    monkeypatch.setattr(locust_csv, "MOST_SHARE", share)
    environment = Environment()
    files = LocustCsv(environment, str(tmp_path / "locust"))
    environment.stats.log_request("GET", "/first", 5, 1)
    write(files)
    environment.stats.log_request("GET", "/second", 5, 1)
    write(files)
    text = (tmp_path / "locust_stats.csv").read_text()
    assert "/first" in text
    assert ("/second" in text) is is_written_again
    files.close_files()
