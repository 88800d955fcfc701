"""The settings of a command: from NAME=value arguments, the environment and ``.env``, in this order."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stampede.rig import ROOT, UsageError, dotenv, values
from stampede.rig.memory import RUNTIMES, recall

RUN_SETTINGS = (
    *("PROFILE", "SCENARIO", "USERS", "SPAWN_RATE", "RUN_TIME", "RATE", "TARGETS"),
    *("PROBE", "KEEP_DATA"),
)
"""Settings of a headless run; the other commands ignore them."""

RIG_SETTINGS: dict[str, Callable[[str, str], Any]] = {
    "PROFILE": values.profile,
    "SCENARIO": values.scenario,
    "USERS": values.whole_number,
    "SPAWN_RATE": values.number,
    "RUN_TIME": values.time,
    "RATE": values.number,
    "WORKERS": values.whole_number,
    "HOST": values.host,
    "LOCUSTFILE": values.file,
    "TAGS": values.words,
    "EXCLUDE_TAGS": values.words,
    "LOCUST_ARGS": values.arguments,
    "ENV_FILE": values.file,
    "TARGETS": values.targets,
    "PROBE": values.one_of("yes", "no"),
    "RUNTIME": values.one_of(*RUNTIMES),
    "KEEP_DATA": values.flag,
    "FORCE": values.flag,
    "UI_PORT": values.port,
    "API_PORT": values.port,
    "MASTER_PORT": values.port,
    "UI_BIND": values.bind,
    "UI_USER": values.text,
    "UI_PASSWORD": values.text,
    "UI_PASSWORD_FILE": values.file,
    "ALLOW_TARGETS": values.text,
    "KEEP_RESULTS": values.whole_number,
    "COMPOSE_PROJECT_NAME": values.project,
}
"""The settings that the rig itself uses, each with its parser. Each is a field of Settings, in lower case."""

LOAD_SETTINGS = ("LOCUSTFILE", "TAGS", "EXCLUDE_TAGS", "LOCUST_ARGS", "ENV_FILE")
"""Settings of the locustfile. A change of one restarts master and workers, but not API and database."""

CLUSTER_SETTINGS = (
    *("HOST", *LOAD_SETTINGS),
    *("RUNTIME", "UI_PORT", "API_PORT", "MASTER_PORT"),
    *("UI_BIND", "UI_USER", "UI_PASSWORD_FILE", "ALLOW_TARGETS"),
    "KEEP_RESULTS",
)
"""Settings of the rig that a cluster keeps from its start until it is taken down."""

SERVICE_SETTINGS = (
    *("LOCUST_LOGLEVEL", "API_PROCESSES", "API_THREADS"),
    *("POSTGRES_CPUS", "POSTGRES_MEMORY", "API_CPUS", "API_MEMORY"),
    *("MASTER_CPUS", "MASTER_MEMORY", "WORKER_CPUS", "WORKER_MEMORY"),
    *("PYTHON_DIGEST", "POSTGRES_IMAGE"),
)
"""Settings that a cluster keeps too, and that the rig passes on to it unchanged."""

NEVER_EXPORTED = ("HOST", "FORCE")
"""Settings that are not read from the environment: shells and other tools have variables of these names."""

NAMES = (*RIG_SETTINGS, *SERVICE_SETTINGS)
"""All settings that a command accepts."""


def project_of(folder: Path) -> str:
    """Return the default of COMPOSE_PROJECT_NAME in a folder: the folder's name, as Compose changes it."""
    return re.sub("[^a-z0-9_-]", "", folder.name.lower()).lstrip("_-") or "stampede"


