"""Environment variables for a cluster: those of Locust do not reach it, those of ENV_FILE do.

Variables and files that configure Locust itself would start runs that were not asked for. What a locustfile
reads for itself comes from ENV_FILE.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from stampede.rig import ROOT, dotenv

PREFIX = "LOCUST_"

PASSED_ON = ("LOCUST_LOGLEVEL",)
"""Variables of Locust that are settings of a cluster."""

OPTIONS_OF_LOCUST = frozenset(
    f"{PREFIX}{name}"
    for name in (
        *("AUTOQUIT", "AUTOSTART", "BUILD_PATH", "CONFIG_USERS", "CSV", "CSV_FULL_HISTORY"),
        *("ENABLE_OPENTELEMETRY", "EXCLUDE_TAGS", "EXIT_CODE_ON_ERROR", "EXPECT_WORKERS"),
        *("EXPECT_WORKERS_MAX_WAIT", "HEADFUL", "HEADLESS", "HOST", "HTML", "LEGACY_UI", "LOCUSTFILE"),
        *("LOGFILE", "LOGLEVEL", "MASTER_BIND_HOST", "MASTER_BIND_PORT", "MASTER_NODE_HOST"),
        *("MASTER_NODE_PORT", "MODE_MASTER", "MODE_WORKER", "ONLY_SUMMARY", "PRINT_STATS", "PROCESSES"),
        *("RESET_STATS", "RUN_TIME", "SKIP_LOG_SETUP", "SPAWN_RATE", "STOP_TIMEOUT", "TAGS", "TLS_CERT"),
        *("TLS_KEY", "USERCLASS_PICKER", "USERS", "USER_CLASSES", "WEB_AUTH", "WEB_BASE_PATH", "WEB_HOST"),
        *("WEB_HOST_DISPLAY_NAME", "WEB_LOGIN", "WEB_PORT"),
    )
)
"""The variables that set options of Locust's own: also in ENV_FILE they have no effect."""


def environment() -> dict[str, str]:
    """Return the environment for started processes: that of this process, which overrides .env.

    It has no variable of Locust but those of PASSED_ON.
    """
    inherited = _inherited()
    return {
        name: value for name, value in inherited.items() if not name.startswith(PREFIX) or name in PASSED_ON
    }


def of_file(path: Path | None) -> dict[str, str]:
    """Return the variables of ENV_FILE without those that set options of Locust. Raise UsageError."""
    variables = dotenv.read(path, is_secret=True) if path else {}
    return {name: value for name, value in variables.items() if name not in OPTIONS_OF_LOCUST}


def print_ignored(path: Path | None, settings: Iterable[str]) -> None:
    """Print which variables are ignored: those of Locust in the environment, and its options in ENV_FILE."""
    known = {*PASSED_ON, *settings}
    _print("", (name for name in _inherited() if name.startswith(PREFIX) and name not in known))
    if path:
        _print(" in ENV_FILE", OPTIONS_OF_LOCUST & dotenv.read(path, is_secret=True).keys())


def _print(where: str, ignored: Iterable[str]) -> None:
    if names := sorted(ignored):
        reach = "ENV_FILE= and LOCUST_ARGS= reach the locustfile, options of Locust have settings"
        print(f"Ignored{where}: {', '.join(names)} ({reach})", flush=True)


def _inherited() -> Mapping[str, str]:
    return {**dotenv.read(ROOT / ".env"), **os.environ}
