"""`make try`: each task of a locustfile once, in one process without a cluster."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import NoReturn

from stampede.rig import ROOT, UsageError, memory, variables
from stampede.rig import runtime as runtimes
from stampede.rig.compose import Compose
from stampede.rig.roles import locustfile_variables
from stampede.rig.settings import NAMES, Settings
from stampede.rig.settings import read as read_settings


def run(arguments: list[str]) -> int:
    """Try the locustfile of the settings; return the exit code. Raise UsageError."""
    settings = read_settings(arguments)
    variables.print_ignored(settings.env_file, NAMES)
    if not _is_in_container(settings):
        _replace_process(settings)
    return runtimes.compose(settings).run_once("trial", *_options(settings, "http://api:8000"))


def _is_in_container(settings: Settings) -> bool:
    """Return whether the trial runs in a container: where RUNTIME says so, or Locust is not installed."""
    if settings.runtime:
        return settings.runtime == "compose"
    return _python() is None and Compose.available()


def _python() -> str | None:
    """Return a Python that has Locust: this one or that of .venv; None if neither has."""
    if importlib.util.find_spec("locust"):
        return sys.executable
    return str(runtimes.VENV_PYTHON) if runtimes.VENV_PYTHON.exists() else None


def _replace_process(settings: Settings) -> NoReturn:
    """Go on as a process that tries the locustfile: signals reach it, and its exit code is the command's."""
    python = _python()
    if python is None:
        runtimes.restart_in_venv()
        raise UsageError("Locust is missing from .venv: run `make install`")
    environment = variables.environment() | locustfile_variables(settings)
    environment["ALLOW_TARGETS"] = settings.allow_targets or ""
    environment |= {
        name: text for name, text in settings.service_settings.items() if name == "LOCUST_LOGLEVEL"
    }
    if own := variables.of_file(settings.env_file):
        environment["STAMPEDE_ENV"] = variables.encoded(own)
    command = [python, "-m", "stampede", "trial", *_options(settings, settings.api_url)]
    os.chdir(ROOT)
    os.execve(python, command, environment)  # noqa: S606  (no shell is needed)


def _options(settings: Settings, shop: str) -> list[str]:
    """Return the options of a trial. `shop` is the URL of the cluster's own API: the last choice."""
    options = ["--stampede-fallback-host", shop if _has_shop(settings) else ""]
    if settings.scenario:
        options += ["--stampede-scenario", settings.scenario]
    if settings.probe:
        options += ["--stampede-probe", settings.probe]
    return options


def _has_shop(settings: Settings) -> bool:
    """Return whether a cluster is up that has an API of its own."""
    remembered = memory.recall(settings.runtime, settings.compose_project_name)
    return bool(remembered) and "HOST" not in remembered
