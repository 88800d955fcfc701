"""The roles as processes: the command and environment of each, and the configuration of circus."""

from __future__ import annotations

import configparser
import shlex
import sys
from pathlib import Path

from stampede import own_ports
from stampede.rig import ROOT
from stampede.rig.run_folders import RESULTS
from stampede.rig.settings import Settings
from stampede.rig.variables import encoded, environment, of_file

FOLDER = ROOT / ".local"
LOGS = FOLDER / "log"
ALLOWED_TARGETS = FOLDER / "allowed-targets"
"""The file of hosts that were allowed after the start, one a line."""

OWNER_KEY = FOLDER / "owner-key"
"""The file of the key with which the rig uses a UI that asks for a login."""

MAX_RETRIES = 3
"""Number of times that circus restarts a role which dies at its start; docker-compose.yml has the same."""


def locustfile_variables(settings: Settings) -> dict[str, str]:
    """Return the variables that say which locustfile is loaded, and how."""
    return {
        "LOCUST_HOST": settings.host or "",
        "LOCUST_LOCUSTFILE": "load_tests/locustfile.py,load_tests/scenarios.py",
        "STAMPEDE_LOCUSTFILE": str(settings.locustfile or ""),
        "STAMPEDE_ARGS": settings.locust_args or "",
        "STAMPEDE_TAGS": settings.tags or "",
        "STAMPEDE_EXCLUDE_TAGS": settings.exclude_tags or "",
        own_ports.VARIABLE: " ".join(f"{own_ports.HERE}:{port}" for port in settings.own_ports),
    }


class Roles:
    """The roles of one cluster. `sockets` is the folder for the sockets of circus and PostgreSQL."""

    def __init__(self, settings: Settings, sockets: Path) -> None:
        self._settings = settings
        self._sockets = sockets
        # A folder for PostgreSQL alone, which belongs to it: started by root, it runs as another user.
        self.database = sockets / "postgres"
        self.endpoint = f"ipc://{sockets}/circus"

    def load_variables(self) -> dict[str, str]:
        """Return one variable with the environment of master and workers, which they apply at their start.

        Circus replaces `$NAME` in the variables that it passes on, and strips spaces. So the inherited ones
        that circus would change are in this variable too. The other roles, and circus itself, receive no
        variable of ENV_FILE: a PATH or DATABASE_URL there is for the locustfile.
        """
        changed = {name: text for name, text in environment().items() if "$" in text or text != text.strip()}
        own = {**self._access_variables(), **self._locust_variables()}
        variables = {**changed, **of_file(self._settings.env_file), **own}
        return {"STAMPEDE_ENV": encoded(variables)}

    def _access_variables(self) -> dict[str, str]:
        """Return the variables for the UI's login, the allowed targets and old results."""
        settings = self._settings
        user, password = settings.login or ("", "")
        return {
            "UI_BIND": settings.ui_bind,
            "UI_USER": user,
            "UI_PASSWORD": password,
            "UI_PASSWORD_FILE": "",
            "ALLOW_TARGETS": settings.allow_targets or "",
            "STAMPEDE_KEEP_RESULTS": str(settings.keep_results or ""),
            "STAMPEDE_ALLOWED": str(ALLOWED_TARGETS),
            "STAMPEDE_OWNER_KEY": str(OWNER_KEY),
            "STAMPEDE_CLUSTER_KEY": str(FOLDER / "cluster-key"),
        }

    def _locust_variables(self) -> dict[str, str]:
        shop = "" if self._settings.host else self._settings.api_url
        return {
            **locustfile_variables(self._settings),
            "STAMPEDE_FALLBACK_HOST": shop,
            "STAMPEDE_AUDIT_HOST": shop,
            "AUDIT_DATABASE_URL": f"postgresql://auditor@/stampede?host={self.database}",
            "AUDIT_DATABASE_PASSWORD_FILE": "",  # access to the socket's folder is the check
        }

    def configuration(self) -> configparser.RawConfigParser:
        """Return the configuration of circus for all roles."""
        ini = configparser.RawConfigParser()
        ini.optionxform = str  # type: ignore[assignment,method-assign]  # variables are upper-case
        ini["circus"] = {
            "endpoint": self.endpoint,
            "pubsub_endpoint": f"ipc://{self._sockets}/circus-events",
            "check_delay": "1",
        }
        for role in self._settings.roles:
            ini[f"watcher:{role}"] = self._watcher(role)
            if role in ("postgres", "api"):
                url = f"postgresql://api@/stampede?host={self.database}"
                ini[f"env:{role}"] = {"DATABASE_URL": url}
        return ini

    def _watcher(self, role: str) -> dict[str, str]:
        return {
            "cmd": shlex.join([sys.executable, *self._command(role)]),
            "working_dir": str(ROOT),
            "copy_env": "True",
            "max_retry": str(MAX_RETRIES),
            "graceful_timeout": "30",
            # The API checks the version of its database at its start, so it starts after PostgreSQL.
            "autostart": str(role != "api"),
            # For PostgreSQL, SIGINT is a fast shutdown: SIGTERM would wait for all clients to disconnect.
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
        locust = ["-m", "stampede", "locust", "--config", str(ROOT / role / "locust.conf")]
        match role:
            case "postgres":
                sockets = ["--socket-dir", str(self.database)]
                return ["-m", "postgres.embedded", "--data", str(FOLDER / "postgres"), *sockets]
            case "api":
                return ["run_api.py", "--host", "127.0.0.1", "--port", str(settings.api_port)]
            case "master":
                ui = ["--web-host", settings.ui_bind, "--web-port", str(settings.ui_port)]
                bind = ["--master-bind-host", "127.0.0.1", "--master-bind-port", str(settings.master_port)]
                results = ["--stampede-results", str(RESULTS), "--stampede-cluster", settings.cluster_name]
                return [*locust, *ui, *bind, *results]
            case _:
                return [*locust, "--master-host", "127.0.0.1", "--master-port", str(settings.master_port)]
