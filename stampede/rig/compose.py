"""The cluster as containers: Docker Compose, on docker-compose.yml."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

from stampede.rig import ROOT, UsageError
from stampede.rig.last_words import last_words
from stampede.rig.settings import Settings, environment

START_TIMEOUT = 90.0
"""Seconds for every service to get healthy."""


class Compose:
    """The Compose runtime; stampede/rig/local.py has the same methods."""

    key = "compose"
    name = "Docker Compose"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @staticmethod
    def available() -> bool:
        """Whether an engine answers, and Compose is there to ask it."""
        try:
            engine = subprocess.run(["docker", "info"], capture_output=True, timeout=20)
            plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            return False
        return engine.returncode == 0 and plugin.returncode == 0

    def is_up(self) -> bool:
        """Whether it was started and some of it runs: a database alone is no cluster.

        One whose master and workers ended, over a mistake in the load tests say, still is: restart mends it.
        """
        containers = self._containers()
        load = [c for c in containers if c["Service"] in ("master", "worker") and c["State"] != "created"]
        return bool(load) and any(c["State"] in ("running", "restarting") for c in containers)

    def up(self) -> None:
        """Build what has changed, start everything, wait for the health checks. Raises UsageError."""
        roles = self._settings.roles
        built = self._show("build", *roles)
        if built.returncode:
            raise UsageError(f"the images cannot be built: {last_words(built.stderr)}")
        alone = ["--no-deps"] if self._settings.host else []
        started = self._show("up", "--detach", *alone, *roles)
        self._wait_until_healthy(last_words(started.stderr) if started.returncode else None)

    def _wait_until_healthy(self, complaint: str | None) -> None:
        """Wait for all but the workers, whose joining is looked at instead.

        `complaint` is Compose's own, if it could not start all: then nothing is waited for.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while unwell := [c for c in self._containers() if c["Service"] != "worker" and not _healthy(c)]:
            failed = [container for container in unwell if _failed(container)]
            if failed or time.monotonic() > deadline:
                raise UsageError(self._did_not_get_healthy((failed or unwell)[0]["Service"]))
            if complaint:
                break
            time.sleep(0.2)
        if complaint:
            raise UsageError(f"the cluster did not start: {complaint}")

    def _did_not_get_healthy(self, service: str) -> str:
        logs = self._compose("logs", "--no-log-prefix", "--tail", "20", service, capture=True)
        return f"{service} did not get healthy: {last_words(logs.stdout)}"

    def _show(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run what takes a while: Compose's own display on a terminal, a word elsewhere."""
        if sys.stderr.isatty():
            return self._compose(*command)
        print(f"  docker compose {command[0]} …", flush=True)
        return self._compose(*command, capture=True)

    def worker_count(self) -> int:
        """How many workers it keeps, joined or not."""
        return sum(container["Service"] == "worker" for container in self._containers())

    def scale(self, workers: int) -> None:
        """Change the number of workers, also in the middle of a run. Those there are stay as they are."""
        self._must("up", "--detach", "--no-deps", "--no-recreate", "--scale", f"worker={workers}", "worker")

    def restart_load(self) -> None:
        """Start master and workers again, with the load tests as they are now."""
        self._must("restart", "--no-deps", "master", "worker")
        self._wait_until_healthy(None)

    def seed(self) -> None:
        """Bring the database back to the catalogue a run starts from."""
        psql = ["psql", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", "stampede"]
        self._must("exec", "-T", "postgres", *psql, "-f", "/postgres/seed.sql")

    def target(self, host: str) -> str:
        """`host` as the containers reach it: localhost is the machine, not the container."""
        parts = urlsplit(host)
        if parts.hostname in ("localhost", "127.0.0.1", "::1"):
            port = f":{parts.port}" if parts.port else ""
            parts = parts._replace(netloc=f"host.docker.internal{port}")
        return parts.geturl()

    def allow(self, host: str) -> None:
        """Let the master take `host` for a target, until it starts again."""
        self._must("exec", "-T", "master", "sh", "-c", 'echo "$1" >>"$LOCUST_ALLOWED"', "sh", host)

    def logs(self) -> None:
        """Show what the services print, and go on until interrupted."""
        self._compose("logs", "--follow", "--tail", "100")

    def ps(self) -> None:
        """Show what runs."""
        self._compose("ps")

    def down(self) -> None:
        """End everything; the data stays."""
        self._must("down", "--remove-orphans")

    def reset(self) -> None:
        """End everything and delete the data."""
        self._must("down", "--remove-orphans", "--volumes")

    def _must(self, *command: str) -> None:
        done = self._compose(*command, capture=True)
        if done.returncode:
            raise UsageError(f"docker compose {command[0]} failed: {last_words(done.stderr)}")

    def _containers(self) -> list[dict[str, str]]:
        listed = self._compose("ps", "--all", "--format", "json", capture=True)
        return list(_json_objects(listed.stdout))

    def _compose(self, *command: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["docker", "compose", *command],
            cwd=ROOT,
            env={**environment(), **self._variables()},
            capture_output=capture,
            text=True,
            start_new_session=capture,  # Ctrl-C is for us: who captures it cleans up after it
        )

    def _variables(self) -> dict[str, str]:
        """What docker-compose.yml takes from its environment."""
        settings = self._settings
        variables = {**settings.of_the_services, "COMPOSE_PROJECT_NAME": settings.compose_project_name}
        variables |= {"UI_PORT": str(settings.ui_port), "API_PORT": str(settings.api_port)}
        if settings.workers:
            variables["WORKERS"] = str(settings.workers)
        if settings.host:
            variables["TARGET_HOST"] = self.target(settings.host)
        if settings.locustfile:
            variables["LOCUSTFILE_FOLDER"] = str(settings.locustfile.parent)
            variables["CONTAINER_LOCUSTFILE"] = f"/locustfile/{settings.locustfile.name}"
        for name in ("ui_bind", "ui_user", "ui_password", "ui_password_file", "allow_targets"):
            if value := getattr(settings, name):
                variables[name.upper()] = str(value)
        return variables


def _healthy(container: dict[str, str]) -> bool:
    return container["Health"] == "healthy"


def _failed(container: dict[str, str]) -> bool:
    """It will not get healthy by itself any more; one that restarts still may."""
    return container["State"] in ("exited", "dead") or container["Health"] == "unhealthy"


def _json_objects(text: str) -> Iterator[dict[str, str]]:
    """Compose prints a list, or since 2.21 an object a line."""
    for line in text.splitlines():
        parsed = json.loads(line)
        yield from parsed if isinstance(parsed, list) else [parsed]