PROJECT = project_of(ROOT)


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a command; None for a setting that was not given."""

    profile: str | None = None
    scenario: str | None = None
    users: int | None = None
    spawn_rate: float | None = None
    run_time: str | None = None
    rate: float | None = None
    workers: int | None = None
    host: str | None = None
    locustfile: Path | None = None
    tags: str | None = None
    exclude_tags: str | None = None
    locust_args: str | None = None
    env_file: Path | None = None
    targets: str | None = None
    probe: str | None = None
    runtime: str | None = None
    keep_data: bool = False
    force: bool = False
    ui_port: int = 8089
    api_port: int = 8000
    master_port: int = 5557
    ui_bind: str = "127.0.0.1"
    ui_user: str | None = None
    ui_password: str | None = field(default=None, repr=False)
    ui_password_file: Path | None = None
    allow_targets: str | None = None
    keep_results: int | None = None
    compose_project_name: str = PROJECT
    service_settings: Mapping[str, str] = field(default_factory=dict)
    """Values of SERVICE_SETTINGS by name."""

    @property
    def worker_count(self) -> int:
        """Return the number of workers that a cluster starts with."""
        return self.workers or 4

    @property
    def cluster_settings(self) -> dict[str, str]:
        """Return the settings that are remembered while a cluster is up. No password is among them."""
        own = {name: getattr(self, name.lower()) for name in CLUSTER_SETTINGS}
        passed_on = {name: self.service_settings.get(name) for name in SERVICE_SETTINGS}
        given = {**own, **passed_on}
        return {name: str(value) for name, value in given.items() if value is not None}

    @property
    def cluster_name(self) -> str:
        """Return the name of the cluster among those of its checkout; docker-compose.yml has the same."""
        return f"compose-{self.compose_project_name}" if self.runtime == "compose" else "local"

    @property
    def roles(self) -> tuple[str, ...]:
        """Return the roles of the cluster: without API and database if HOST names another API."""
        return ("master", "worker") if self.host else ("postgres", "api", "master", "worker")

    @property
    def own_ports(self) -> tuple[int, ...]:
        """Return the ports of this machine on which the cluster listens, without that of its API."""
        return (self.ui_port,) if self.runtime == "compose" else (self.ui_port, self.master_port)

    @property
    def ui_url(self) -> str:
        """Return the URL of the master's UI, as this machine reaches it."""
        bind = ipaddress.ip_address(self.ui_bind)
        if bind.is_unspecified:
            bind = ipaddress.ip_address("127.0.0.1" if bind.version == 4 else "::1")
        return f"http://{bind if bind.version == 4 else f'[{bind}]'}:{self.ui_port}"

    @property
    def login(self) -> tuple[str, str] | None:
        """Return user and password of the UI; None if neither is set. Raise UsageError if one is missing."""
        password = self.ui_password
        if self.ui_password_file:
            try:
                password = self.ui_password_file.read_text(encoding="utf-8").rstrip("\r\n") or password
            except (OSError, UnicodeDecodeError) as error:
                raise UsageError(f"UI_PASSWORD_FILE cannot be read: {error}") from error
        if bool(self.ui_user) != bool(password):
            raise UsageError("UI_USER and UI_PASSWORD (or UI_PASSWORD_FILE) belong together: one is missing")
        return (self.ui_user, password) if self.ui_user and password else None

    @property
    def api_url(self) -> str:
        """Return the URL of the cluster's API, as this machine reaches it."""
        return f"http://127.0.0.1:{self.api_port}"


def read(arguments: list[str]) -> Settings:
    """Return the settings of a command with these NAME=value arguments. Raise UsageError.

    Arguments override the environment, which overrides .env. An empty value counts as not given. A setting
    that is not given has the value with which the running cluster was started. NEVER_EXPORTED lists the
    settings that are not read from the environment.
    """
    from_arguments = dict(_assignment(argument) for argument in arguments)
    names = {*NAMES}.difference(NEVER_EXPORTED)
    exported = {name: value for name, value in os.environ.items() if name in names}
    given = {**dotenv.read(ROOT / ".env"), **exported, **from_arguments}
    given = {name: value for name, value in given.items() if value != ""}
    for name in ("LOCUSTFILE", "ENV_FILE"):
        _refuse_missing_file(name, given)
    project = given.get("COMPOSE_PROJECT_NAME", PROJECT)
    settings = _settings({**_recalled(given, project), **given})
    _refuse_equal_ports(settings)
    return settings


def _recalled(given: Mapping[str, str], project: str) -> dict[str, str]:
    """Return the settings of the running cluster.

    With another locustfile its other LOAD_SETTINGS do not count: they belong to the one before.
    """
    recalled = recall(given.get("RUNTIME"), project)
    locustfile = given.get("LOCUSTFILE")
    if locustfile and str(values.file("LOCUSTFILE", locustfile)) != recalled.get("LOCUSTFILE"):
        return {name: value for name, value in recalled.items() if name not in LOAD_SETTINGS}
    return recalled


def _assignment(argument: str) -> tuple[str, str]:
    name, equals, value = argument.partition("=")
    if not equals:
        raise UsageError(f"'{argument}' is not a setting: write NAME=value, such as PROFILE=smoke")
    if name not in NAMES:
        raise UsageError(
            f"there is no setting '{name}': use one of {', '.join(RIG_SETTINGS)}, or .env.example"
        )
    return name, value


def _settings(given: Mapping[str, str]) -> Settings:
    fields = {name.lower(): parse(name, given[name]) for name, parse in RIG_SETTINGS.items() if name in given}
    services = {name: given[name] for name in SERVICE_SETTINGS if name in given}
    return Settings(**fields, service_settings=services)


def _refuse_missing_file(name: str, given: Mapping[str, str]) -> None:
    """Raise UsageError if a given file does not exist.

    The files of a running cluster are not checked: they may have been deleted since, and `make down` must
    still work.
    """
    if name not in given:
        return
    path = values.file(name, given[name])
    try:
        if path.is_file() or (name == "ENV_FILE" and path == Path(os.devnull)):
            _refuse_comma(name, path)
            return
        what = "is a folder: give a file in it" if path.is_dir() else "does not exist"
    except OSError as error:  # its name is too long, or a folder may not be entered
        what = f"cannot be read: {error.strerror}"
    raise UsageError(f"{name}: '{given[name]}' {what}")


def _refuse_comma(name: str, path: Path) -> None:
    """Raise UsageError if the name of the locustfile has a comma: Locust takes it for several files."""
    if name == "LOCUSTFILE" and "," in path.name:
        raise UsageError(
            f"LOCUSTFILE: '{path.name}' has a comma in its name, where Locust splits it: rename it"
        )


def _refuse_equal_ports(settings: Settings) -> None:
    ports = (settings.ui_port, settings.api_port, settings.master_port)
    if len(set(ports)) < len(ports):
        raise UsageError(
            "UI_PORT, API_PORT and MASTER_PORT must differ: they are {}, {} and {}".format(*ports)
        )
