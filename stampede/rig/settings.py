"""What the user asked for: NAME=value arguments, then the environment, then ``.env``."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from stampede.rig import ROOT, UsageError, dotenv, values
from stampede.rig.memory import RUNTIMES, recall

OF_THE_RIG: dict[str, Callable[[str, str], Any]] = {
    "PROFILE": values.profile,
    "SCENARIO": values.scenario,
    "USERS": values.whole,
    "SPAWN_RATE": values.number,
    "RUN_TIME": values.time,
    "WORKERS": values.whole,
    "HOST": values.host,
    "LOCUSTFILE": values.file,
    "TARGETS": values.targets,
    "RUNTIME": values.one_of(*RUNTIMES),
    "KEEP_DATA": values.flag,
    "UI_PORT": values.port,
    "API_PORT": values.port,
    "MASTER_PORT": values.port,
    "UI_BIND": values.bind,
    "UI_USER": values.text,
    "UI_PASSWORD": values.text,
    "UI_PASSWORD_FILE": values.file,
    "ALLOW_TARGETS": values.text,
    "COMPOSE_PROJECT_NAME": values.text,
}
"""Each is a field of Settings; and what reads it."""

OF_THE_CLUSTER = (
    *("HOST", "LOCUSTFILE", "RUNTIME", "UI_PORT", "API_PORT", "MASTER_PORT"),
    *("UI_BIND", "UI_USER", "UI_PASSWORD_FILE", "ALLOW_TARGETS"),
)
"""Of those, what a cluster is brought up with; it stays so until it is taken down."""

OF_THE_SERVICES = (
    *("LOCUST_LOGLEVEL", "API_PROCESSES", "API_THREADS"),
    *("POSTGRES_CPUS", "POSTGRES_MEMORY", "API_CPUS", "API_MEMORY"),
    *("MASTER_CPUS", "MASTER_MEMORY", "WORKER_CPUS", "WORKER_MEMORY"),
)
"""What a cluster is brought up with too, and the rig hands on as it is."""

PASSWORDS = ("POSTGRES_PASSWORD", "API_DB_PASSWORD", "AUDITOR_DB_PASSWORD")
"""Likewise, and never written down."""

NAMES = (*OF_THE_RIG, *OF_THE_SERVICES, *PASSWORDS)

PROJECT = "stampede"
"""What docker-compose.yml is called where COMPOSE_PROJECT_NAME says nothing else."""


@dataclass(frozen=True, slots=True)
class Settings:
    """None stands for: not asked for."""

    profile: str | None = None
    scenario: str | None = None
    users: int | None = None
    spawn_rate: float | None = None
    run_time: str | None = None
    workers: int | None = None
    host: str | None = None
    locustfile: Path | None = None
    targets: str | None = None
    runtime: str | None = None
    keep_data: bool = False
    ui_port: int = 8089
    api_port: int = 8000
    master_port: int = 5557
    ui_bind: str = "127.0.0.1"
    ui_user: str | None = None
    ui_password: str | None = field(default=None, repr=False)
    ui_password_file: Path | None = None
    allow_targets: str | None = None
    compose_project_name: str = PROJECT
    of_the_services: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def worker_count(self) -> int:
        """How many workers a cluster starts with."""
        return self.workers or 4

    @property
    def of_the_cluster(self) -> dict[str, str]:
        """What is remembered of a cluster that is brought up with these: no password."""
        ours = {name: getattr(self, name.lower()) for name in OF_THE_CLUSTER}
        theirs = {name: self.of_the_services.get(name) for name in OF_THE_SERVICES}
        return {name: str(value) for name, value in {**ours, **theirs}.items() if value is not None}

    @property
    def roles(self) -> tuple[str, ...]:
        """What the cluster is made of: no API and no database where the API to test is another."""
        return ("master", "worker") if self.host else ("postgres", "api", "master", "worker")

    @property
    def ui_url(self) -> str:
        """Where the master's UI is published, as this machine reaches it."""
        bind = ipaddress.ip_address(self.ui_bind)
        if bind.is_unspecified:
            bind = ipaddress.ip_address("127.0.0.1" if bind.version == 4 else "::1")
        return f"http://{bind if bind.version == 4 else f'[{bind}]'}:{self.ui_port}"

    @property
    def login(self) -> tuple[str, str] | None:
        """User and password of the UI; None where it asks for none. Raises UsageError."""
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
        """Where the API is published."""
        return f"http://127.0.0.1:{self.api_port}"


def read(arguments: list[str]) -> Settings:
    """Settings from NAME=value arguments, the environment and .env; raises UsageError.

    HOST counts from the arguments and .env only: shells export it. What the cluster that is up was
    brought up with comes last.
    """
    told = dict(_assignment(argument) for argument in arguments)
    exported = {name: value for name, value in os.environ.items() if name in NAMES and name != "HOST"}
    given = {**dotenv.read(ROOT / ".env"), **exported, **told}
    given = {name: value for name, value in given.items() if value != ""}
    _refuse_missing_locustfile(given)
    project = given.get("COMPOSE_PROJECT_NAME", PROJECT)
    settings = _settings({**recall(given.get("RUNTIME"), project), **given})
    _refuse_equal_ports(settings)
    return settings


def environment() -> dict[str, str]:
    """The environment of what is started here: ours, after .env."""
    return {**dotenv.read(ROOT / ".env"), **os.environ}


def _assignment(argument: str) -> tuple[str, str]:
    name, equals, value = argument.partition("=")
    if not equals:
        raise UsageError(f"'{argument}' is no setting: write NAME=value, such as PROFILE=smoke")
    if name not in NAMES:
        raise UsageError(
            f"there is no setting '{name}': choose among {', '.join(OF_THE_RIG)}, or .env.example"
        )
    return name, value


def _settings(given: Mapping[str, str]) -> Settings:
    asked = {name.lower(): value(name, given[name]) for name, value in OF_THE_RIG.items() if name in given}
    services = {name: given[name] for name in (*OF_THE_SERVICES, *PASSWORDS) if name in given}
    return Settings(**asked, of_the_services=services)


def _refuse_missing_locustfile(given: Mapping[str, str]) -> None:
    """What was asked for must be there; what is only remembered may be gone by now."""
    if "LOCUSTFILE" not in given:
        return
    path = values.file("LOCUSTFILE", given["LOCUSTFILE"])
    try:
        if path.is_file():
            return
        what = "is a folder: name a file in it" if path.is_dir() else "does not exist"
    except OSError as error:  # too long a name, a folder that is closed to us
        what = f"cannot be read: {error.strerror}"
    raise UsageError(f"LOCUSTFILE: '{given['LOCUSTFILE']}' {what}")


def _refuse_equal_ports(settings: Settings) -> None:
    ports = (settings.ui_port, settings.api_port, settings.master_port)
    if len(set(ports)) < len(ports):
        raise UsageError(
            "UI_PORT, API_PORT and MASTER_PORT must differ: they are {}, {} and {}".format(*ports)
        )
