"""Counts of requests, in files that all processes share."""

from __future__ import annotations

from pathlib import Path

import pytest

from api.request_counts import BOUNDS, Labels, Reading, RequestCounts

GET: Labels = ("GET", "/products/{id}", "200")
ORDER: Labels = ("POST", "/orders/", "201")


def buckets(**counted: int) -> tuple[int, ...]:
    """The numbers in all buckets; `b0` is the first."""
    return tuple(counted.get(f"b{number}", 0) for number in range(len(BOUNDS) + 1))


@pytest.fixture(params=["in files", "in this process"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    return tmp_path if request.param == "in files" else None


@pytest.mark.parametrize(
    ("seconds", "bucket"),
    [
        (0.0, 0),
        (0.001, 0),  # a bound belongs to its bucket
        (0.0011, 1),
        (2.0, 7),
        (2.1, 8),  # the bucket without a bound
    ],
)
def test_a_time_counts_in_its_bucket(folder: Path | None, seconds: float, bucket: int) -> None:
    counts = RequestCounts(folder)
    counts.series(GET).add(seconds)
    assert list(counts.of_all_processes()) == [(GET, buckets(**{f"b{bucket}": 1}), seconds)]


def test_each_series_has_its_own_numbers(folder: Path | None) -> None:
    counts = RequestCounts(folder)
    for labels, seconds in ((GET, 0.25), (ORDER, 3.0), (GET, 0.5)):
        counts.series(labels).add(seconds)
    assert list(counts.of_all_processes()) == [
        (GET, buckets(b4=1, b5=1), 0.75),
        (ORDER, buckets(b8=1), 3.0),
    ]


def test_the_counts_of_an_ended_process_stay(tmp_path: Path) -> None:
    """Also if a new process gets its id: a container has few of them."""
    first = RequestCounts(tmp_path)
    first.series(GET).add(0.25)
    first.series(ORDER).add(0.25)
    second = RequestCounts(tmp_path)
    second.series(ORDER).add(0.25)
    expected: list[Reading] = [(GET, buckets(b4=1), 0.25), (ORDER, buckets(b4=2), 0.5)]
    assert list(second.of_all_processes()) == expected


def test_the_counts_of_all_processes_are_read(tmp_path: Path) -> None:
    RequestCounts(tmp_path).series(GET).add(0.25)
    next(tmp_path.iterdir()).rename(tmp_path / "999.requests")
    counts = RequestCounts(tmp_path)
    counts.series(GET).add(0.25)
    assert list(counts.of_all_processes()) == [(GET, buckets(b4=1), 0.25)] * 2
