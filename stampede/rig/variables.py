"""Environment variables for a cluster: those of Locust do not reach it, those of ENV_FILE do.

Variables and files that configure Locust itself would start runs that were not asked for. What a locustfile
reads for itself comes from ENV_FILE.
"""

from __future__ import annotations

import json
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

RESERVED = frozenset(
    (
        *("ALLOW_TARGETS", "AUDIT_DATABASE_URL", "AUDIT_DATABASE_PASSWORD_FILE"),
        *("UI_BIND", "UI_USER", "UI_PASSWORD", "UI_PASSWORD_FILE"),
    )
)
"""The variables that Stampede sets for master and workers, besides those that begin with `STAMPEDE_`."""


def environment() -> dict[str, str]:
    """Return the environment for started processes: that of this process, which overrides .env.

    It has no variable of Locust but those of PASSED_ON.
    """
    inherited = _inherited()
    return {
        name: value for name, value in inherited.items() if not name.startswith(PREFIX) or name in PASSED_ON
    }


def of_file(path: Path | None) -> dict[str, str]:
    """Return the variables of ENV_FILE that reach the locustfile. Raise UsageError."""
    variables = dotenv.read(path) if path else {}
    return {name: value for name, value in variables.items() if not _is_ignored(name)}


def encoded(variables: Mapping[str, str]) -> str:
    """Return variables as the JSON that master and workers apply at their start, as STAMPEDE_ENV.

    It has no `$`, which circus and Compose would replace.
    """
    return json.dumps(variables).replace("$", "\\u0024")


def _is_ignored(name: str) -> bool:
    """Return whether a variable of ENV_FILE would set an option of Locust, or of Stampede."""
    return name in OPTIONS_OF_LOCUST | RESERVED or name.startswith("STAMPEDE_")


def print_ignored(path: Path | None, settings: Iterable[str]) -> None:
    """Print which variables are ignored: those of Locust in the environment, those of options in ENV_FILE."""
    known = {*PASSED_ON, *settings}
    _print("", (name for name in _inherited() if name.startswith(PREFIX) and name not in known))
    if path:
        _print(" in ENV_FILE", filter(_is_ignored, dotenv.read(path)))


def _print(where: str, ignored: Iterable[str]) -> None:
    if names := sorted(ignored):
        reach = "ENV_FILE= and LOCUST_ARGS= reach the locustfile, options have settings"
        print(f"Ignored{where}: {', '.join(names)} ({reach})", flush=True)


def _inherited() -> Mapping[str, str]:
    return {**dotenv.read(ROOT / ".env"), **os.environ}
