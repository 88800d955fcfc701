"""What the value of a setting means: a function for each kind, from its name and its text.

Each raises UsageError with one line that says what to write.
"""

from __future__ import annotations

import ipaddress
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from stampede.rig import ROOT, UsageError

PROFILES = ROOT / "load_tests" / "profiles.toml"


def text(_name: str, value: str) -> str:
    return value


def whole(name: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) == 0:
        raise UsageError(f"{name} must be a whole number over 0, not '{value}'")
    return int(value)


def number(name: str, value: str) -> float:
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value) or float(value) == 0:
        raise UsageError(f"{name} must be a number over 0, not '{value}'")
    return float(value)


def port(name: str, value: str) -> int:
    found = whole(name, value)
    if found > 65535:
        raise UsageError(f"{name} must be a port number up to 65535, not '{found}'")
    return found


def one_of(*choices: str) -> Callable[[str, str], str]:
    def chosen(name: str, value: str) -> str:
        if value not in choices:
            raise UsageError(f"{name} must be {' or '.join(choices)}, not '{value}'")
        return value

    return chosen


def flag(name: str, value: str) -> bool:
    return one_of("0", "1")(name, value) == "1"


def time(name: str, value: str) -> str:
    """As Locust's --run-time takes it."""
    number = "[0-9]{1,9}"
    times = rf"{number}|(?=[0-9])({number}h)?({number}m)?({number}s)?"
    if not re.fullmatch(times, value) or not re.search("[1-9]", value):
        raise UsageError(f"{name} must be a time such as 90, 90s, 5m or 1h30m, not '{value}'")
    return value


def file(name: str, value: str) -> Path:
    try:
        return Path(value).expanduser().resolve()
    except (RuntimeError, ValueError) as error:  # ~ of a user who is none, a character of no name
        raise UsageError(f"{name}: '{value}' is no file: {error}") from error


def bind(name: str, value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise UsageError(
            f"{name} must be an address of this machine such as 0.0.0.0, not '{value}'"
        ) from error


def host(name: str, value: str) -> str:
    if not _is_address(value):
        raise UsageError(f"{name} must be an address such as http://localhost:9000, not '{value}'")
    if "@" in urlsplit(value).netloc:
        raise UsageError(
            f"{name} must not hold a password, as each report tells it: let the locustfile log in"
        )
    return value.rstrip("/")


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


def profile(name: str, value: str) -> str:
    try:
        names = list(tomllib.loads(PROFILES.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(f"load_tests/profiles.toml cannot be read: {error}") from error
    if value not in names:
        raise UsageError(f"{name}: there is no '{value}'; choose one of {', '.join(names)}")
    return value


def scenario(name: str, value: str) -> str:
    """A kind of user by its name; which there are, the master knows that has loaded them."""
    if not value.isidentifier():
        raise UsageError(
            f"{name} must be the name of a kind of user, such as LastItemRace, or all, not '{value}'"
        )
    return value


def targets(_name: str, value: str) -> str | None:
    """What they may say is no affair of the rig's: whoever will measure them is asked."""
    stated = value.strip()
    if not stated:
        return None
    command = [sys.executable, "-m", "stampede", "targets", stated]
    asked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if asked.returncode:
        raise UsageError(asked.stderr.strip())
    return stated
