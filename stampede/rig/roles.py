"""What each role is as a process: its command, its environment, and what circus is to do about it."""

from __future__ import annotations

import configparser
import shlex
import sys
from pathlib import Path

from stampede.rig import ROOT
from stampede.rig.settings import Settings

FOLDER = ROOT / ".local"
LOGS = FOLDER / "log"
ALLOWED = FOLDER / "allowed-targets"

TRIES = 3
"""Times a role may die at its start, as in docker-compose.yml."""


class Roles:
    """Those of one cluster; `sockets` is the folder in which they find each other."""

    def __init__(self, settings: Settings, sockets: Path) -> None:
        self._settings = settings
        self._sockets = sockets
        self.database = sockets / "postgres"  # of its own: as root, PostgreSQL is somebody else
        self.endpoint = f"ipc://{sockets}/circus"

    def guarding(self) -> dict[str, str]:
        """Who may use the UI, and for what: for the environment of all, as a password is among it."""
        settings = self._settings
        user, password = settings.login or ("", "")
        return {
            "UI_BIND": settings.ui_bind,
            "UI_USER": user,
            "UI_PASSWORD": password,
            "UI_PASSWORD_FILE": "",
            "ALLOW_TARGETS": settings.allow_targets or "",
            "LOCUST_ALLOWED": str(ALLOWED),
        }

    def configuration(self) -> configparser.RawConfigParser:
        """Circus's, of all roles."""
        ini = configparser.RawConfigParser()
        ini.optionxform = str  # type: ignore[assignment,method-assign]  # variables are upper-case
        ini["circus"] = {
            "endpoint": self.endpoint,
            "pubsub_endpoint": f"ipc://{self._sockets}/circus-events",
            "check_delay": "1",
        }
        for role in self._settings.roles:
            ini[f"watcher:{role}"] = self._watcher(role)
            ini[f"env:{role}"] = self._environment(role)
        return ini

    def _watcher(self, role: str) -> dict[str, str]:
        return {
            "cmd": shlex.join([sys.executable, *self._command(role)]),
            "working_dir": str(ROOT),
            "copy_env": "True",
            "max_retry": str(TRIES),
            "graceful_timeout": "30",
            # The API looks at its database's version when it starts: not before that is there.
            "autostart": str(role != "api"),
            # For PostgreSQL a fast shutdown: SIGTERM would wait for the clients to leave.
            "stop_signal": "INT" if role == "postgres" else "TERM",
            "stop_children": "False",
            "numprocesses": str(self._settings.worker_count) if role == "worker" else "1",
            "stdout_stream.class": "FileStream",
            "stdout_stream.filename": str(LOGS / f"{role}.log"),
            "stderr_stream.class": "FileStream",
            "stderr_stream.filename": str(LOGS / f"{role}.log"),
        }

    def _command(self, role: str) -> list[str]:
        settings = self._settings
        locust = ["-m", "stampede", "locust", "--config", f"{role}/locust.conf"]
        match role:
            case "postgres":
                sockets = ["--socket-dir", str(self.database)]
                return ["-m", "postgres.embedded", "--data", str(FOLDER / "postgres"), *sockets]
            case "api":
                return ["run_api.py", "--host", "127.0.0.1", "--port", str(settings.api_port)]
            case "master":
                ui = ["--web-host", settings.ui_bind, "--web-port", str(settings.ui_port)]
                bind = ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(settings.master_port)]
                return [*locust, *ui, *bind, "--results", str(FOLDER / "results")]
            case _:
                return [*locust, "--master-host", "127.0.0.1", "--master-port", str(settings.master_port)]

    def _environment(self, role: str) -> dict[str, str]:
        settings = self._settings
        if role in ("postgres", "api"):
            return {"DATABASE_URL": f"postgresql://api:stampede@/stampede?host={self.database}"}
        return {
            "LOCUST_HOST": settings.host or settings.api_url,
            "LOCUST_LOCUSTFILE": str(
                settings.locustfile or "load_tests/locustfile.py,load_tests/scenarios.py"
            ),
            "LOCUST_AUDIT_HOST": "" if settings.host else settings.api_url,
            "AUDIT_DATABASE_URL": f"postgresql://auditor:stampede@/stampede?host={self.database}",
        }
