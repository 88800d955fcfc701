"""What the user asked for: NAME=value arguments, then the environment, then ``.env``."""

from __future__ import annotations

import ipaddress
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from rig import ROOT, UsageError
from rig.memory import RUNTIMES, recall

PROFILES = ROOT / "load_tests" / "profiles.toml"

OF_THE_RIG = (
    *("PROFILE", "SCENARIO", "USERS", "SPAWN_RATE", "RUN_TIME", "WORKERS", "HOST", "LOCUSTFILE"),
    *("TARGETS", "RUNTIME", "KEEP_DATA", "UI_PORT", "API_PORT", "MASTER_PORT"),
    *("UI_BIND", "UI_USER", "UI_PASSWORD", "UI_PASSWORD_FILE", "ALLOW_TARGETS", "COMPOSE_PROJECT_NAME"),
)
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

DOTENV_LINE = re.compile(
    r"""(export\s+)?(?P<name>[A-Za-z_]\w*)\s*=\s*"""
    r"""((?P<quote>['"])(?P<quoted>.*)(?P=quote)\s*(\#.*)?|(?P<bare>.*?)(\s\#.*)?)"""
)


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
    given = {**_dotenv(ROOT / ".env"), **exported, **told}
    given = {name: value for name, value in given.items() if value != ""}
    _refuse_missing_locustfile(given)
    project = given.get("COMPOSE_PROJECT_NAME", PROJECT)
    settings = _settings({**recall(given.get("RUNTIME"), project), **given})
    _refuse_equal_ports(settings)
    return settings


def environment() -> dict[str, str]:
    """The environment of what is started here: ours, after .env."""
    return {**_dotenv(ROOT / ".env"), **os.environ}


def _assignment(argument: str) -> tuple[str, str]:
    name, equals, value = argument.partition("=")
    if not equals:
        raise UsageError(f"'{argument}' is no setting: write NAME=value, such as PROFILE=smoke")
    if name not in NAMES:
        raise UsageError(
            f"there is no setting '{name}': choose among {', '.join(OF_THE_RIG)}, or .env.example"
        )
    return name, value


def _dotenv(path: Path) -> dict[str, str]:
    """The file Compose reads too: NAME=value lines; quotes around a value, comments."""
    if not path.exists():
        return {}
    try:
        text = path.read_text(encoding="utf-8-sig")  # some editors begin a file with a mark
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.name} is not UTF-8 text: write it again") from error
    except OSError as error:
        raise UsageError(f"{path.name} cannot be read: {error.strerror}") from error
    lines = [line.strip() for line in text.splitlines()]
    pairs = {}
    for number, line in enumerate(lines, start=1):
        if line and not line.startswith("#"):
            if not (pair := DOTENV_LINE.fullmatch(line)):
                raise UsageError(f"{path.name}, line {number}: '{line}' is not NAME=value")
            name, quoted, bare = pair["name"], pair["quoted"], pair["bare"]
            pairs[name] = quoted if quoted is not None else bare.strip()
    return pairs


def _settings(given: Mapping[str, str]) -> Settings:
    return Settings(
        profile=_profile(given),
        scenario=_scenario(given),
        users=_whole(given, "USERS"),
        spawn_rate=_number(given, "SPAWN_RATE"),
        run_time=_run_time(given),
        workers=_whole(given, "WORKERS"),
        host=_host(given),
        locustfile=_locustfile(given),
        targets=_targets(given),
        runtime=_one_of(given, "RUNTIME", *RUNTIMES),
        keep_data=_one_of(given, "KEEP_DATA", "0", "1") == "1",
        ui_port=_port(given, "UI_PORT") or 8089,
        api_port=_port(given, "API_PORT") or 8000,
        master_port=_port(given, "MASTER_PORT") or 5557,
        ui_bind=_bind(given),
        ui_user=given.get("UI_USER"),
        ui_password=given.get("UI_PASSWORD"),
        ui_password_file=_file(given, "UI_PASSWORD_FILE"),
        allow_targets=given.get("ALLOW_TARGETS"),
        compose_project_name=given.get("COMPOSE_PROJECT_NAME", PROJECT),
        of_the_services={name: given[name] for name in (*OF_THE_SERVICES, *PASSWORDS) if name in given},
    )


