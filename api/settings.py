"""The settings of the API; only this module reads them from the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit


class SettingError(Exception):
    """A setting has a value that cannot be used; the message contains its key."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings; `database_url` is None for the embedded PostgreSQL."""

    database_url: str | None
    host: str
    port: int
    processes: int
    threads: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings, or raise SettingError.

        An empty variable counts as unset: Compose files pass unset variables as empty ones.
        """
        given = {name: value for name, value in environment.items() if value}
        return cls(
            database_url=database_url(given),
            host=given.get("API_HOST", "127.0.0.1"),
            port=whole_number(given, "API_PORT", default=8000, highest=65535),
            processes=whole_number(given, "API_PROCESSES", default=suitable_processes(), highest=64),
            threads=whole_number(given, "API_THREADS", default=8, highest=256),
        )


def suitable_processes() -> int:
    """Return how many processes suit this machine: one for each core, from two to four.

    At least two, because one may die. More than four add cost without any gain.
    """
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(2, min(cores, 4))


def whole_number(given: Mapping[str, str], key: str, default: int, highest: int) -> int:
    """Return a setting from 1 to `highest`; raise SettingError for anything else."""
    value = given.get(key, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= highest):
        raise SettingError(f"{key} must be a whole number from 1 to {highest}, not {value!r}")
    return int(value)


def database_url(given: Mapping[str, str]) -> str | None:
    """Return DATABASE_URL, or None if unset; raise SettingError.

    A URL without a password gets the one in DATABASE_PASSWORD_FILE.
    """
    url = given.get("DATABASE_URL")
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError as error:
        raise SettingError(f"DATABASE_URL is not a URL: {error}") from None
    if parts.scheme not in ("postgresql", "postgres"):
        raise SettingError("DATABASE_URL must begin with postgresql://")
    file = given.get("DATABASE_PASSWORD_FILE")
    if password is not None or file is None:
        return url
    try:
        password = Path(file).read_text(encoding="utf-8").rstrip("\n")
    except UnicodeDecodeError:
        raise SettingError(f"DATABASE_PASSWORD_FILE is not UTF-8 text: {file}") from None
    except OSError as error:
        raise SettingError(f"DATABASE_PASSWORD_FILE cannot be read: {error.strerror}: {file}") from None
    user, _, address = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{address}"))
