"""What the environment says, read here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit


class SettingError(Exception):
    """A value that cannot be used; the message names its key."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`database_url` is None where the embedded PostgreSQL is wanted."""

    database_url: str | None
    host: str
    port: int
    processes: int
    threads: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Raises SettingError. A variable that is set to nothing counts as unset, as in Compose files."""
        given = {name: value for name, value in environment.items() if value}
        return cls(
            database_url=database_url(given),
            host=given.get("API_HOST", "127.0.0.1"),
            port=whole_number(given, "API_PORT", default=8000, highest=65535),
            processes=whole_number(given, "API_PROCESSES", default=suitable_processes(), highest=64),
            threads=whole_number(given, "API_THREADS", default=8, highest=256),
        )


def suitable_processes() -> int:
    """One to a core, so that all are used, but two at least: one may die. More than four only cost."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(2, min(cores, 4))


def whole_number(given: Mapping[str, str], key: str, default: int, highest: int) -> int:
    value = given.get(key, str(default))
    if not (value.isascii() and value.isdigit() and len(value) < 10 and 1 <= int(value) <= highest):
        raise SettingError(f"{key} must be a whole number from 1 to {highest}, not {value!r}")
    return int(value)


def database_url(given: Mapping[str, str]) -> str | None:
    """The URL, with the password of DATABASE_PASSWORD_FILE if it holds none itself."""
    url = given.get("DATABASE_URL")
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError as error:
        raise SettingError(f"DATABASE_URL is no URL: {error}") from None
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
