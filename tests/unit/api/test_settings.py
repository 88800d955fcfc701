"""What the API makes of its environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from api.settings import SettingError, Settings

URL = "postgresql://api@db/stampede"


def test_everything_has_a_default() -> None:
    """An empty environment, and one of empty values, as Compose makes them of unset ones."""
    processes = Settings.from_environment({}).processes  # as many as suit the cores: see below
    expected = Settings(database_url=None, host="127.0.0.1", port=8000, processes=processes, threads=8)
    assert Settings.from_environment({}) == expected
    assert Settings.from_environment({"DATABASE_URL": "", "API_PORT": "", "API_THREADS": ""}) == expected


@pytest.mark.parametrize(
    ("cores", "processes"),
    [
        (1, 2),  # one may die
        (2, 2),
        (3, 3),
        (4, 4),
        (64, 4),
    ],
)
def test_processes_follow_the_cores(monkeypatch: pytest.MonkeyPatch, cores: int, processes: int) -> None:
    """Those this process may use; where that cannot be asked for, those there are."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(cores)), raising=False)
    assert Settings.from_environment({}).processes == processes
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    assert Settings.from_environment({}).processes == processes


def test_what_is_set_counts() -> None:
    """All of it at once."""
    given = {"DATABASE_URL": URL, "API_HOST": "::", "API_PORT": "1", "API_PROCESSES": "3", "API_THREADS": "4"}
    assert Settings.from_environment(given) == Settings(URL, "::", 1, 3, 4)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (URL, "postgresql://api:s%2Fe%20c%40t%25%3A@db/stampede"),  # quoted
        ("postgresql://api:own@db/stampede", "postgresql://api:own@db/stampede"),  # the URL's own counts
        ("postgresql://api@/stampede?host=/tmp", "postgresql://api:s%2Fe%20c%40t%25%3A@/stampede?host=/tmp"),
    ],
)
def test_a_password_may_come_from_a_file(tmp_path: Path, url: str, expected: str) -> None:
    """Its last line break is none of it."""
    file = tmp_path / "password"
    file.write_text("s/e c@t%:\n")
    settings = Settings.from_environment({"DATABASE_URL": url, "DATABASE_PASSWORD_FILE": str(file)})
    assert settings.database_url == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"API_PORT": "0"},
        {"API_PORT": "65536"},
        {"API_PORT": "８０"},
        {"API_PROCESSES": "two"},
        {"API_THREADS": "-8"},
        {"API_THREADS": "9" * 5000},
        {"DATABASE_URL": "sqlite:///x"},
        {"DATABASE_URL": URL, "DATABASE_PASSWORD_FILE": "/no/such"},
    ],
)
def test_a_wrong_value_names_its_key(wrong: dict[str, str]) -> None:
    """In the message, for whoever starts it."""
    with pytest.raises(SettingError, match=list(wrong)[-1]):
        Settings.from_environment(wrong)


def test_a_password_file_that_is_no_text_names_its_key(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"\377")
    with pytest.raises(SettingError, match="DATABASE_PASSWORD_FILE is not UTF-8 text"):
        Settings.from_environment({"DATABASE_URL": URL, "DATABASE_PASSWORD_FILE": str(file)})