def _profile(given: Mapping[str, str]) -> str | None:
    name = given.get("PROFILE")
    if name is None:
        return None
    try:
        names = list(tomllib.loads(PROFILES.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise UsageError(f"load_tests/profiles.toml cannot be read: {error}") from error
    if name not in names:
        raise UsageError(f"PROFILE: there is no '{name}'; choose one of {', '.join(names)}")
    return name


def _scenario(given: Mapping[str, str]) -> str | None:
    """A kind of user by its name; which there are, the master knows that has loaded them."""
    value = given.get("SCENARIO")
    if value is not None and not value.isidentifier():
        raise UsageError(
            f"SCENARIO must be the name of a kind of user, such as LastItemRace, or all, not '{value}'"
        )
    return value


def _targets(given: Mapping[str, str]) -> str | None:
    """What they may say is no affair of the rig's: whoever will measure them is asked."""
    value = given.get("TARGETS", "").strip()
    if not value:
        return None
    command = [sys.executable, "-m", "stampede", "targets", value]
    asked = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    if asked.returncode:
        raise UsageError(asked.stderr.strip())
    return value


def _whole(given: Mapping[str, str], name: str) -> int | None:
    value = given.get(name)
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) == 0:
        raise UsageError(f"{name} must be a whole number over 0, not '{value}'")
    return int(value)


def _number(given: Mapping[str, str], name: str) -> float | None:
    value = given.get(name)
    if value is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value) or float(value) == 0:
        raise UsageError(f"{name} must be a number over 0, not '{value}'")
    return float(value)


def _run_time(given: Mapping[str, str]) -> str | None:
    value = given.get("RUN_TIME")
    if value is None:
        return None
    number = "[0-9]{1,9}"
    times = rf"{number}|(?=[0-9])({number}h)?({number}m)?({number}s)?"
    if not re.fullmatch(times, value) or not re.search("[1-9]", value):
        raise UsageError(f"RUN_TIME must be a time such as 90, 90s, 5m or 1h30m, not '{value}'")
    return value


def _port(given: Mapping[str, str], name: str) -> int | None:
    port = _whole(given, name)
    if port is not None and port > 65535:
        raise UsageError(f"{name} must be a port number up to 65535, not '{port}'")
    return port


def _bind(given: Mapping[str, str]) -> str:
    value = given.get("UI_BIND", "127.0.0.1")
    try:
        return str(ipaddress.ip_address(value))
    except ValueError as error:
        raise UsageError(
            f"UI_BIND must be an address of this machine such as 0.0.0.0, not '{value}'"
        ) from error


def _host(given: Mapping[str, str]) -> str | None:
    value = given.get("HOST")
    if value is not None and not _is_address(value):
        raise UsageError(f"HOST must be an address such as http://localhost:9000, not '{value}'")
    if value and "@" in urlsplit(value).netloc:
        raise UsageError("HOST must not hold a password, as each report tells it: let the locustfile log in")
    return value and value.rstrip("/")


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is no number
        return False


def _locustfile(given: Mapping[str, str]) -> Path | None:
    return _file(given, "LOCUSTFILE")


def _file(given: Mapping[str, str], name: str) -> Path | None:
    value = given.get(name)
    try:
        return Path(value).expanduser().resolve() if value else None
    except (RuntimeError, ValueError) as error:  # ~ of a user who is none, a character of no name
        raise UsageError(f"{name}: '{value}' is no file: {error}") from error


def _refuse_missing_locustfile(given: Mapping[str, str]) -> None:
    """What was asked for must be there; what is only remembered may be gone by now."""
    path = _locustfile(given)
    try:
        if not path or path.is_file():
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


def _one_of(given: Mapping[str, str], name: str, *choices: str) -> str | None:
    value = given.get(name)
    if value is not None and value not in choices:
        raise UsageError(f"{name} must be {' or '.join(choices)}, not '{value}'")
    return value
