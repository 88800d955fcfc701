"""Parsers for the values of settings, one for each kind: from a name and a text to a value.

Each raises UsageError with one line that says what to write.
"""

from __future__ import annotations

import ipaddress
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from stampede.rig import ROOT, UsageError

PROFILES = ROOT / "load_tests" / "profiles.toml"


def text(_name: str, value: str) -> str:
    """Return the value as it is."""
    return value


def whole_number(name: str, value: str) -> int:
    """Return a whole number over 0."""
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) == 0:
        raise UsageError(f"{name} must be a whole number over 0, not '{value}'")
    return int(value)


def number(name: str, value: str) -> float:
    """Return a number over 0."""
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value) or float(value) == 0:
        raise UsageError(f"{name} must be a number over 0, not '{value}'")
    return float(value)


def port(name: str, value: str) -> int:
    """Return a port number."""
    port = whole_number(name, value)
    if port > 65535:
        raise UsageError(f"{name} must be a port number up to 65535, not '{port}'")
    return port


def one_of(*choices: str) -> Callable[[str, str], str]:
    """Return a parser that accepts these values only."""

    def choice(name: str, value: str) -> str:
        if value not in choices:
            raise UsageError(f"{name} must be {' or '.join(choices)}, not '{value}'")
        return value

    return choice


def flag(name: str, value: str) -> bool:
    """Return whether the value is 1; the other allowed value is 0."""
    return one_of("0", "1")(name, value) == "1"


def time(name: str, value: str) -> str:
    """Return a length of time as Locust's --run-time takes it."""
    number = "[0-9]{1,9}"
    times = rf"{number}|(?=[0-9])({number}h)?({number}m)?({number}s)?"
    if not re.fullmatch(times, value) or not re.search("[1-9]", value):
        raise UsageError(f"{name} must be a time such as 90, 90s, 5m or 1h30m, not '{value}'")
    return value


def file(name: str, value: str) -> Path:
    """Return an absolute path. The file need not exist."""
    try:
        return Path(value).expanduser().resolve()
    except (RuntimeError, ValueError) as error:  # ~ of an unknown user, a null character
        raise UsageError(f"{name}: '{value}' is not a file: {error}") from error


def words(name: str, value: str) -> str | None:
    """Return words, separated by spaces or commas, with single spaces; None if there are none."""
    words = value.replace(",", " ").split()
    if option := next((word for word in words if word.startswith("-")), None):
        raise UsageError(f"{name}: '{option}' is not a tag: a tag cannot begin with '-'")
    return " ".join(words) or None


def arguments(name: str, value: str) -> str | None:
    """Return arguments of a command, quoted as for a shell; None if there are none.

    The engine checks their names: it has loaded the locustfile, which the rig cannot do.
    """
    try:
        return value if shlex.split(value) else None
    except ValueError as error:
        reason = "a quote is not closed" if "quotation" in str(error) else "a backslash is the last character"
        raise UsageError(f"{name}: {reason}") from error  # the value may have a password


def project(name: str, value: str) -> str:
    """Return the name of a Compose project."""
    if not re.fullmatch("[a-z0-9][a-z0-9_-]*", value):
        raise UsageError(
            f"{name} must be of lower-case letters, digits, - and _, and begin with a letter or digit, "
            f"not '{value}'"
        )
    return value


def bind(name: str, value: str) -> str:
    """Return an IP address to listen on."""
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise UsageError(
            f"{name} must be an address of this machine such as 0.0.0.0, not '{value}'"
        ) from error


def host(name: str, value: str) -> str:
    """Return an HTTP URL without a slash at its end. A password is refused: reports show the URL."""
    if not _is_http_url(value):
        found = "without a password" if "@" in value else f"not '{value}'"
        raise UsageError(f"{name} must be an address such as http://localhost:9000, {found}")
    if "@" in urlsplit(value).netloc:
        raise UsageError(
            f"{name} must not contain a password, because reports show it: log in in the locustfile"
        )
    return value.rstrip("/")


def _is_http_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is not a number
        return False


def profile(name: str, value: str) -> str:
    """Return the name of a profile in load_tests/profiles.toml."""
    try:
        names = list(tomllib.loads(PROFILES.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(f"load_tests/profiles.toml cannot be read: {error}") from error
    if value not in names:
        raise UsageError(f"{name}: there is no '{value}'; choose one of {', '.join(names)}")
    return value


def scenario(name: str, value: str) -> str:
    """Return the name of a user class, or `all`.

    The master checks whether the class exists: it has loaded the locustfiles, which the rig cannot do.
    """
    if not value.isidentifier():
        raise UsageError(
            f"{name} must be the name of a user class, such as LastItemRace, or all, not '{value}'"
        )
    return value


def targets(_name: str, value: str) -> str | None:
    """Return the targets as text; None for a blank value.

    The engine checks them, in a process of its own: the rig does not import the engine.
    """
    targets = value.strip()
    if not targets:
        return None
    command = [sys.executable, "-m", "stampede", "targets", targets]
    check = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if check.returncode:
        raise UsageError(check.stderr.strip())
    return targets
